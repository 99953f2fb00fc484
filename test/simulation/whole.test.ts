import { describe, expect, test } from 'vitest'
import { type ChordNode, type MessageType, type Service, utf8 } from '../../src/index.ts'
import { type HandoverStep, swarm, World } from '../../src/sim/index.ts'

const ECHO: MessageType<string, string> = { name: 'echo', request: utf8, reply: utf8 }

const echo = (node: ChordNode) => void node.handle(ECHO, ({ body }) => body)

describe('a world', () => {
  test('runs nodes, clients and a test, which just waits', async () => {
    const world = new World({ seed: 1 })
    const reply = await world.play(async () => {
      await world.grow(3, {}, echo)
      const client = await world.client()
      await world.run(60_000)
      return client.request('key', ECHO, 'hello')
    })
    expect(reply).toBe('hello')
    expect(world.nowMs).toBeGreaterThan(60_000)
    expect(world.flaws()).toEqual([])
  })

  test('fails if an instant never ends', async () => {
    const world = new World({ seed: 1 })
    const again = (): void => void world.clock.setTimer(0, again)
    again()
    await expect(world.play(() => world.run(1))).rejects.toThrow('one instant does not end')
  })

  test('is the same for the same seed, and another for another', async () => {
    const life = async (seed: number) => {
      const world = new World({ seed })
      await world.play(async () => {
        await world.grow(4, { virtualNodes: 2 }, echo)
        world.trouble({ everyMs: 500 })
        await world.run(15_000)
        await world.calm()
      })
      return world.hash
    }
    const first = await life(5)
    expect(await life(5)).toBe(first)
    expect(await life(6)).not.toBe(first)
  })

  test('says when a test waits for what never comes', async () => {
    const world = new World()
    await expect(world.play(() => new Promise(() => {}))).rejects.toThrow('nothing is left to happen')
    await world.start()
    await expect(world.settle(new Promise(() => {}), 5_000)).rejects.toThrow('5000 ms of virtual time are over')
  })

  test('checks the user’s own rules after every event, and waits for what he hopes for', async () => {
    const world = new World()
    await world.grow(3)
    world.always('three nodes', () => world.nodes.length === 3)
    await world.eventually(() => world.flaws().length === 0)
    await expect(world.eventually(() => expect(1).toBe(2), 100)).rejects.toThrow('expected 1 to be 2')
    world.kill(world.nodes[1]!)
    await expect(world.run(1_000)).rejects.toThrow('always: three nodes (at ')
  })
})

describe('processes', () => {
  test.each(['kept', 'stale', 'lost'] as const)('start again with their files %s', async (memory) => {
    const world = new World({ seed: 2 })
    const [, node] = await world.grow(4, {}, echo)
    const before = node!.members[0]!.incarnation
    await world.run(40_000)
    world.kill(node!)
    await expect(node!.request('key', ECHO, 'x')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await world.run(2_000)
    const again = await world.restart(node!, memory)
    expect(again.address).toBe(node!.address)
    expect(again.members[0]!.incarnation).toBeGreaterThan(before)
    await world.calm()
  })

  test('start again above their former lives though their clock went back and their file is gone', async () => {
    const world = new World({ seed: 3 })
    const [, node] = await world.grow(4)
    const before = node!.members[0]!.incarnation
    world.setClock(node!, { offsetMs: -3_600_000 })
    world.kill(node!)
    const again = await world.restart(node!, 'lost')
    expect(again.members[0]!.incarnation).toBe(before + 1n)
    await world.calm()
  })

  test('remember whom they knew when all have to start again', async () => {
    const world = new World({ seed: 4 })
    const nodes = await world.grow(3)
    await world.run(31_000)
    for (const node of nodes) world.kill(node)
    const again = await world.play(() => Promise.all(nodes.map((node) => world.restart(node))))
    expect(again.map(({ state }) => state)).toEqual(['member', 'member', 'member'])
    await world.calm()
  })

  test('stand still, are taken for dead, and come back', async () => {
    const world = new World({ seed: 5 })
    const [first, second] = await world.grow(4, {}, echo)
    world.pause(second!, 8_000)
    const call = second!.requestTo(first!.address, ECHO, 'late', { timeoutMs: 20_000 })
    await world.run(7_000)
    expect(world.nodes.some((node) => node.metrics().maintenance.evictions > 0)).toBe(true)
    expect(await world.settle(call)).toBe('late')
    await world.calm()
  })

  test('have clocks that go wrong', async () => {
    const world = new World({ seed: 6 })
    const nodes = await world.grow(4, { clock: { offsetMs: 123_456, rate: 1.05 } }, echo)
    world.setClock(nodes[1]!, { rate: 0.8 })
    await world.run(60_000)
    expect(await world.settle(nodes[1]!.request('key', ECHO, 'x'))).toBe('x')
    await world.calm()
  })

  test('warn when their disk is full, and go on', async () => {
    const world = new World({ seed: 7 })
    const [, node] = await world.grow(3)
    const warnings: string[] = []
    node!.on('warning', ({ code }) => warnings.push(code))
    world.fillDisk(node!)
    await world.run(60_000)
    expect(warnings).toEqual(expect.arrayContaining(['ERR_STATE_FILE']))
    await world.calm()
  })

  test('cannot have the address of another', async () => {
    const world = new World({ seed: 8 })
    const [, node] = await world.grow(4)
    await expect(world.duplicate(node!)).rejects.toMatchObject({ code: 'ERR_DUPLICATE_ID' })
    await world.calm()
    expect(world.nodes.length).toBe(4)
  })

  test('vanish, and are missed', async () => {
    const world = new World({ seed: 9 })
    const [, node] = await world.grow(5, {}, echo)
    world.vanish(node!)
    await world.run(100)
    expect(world.flaws()).not.toEqual([])
    await world.calm({ withinMs: 10_000 })
  })

  test('die at any step of a hand-over, and nothing of them runs any more', async () => {
    for (const step of ['prepare', 'transfer', 'transferred', 'commit'] as const) {
      const world = new World({ seed: 10 })
      const done: HandoverStep[] = []
      const service = (): Service => ({
        name: 'test',
        start() {},
        async stop() {},
        prepare: async () => void done.push('prepare'),
        transfer: async () => void done.push('transfer'),
        commit: ({ lost }) => void (lost.length > 0 && done.push('commit')),
      })
      await world.grow(3)
      const giver = await world.start({ services: () => [service()] })
      let died = false
      world.onHandover((node, handover) => {
        if (node !== giver || handover.step !== step || handover.change.lost.length === 0) return
        died = true
        world.kill(node)
      })
      await world.settle(giver.leave().catch(() => {}))
      expect(died).toBe(true)
      expect(done).toEqual(
        { prepare: [], transfer: ['prepare'], transferred: ['prepare', 'transfer'], commit: ['prepare', 'transfer'] }[
          step
        ],
      )
      await world.calm()
    }
  })
})

describe('paths', () => {
  test('are cut one way', async () => {
    const world = new World({ seed: 11 })
    const [a, b] = (await world.grow(3, {}, echo)) as [ChordNode, ChordNode]
    let heard = 0
    b.handle({ ...ECHO, name: 'count' }, () => String(++heard))
    world.cut(b, a)
    const call = a.requestTo(b.address, { ...ECHO, name: 'count' }, 'x', { timeoutMs: 1_000 })
    await expect(world.settle(call)).rejects.toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' })
    expect(heard).toBe(1)
    await world.calm()
  })

  test('hold everything back, and let it go in order', async () => {
    const world = new World({ seed: 12 })
    const [a, b] = (await world.grow(3)) as [ChordNode, ChordNode]
    const heard: string[] = []
    b.handle(ECHO, ({ body }) => {
      heard.push(body)
      return body
    })
    await world.settle(a.requestTo(b.address, ECHO, '0'))
    world.clog(a, b)
    const calls = ['1', '2', '3'].map((text) => a.requestTo(b.address, ECHO, text))
    await world.run(300)
    expect(heard).toEqual(['0'])
    world.mend(a, b)
    await world.settle(Promise.all(calls))
    expect(heard).toEqual(['0', '1', '2', '3'])
  })

  test('break, and are opened anew', async () => {
    const world = new World({ seed: 13 })
    const [a, b] = (await world.grow(3, {}, echo)) as [ChordNode, ChordNode]
    await world.settle(a.requestTo(b.address, ECHO, 'x'))
    world.reset(a, b)
    await world.run(10)
    expect(a.metrics().closed.reset).toBe(1)
    expect(b.metrics().closed.reset).toBe(1)
    expect(await world.settle(a.requestTo(b.address, ECHO, 'y'))).toBe('y')
    await world.calm()
  })

  test('that flip bits are found out by the framing, and the connection is closed and counted', async () => {
    const world = new World({ seed: 14 })
    const nodes = await world.grow(4, {}, echo)
    const [a, b] = nodes as [ChordNode, ChordNode]
    world.corrupt(a, b, 100)
    for (let i = 0; i < 60; i++)
      await world.settle(a.requestTo(b.address, ECHO, 'x', { timeoutMs: 50 }).catch(() => {}))
    expect(world.faults.corruptedBytes).toBeGreaterThan(0)
    expect(Object.values(b.metrics().refused).reduce((x, y) => x + y)).toBeGreaterThan(0)
    await world.calm()
  })

  test('need not be transitive', async () => {
    const world = new World({ seed: 15 })
    const [a, b] = (await world.grow(5, {}, echo)) as [ChordNode, ChordNode]
    world.cut(a, b)
    world.cut(b, a)
    await world.run(20_000)
    for (const node of world.nodes) if (node !== a && node !== b) expect(node.state).toBe('member')
    await world.calm()
  })
})

describe('a swarm', () => {
  test('says which seed failed, and how to repeat it', async () => {
    const run = swarm({ seeds: [7, 9], faults: [] }, async (world) => {
      if (world.seed === 8) throw new Error('bad luck')
    })
    await expect(run).rejects.toThrow('seed 8: bad luck\nto repeat it alone: CHORDITE_SEED=8')
  })

  test('plays the same again', async () => {
    const run = () => swarm({ seeds: 2, nodes: [3, 4], everyMs: 1_000 }, (world) => world.run(5_000))
    expect((await run()).hash).toBe((await run()).hash)
  })
})
