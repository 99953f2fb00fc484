/** What is read and written while a range is on its way: its giver owns it until it hears that the heir has taken it. */
import { describe, expect, it } from 'vitest'
import type { ChordNode } from '../../src/api.ts'
import { type Registry, registry } from '../../src/index.ts'
import { type HandoverStep, World } from '../../src/sim/index.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : new TextDecoder().decode(value))

/** A ring of registries, with a value under each of some keys. */
async function ringOf(world: World, count: number) {
  const of = new Map<ChordNode, Registry>()
  let made: Registry | undefined
  const services = () => {
    made = registry()
    return [made]
  }
  const setUp = (node: ChordNode) => void of.set(node, made!)
  const nodes = await world.grow(count, { services }, setUp)
  for (const key of KEYS) await of.get(nodes[0]!)!.put(key, bytes('old'))
  return { nodes, of, join: () => world.start({ services }, setUp) }
}

const KEYS = Array.from({ length: 24 }, (_, i) => `key ${i}`)

describe.each(['leaves', 'gives a part to who joins'])('a giver that %s and has not heard yet', (how) => {
  it('reads what was written at the heir, and writes there', async () => {
    const world = new World({ seed: 5 })
    await world.play(async () => {
      const { nodes, of, join } = await ringOf(world, 3)
      const heard: { giver: ChordNode; heir: ChordNode; key: string }[] = []
      world.onHandover((heir, { step, change }) => {
        const giver = nodes.find(({ address }) => address === change.from?.address)
        const key = KEYS.find((name) => heir.owns(name) !== undefined && giver?.owns(name) !== undefined)
        if (step !== 'commit' || giver === undefined || key === undefined || heard.length > 0) return
        heard.push({ giver, heir, key })
        world.clog(heir, giver)
      })
      const moving = how === 'leaves' ? world.leave(nodes[1]!) : join()
      while (heard.length === 0) await world.run(1)
      const { giver, heir, key } = heard[0]!
      expect(world.owners(key).length + (how === 'leaves' ? 1 : 0)).toBe(2)
      await of.get(heir)!.put(key, bytes('new'))
      const reading = of.get(giver)!.get(key)
      await world.run(50)
      world.mend(heir, giver)
      expect(text(await reading)).toBe('new')
      await moving
      for (const name of KEYS) expect(text(await of.get(heir)!.get(name))).toBe(name === key ? 'new' : 'old')
    })
  })
})

const STEPS: readonly HandoverStep[] = ['prepare', 'transfer', 'transferred', 'commit']

describe.each(STEPS)('at %s of a hand-over', (step) => {
  it.each(['giver', 'heir'])('the %s dies: values are lost or found, and the rest goes on', async (who) => {
    const world = new World({ seed: 7 })
    await world.play(async () => {
      const { nodes, of } = await ringOf(world, 5)
      let killed = false
      world.onHandover((node, handover) => {
        if (killed || handover.step !== step) return
        const giver = handover.change.to === undefined ? handover.change.from : node
        const heir = handover.change.to ?? node
        const one = nodes.find(({ address }) => address === (who === 'giver' ? giver : heir)?.address)
        if (one === undefined) return
        killed = true
        // Not within the step itself.
        world.clock.setTimer(0, () => world.kill(one))
      })
      void world.leave(nodes[2]!).catch(() => {})
      await world.run(5_000)
      expect(killed).toBe(true)
      const one = of.get(world.nodes.find((node) => node !== nodes[2])!)!
      for (const key of KEYS) expect([undefined, 'old']).toContain(text(await one.get(key)))
      for (const key of KEYS) await one.put(key, bytes('new'))
      for (const key of KEYS) expect(text(await one.get(key))).toBe('new')
      expect(world.flaws()).toEqual([])
    })
  })
})

it('an heir that dies unheard is asked once', async () => {
  const world = new World({ seed: 9 })
  await world.play(async () => {
    const { nodes, of } = await ringOf(world, 3)
    let heir: string | undefined
    world.onHandover((node, { step, change }) => {
      if (step !== 'transferred' || heir !== undefined) return
      heir = change.to?.address
      world.clock.setTimer(0, () => world.kill(heir!))
      expect(node).toBe(nodes[1])
    })
    const leaving = world.leave(nodes[1]!)
    while (heir === undefined) await world.run(1)
    const key = KEYS.find((name) => nodes[1]!.owns(name) !== undefined)
    if (key !== undefined) expect(text(await of.get(nodes[1]!)!.get(key))).toBe('old')
    await leaving
  })
})
