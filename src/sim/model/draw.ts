/** States and steps as text. */
import type { StepName } from './model.ts'
import { NONE, type Ring } from './nodes.ts'
import { cycleFrom, has, shapeOf } from './properties.ts'

/** `0 → 2 4 (pred 4)  2 → 4 0 (pred –, notified by 1)`, the living only. */
export function drawRing(ring: Ring): string {
  const living = ring.filter((node) => node.live)
  return living
    .map(({ id, list, pred, due, from }) => {
      const waits = due === 'rectify' ? `, notified by ${from}` : due === 'adopt' ? `, to ask ${from}` : ''
      return `${id} → ${list.join(' ') || '∅'} (pred ${pred === NONE ? '–' : pred}${waits})`
    })
    .join('   ')
}

export function drawStep(name: StepName, at: number, other: number): string {
  if (other === NONE) return `${name} ${at}`
  const link = {
    join: 'via',
    rectify: 'to',
    stabilize: 'finds',
    adopt: '',
    fail: '',
    flush: '',
    update: '',
    reconcile: '',
  }
  return `${name} ${at} ${link[name]} ${other}`.replace('  ', ' ')
}

/** Where the best successors lead: `ring 0 → 4 → 2 → 0; 3 joins it at 4; 1 is lost`. */
export function drawShape(ring: Ring): string {
  const shape = shapeOf(ring)
  const parts: string[] = []
  let drawn = 0
  for (const { id } of shape.nodes) {
    if (has(drawn, id) || !has(shape.members, id)) continue
    const walk = cycleFrom(shape, id)
    for (const member of walk) drawn |= 1 << member
    parts.push(`ring ${walk.join(' → ')}`)
  }
  if (parts.length === 0) parts.push('no ring')
  for (const { id } of shape.nodes) {
    if (has(shape.members, id)) continue
    const entry = cycleFrom(shape, id)[0]
    parts.push(entry === undefined ? `${id} is lost` : `${id} leads to it at ${entry}`)
  }
  return parts.join('; ')
}
