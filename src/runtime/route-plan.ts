/** What the members decide about frames by key, for whole arcs of the ring at once: the same for every key between two ids that they know. */
import { ArcTable, NO_ARC } from '../core/arc-table.ts'
import type { ChordNode } from '../core/chord-node.ts'
import type { Id } from '../core/id.ts'
import type { Peer } from '../core/messages.ts'
import { type Decision, decide } from '../core/router.ts'

/** Next hops tried before a frame is given back as BUSY. */
export const WAYS_MAX = 3

export interface Way {
  readonly to: Peer
  readonly final: boolean
  readonly finalSteps: number
}

export interface RoutePlan {
  /** By key the number of a row; NO_ARC for what is ours, or nobody's. */
  readonly arcs: ArcTable
  /** Ways to the owner, the best first, each once. */
  readonly rows: readonly (readonly Way[])[]
}

/** For frames that are not FINAL: where those go depends on how they came. */
export function planRoutes(members: readonly ChordNode[]): RoutePlan {
  const ends = borders(members)
  const rows: Way[][] = []
  const known = new Map<string, number>()
  const numbers = ends.map((end) => {
    const ways = waysTo(members, end)
    if (ways.length === 0) return NO_ARC
    const name = ways.map(nameOf).join(' ')
    const number = known.get(name) ?? rows.push(ways) - 1
    known.set(name, number)
    return number
  })
  return { arcs: new ArcTable(ends, numbers), rows }
}

/** None if the first is to be decided by the frame: it is ours, or nobody's. */
function waysTo(members: readonly ChordNode[], key: Id): Way[] {
  const ways: Way[] = []
  for (let attempt = 0; attempt < WAYS_MAX; attempt++) {
    const way = wayOf(decide(members, key, false, 0, attempt))
    if (way === undefined && attempt === 0) break
    if (way !== undefined && !ways.some((known) => nameOf(known) === nameOf(way))) ways.push(way)
  }
  return ways
}

export function wayOf(decision: Decision): Way | undefined {
  return decision.kind === 'forward' ? decision : undefined
}

function nameOf({ to, final, finalSteps }: Way): string {
  return `${to.address} ${final ? finalSteps : '-'}`
}

/** Every id at which a decision may change, in order, each once. */
function borders(members: readonly ChordNode[]): Id[] {
  const ids = new Map<string, Id>()
  const add = (id: Id | undefined) => id !== undefined && ids.set(id.toString(), id)
  for (const { self, predecessor, successors, range, core } of members) {
    add(self.id)
    add(predecessor?.id)
    add(range?.after)
    for (const peer of successors) add(peer.id)
    for (const finger of core.fingers.distinct()) add(finger.id)
  }
  return [...ids.values()].sort((a, b) => a.compare(b))
}
