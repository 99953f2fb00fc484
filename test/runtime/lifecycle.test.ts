/** Starting, leaving, isolation, restarts: whole nodes in virtual time. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ChordError, type ChordNode, json, type MessageType, type NodeState, utf8 } from '../../src/index.ts'
import { SimulatedRing } from './simulated-ring.ts'

const ECHO = { name: 'echo', request: json<number>(), reply: json<number>() }

function states(node: ChordNode): NodeState[] {
  const seen: NodeState[] = []
  node.on('state', ({ current }) => seen.push(current))
  return seen
}

function warnings(node: ChordNode): ChordError[] {
  const seen: ChordError[] = []
  node.on('warning', (error) => seen.push(error))
  return seen
}

describe('start', () => {
  it('makes a ring without contacts, or when it is the only contact itself', async () => {
    for (const contacts of [[], ['10.0.0.0:4000'], ['me:4000', 'dns://me:4000']]) {
      const ring = new SimulatedRing({}, { names: { me: ['10.0.0.0'] } })
      const node = ring.create({ join: contacts })
      const seen = states(node)
      await ring.settle(node.start())
      expect(seen).toEqual(['joining', 'member'])
      expect(node.members[0]!.range).toEqual({ after: node.members[0]!.id, upTo: node.members[0]!.id })
      expect(node.address).toBe('10.0.0.0:4000')
    }
  })

  it('gives up at the deadline, and closes everything', async () => {
    const ring = new SimulatedRing()
    const node = ring.create({ join: ['10.0.0.77:4000'] })
    const start = ring.network.clock.nowMs()
    await expect(ring.settle(node.start({ timeoutMs: 2_000 }))).rejects.toMatchObject({ code: 'ERR_JOIN_TIMEOUT' })
    expect(ring.network.clock.nowMs() - start).toBeLessThan(2_100)
    expect(node.state).toBe('closed')
    expect(await node.closed).toMatchObject({ code: 'ERR_JOIN_TIMEOUT' })
    await expect(node.start()).rejects.toMatchObject({ code: 'ERR_STATE' })
    // Its port is free again.
    const other = new SimulatedRing()
    await other.start()
    await ring.run(10_000)
  })

  it('refuses every kind of call before its start and after its end, by one code', async () => {
    const node = new SimulatedRing().create()
    const type: MessageType<string, string> = { name: 'any', request: utf8, reply: utf8 }
    const refused = async (code: string) => {
      const results: unknown[] = []
      const to = '10.0.0.9:4000'
      const calls = [
        node.lookup('k'),
        node.request('k', type, ''),
        node.requestTo(to, type, ''),
        node.send('k', type, ''),
        node.sendTo(to, type, ''),
        new Promise((_, reject) => node.requestTo(to, type, '', {}, (r) => (r.ok ? results.push(r) : reject(r.error)))),
        new Promise((_, reject) => node.request('k', type, '', {}, (r) => (r.ok ? results.push(r) : reject(r.error)))),
      ]
      for (const call of calls) await expect(call).rejects.toMatchObject({ code })
      expect(results).toEqual([])
    }
    await refused('ERR_STATE')
    await node.close()
    await refused('ERR_CLOSED')
  })

  it('waits for a contact that comes later', async () => {
    const ring = new SimulatedRing()
    const late = ring.create({ join: ['10.0.0.1:4000'] })
    const started = late.start({ timeoutMs: 30_000 })
    await ring.run(3_000)
    const first = ring.create({ join: [] })
    await ring.settle(first.start())
    await ring.settle(started)
    await ring.run(1_000)
    expect(late.members[0]!.successors.map((peer) => peer.address)).toEqual([first.address])
  })

  it('gets in however far away the others are', async () => {
    const ring = new SimulatedRing({ delayMinMs: 300, delayMaxMs: 350 })
    await ring.grow(3)
    await ring.run(20_000)
    for (const node of ring.nodes) {
      expect(node.members[0]!.successors).toHaveLength(2)
      expect(node.metrics().maintenance.evictions).toBe(0)
    }
  })

  it('finds contacts by name, each time anew', async () => {
    const names: Record<string, string[]> = { 'ring.example': ['10.0.0.99'] }
    const ring = new SimulatedRing({}, { names })
    const first = await ring.start()
    const node = ring.create({ join: ['dns://ring.example:4000'] })
    const started = node.start({ timeoutMs: 30_000 })
    await ring.run(1_000)
    expect(node.state).toBe('joining')
    names['ring.example'] = ['10.0.0.99', '10.0.0.0']
    await ring.settle(started)
    expect(node.members[0]!.successors[0]!.address).toBe(first.address)
  })

  it('is refused a second time, a bad address and an unknown option', () => {
    const ring = new SimulatedRing()
    expect(() => ring.create({ listen: 'nowhere' })).toThrow(expect.objectContaining({ code: 'ERR_BAD_ADDRESS' }))
    expect(() => ring.create({ join: ['a:0'] })).toThrow(expect.objectContaining({ code: 'ERR_BAD_ADDRESS' }))
    expect(() => ring.create({ advertise: '0.0.0.0:1' })).toThrow(expect.objectContaining({ code: 'ERR_BAD_ADDRESS' }))
    expect(() => ring.create({ port: 1 } as object)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
    expect(() => ring.create({ virtualNodes: 0 })).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
    expect(() => ring.create({ timing: { idleMs: Number.NaN } })).toThrow(/timing.idleMs/)
    expect(() => ring.create({ limits: { hops: 256 } })).toThrow(/limits.hops/)
    expect(() => ring.create({ timing: { stabilizeMinMs: 9_000 } })).toThrow(/stabilizeMinMs/)
  })

  it('can be stopped', async () => {
    const ring = new SimulatedRing()
    const node = ring.create({ join: ['10.0.0.77:4000'] })
    const controller = new AbortController()
    const started = node.start({ signal: controller.signal, timeoutMs: 60_000 })
    ring.network.clock.setTimer(500, () => controller.abort())
    await expect(ring.settle(started)).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(node.state).toBe('closed')
    const closing = ring.create({ join: ['10.0.0.77:4000'] })
    const outcome = expect(closing.start()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await ring.run(100)
    await ring.settle(closing.close())
    await outcome
  })

  it('learns its address from a contact, or demands to be told', async () => {
    const ring = new SimulatedRing()
    await ring.start()
    const node = await ring.start({ listen: '0.0.0.0:4000' })
    expect(node.address).toBe('10.0.0.1:4000')
    expect(ring.nodes[0]!.members[0]!.successors.length).toBeLessThanOrEqual(1)
    await ring.run(1_000)
    expect(ring.nodes[0]!.members[0]!.successors[0]!.address).toBe('10.0.0.1:4000')
    const alone = ring.create({ listen: '0.0.0.0:4000', join: [] })
    await expect(ring.settle(alone.start())).rejects.toMatchObject({ code: 'ERR_ADVERTISE_REQUIRED' })
    const self = ring.create({ listen: '0.0.0.0:4000', join: ['10.0.0.3:4000'] })
    await expect(ring.settle(self.start())).rejects.toMatchObject({ code: 'ERR_ADVERTISE_REQUIRED' })
  })

  it('refuses a place that a living process has', async () => {
    const ring = new SimulatedRing()
    await ring.start()
    await ring.start({ advertise: '10.0.0.1:4000' })
    const twin = ring.create({ advertise: '10.0.0.1:4000', listen: '10.0.0.2:4000' })
    await expect(ring.settle(twin.start({ timeoutMs: 20_000 }))).rejects.toMatchObject({ code: 'ERR_DUPLICATE_ID' })
  })

  it('serves every virtual node', async () => {
    const ring = new SimulatedRing()
    await ring.grow(3, { virtualNodes: 5 })
    for (const node of ring.nodes) {
      expect(node.members.length).toBe(5)
      for (const member of node.members) expect(member.range?.upTo).toEqual(member.id)
    }
    for (let i = 0; i < 100; i++) expect(ring.owners(`k${i}`).length).toBe(1)
  })

  it('brings up many at once', async () => {
    const ring = new SimulatedRing()
    await ring.start({ virtualNodes: 4 })
    const nodes = Array.from({ length: 15 }, () => ring.create({ virtualNodes: 4 }))
    const start = ring.network.clock.nowMs()
    await ring.settle(Promise.all(nodes.map((node) => node.start({ timeoutMs: 20_000 }))))
    expect(ring.network.clock.nowMs() - start).toBeLessThan(5_000)
    await ring.run(2_000)
    for (let i = 0; i < 200; i++) expect(ring.owners(`k${i}`).length).toBe(1)
  })
})

describe('leave', () => {
  it('hands over while messages go on, and none is lost', async () => {
    const ring = new SimulatedRing()
    let served = 0
    await ring.grow(5, {}, (node) => {
      node.handle(ECHO, ({ body }) => {
        served++
        return body
      })
    })
    const [caller, leaver] = ring.nodes as [ChordNode, ChordNode]
    const seen = states(leaver)
    const calls: Promise<number>[] = []
    for (let i = 0; i < 300; i++) ring.network.clock.setTimer(i, () => calls.push(caller.request(`k${i}`, ECHO, i)))
    await ring.run(100)
    await ring.leave(leaver)
    await ring.run(500)
    expect(await ring.settle(Promise.all(calls))).toEqual(calls.map((_, i) => i))
    expect(served).toBe(300)
    expect(seen).toEqual(['leaving', 'closed'])
    expect(await leaver.closed).toBeUndefined()
  })

  it('of all nodes at once ends', async () => {
    const ring = new SimulatedRing()
    await ring.grow(5, { virtualNodes: 2 })
    await ring.settle(Promise.all(ring.nodes.map((node) => node.leave({ timeoutMs: 5_000 }))))
    for (const node of ring.nodes) expect(node.state).toBe('closed')
  })

  it('waits for handlers that are at work, until the deadline', async () => {
    const ring = new SimulatedRing()
    const slow = { name: 'slow', request: json<number>(), reply: json<string>() }
    await ring.grow(2, {}, (node) => {
      node.handle(slow, async ({ body }) => {
        await new Promise<void>((resolve) => ring.network.clock.setTimer(body, resolve))
        return 'done'
      })
    })
    const [caller, leaver] = ring.nodes as [ChordNode, ChordNode]
    const quick = caller.requestTo(leaver.address, slow, 300)
    await ring.run(20)
    await ring.leave(leaver)
    expect(await ring.settle(quick)).toBe('done')
  })

  it('does nothing before the start but close, and happens once', async () => {
    const ring = new SimulatedRing()
    const fresh = ring.create()
    await ring.settle(fresh.leave())
    expect(fresh.state).toBe('closed')
    const node = ring.create({ join: [] })
    await ring.settle(node.start())
    await ring.settle(Promise.all([node.leave(), node.leave(), node.close()]))
    expect(node.state).toBe('closed')
  })
})

describe('close', () => {
  it('ends a departure that waits', async () => {
    const ring = new SimulatedRing()
    const never = { name: 'never', request: json<number>(), reply: json<number>() }
    const [caller, leaver] = (await ring.grow(2, {}, (node) => {
      node.handle(never, () => new Promise(() => {}))
    })) as [ChordNode, ChordNode]
    caller.requestTo(leaver.address, never, 1, { timeoutMs: 60_000 }).catch(() => {})
    await ring.run(20)
    const startMs = ring.network.clock.nowMs()
    const left = leaver.leave()
    await ring.run(100)
    await ring.settle(leaver.close())
    await ring.settle(left)
    expect(ring.network.clock.nowMs() - startMs).toBeLessThan(200)
  })

  it('may be called by who hears of it, and then nothing is owned', async () => {
    const ring = new SimulatedRing()
    const node = await ring.start()
    const again: Promise<void>[] = []
    node.on('state', () => again.push(node.close()))
    const closed = node.close()
    await ring.settle(Promise.all([closed, ...again]))
    expect(again).toHaveLength(1)
    expect(node.owns('key')).toBeUndefined()
  })
})

describe('isolation', () => {
  it('is told, and ends when somebody is back', async () => {
    const ring = new SimulatedRing()
    await ring.grow(3)
    const [a, b] = ring.nodes as [ChordNode, ChordNode, ChordNode]
    const seen = states(b)
    ring.partition([b])
    await ring.run(60_000)
    expect(b.state).toBe('isolated')
    let other = 0
    while (b.owns(`k${other}`) !== undefined) other++
    await expect(ring.settle(b.lookup(`k${other}`))).rejects.toMatchObject({ code: 'ERR_ISOLATED' })
    ring.heal()
    await ring.run(60_000)
    expect(seen).toEqual(['isolated', 'member'])
    for (let i = 0; i < 50; i++) expect(ring.owners(`k${i}`).length).toBe(1)
    expect((await ring.settle(a.lookup(`k${other}`))).owner.address).toBe(ring.owners(`k${other}`)[0]!.address)
  })
})

describe('restarts', () => {
  it('at the same address replace the dead', async () => {
    const ring = new SimulatedRing()
    await ring.grow(4, {}, (node) => node.handle(ECHO, ({ body }) => body))
    const victim = ring.nodes[2]!
    const before = victim.members[0]!
    ring.kill(victim)
    const reborn = await ring.restart(victim, 'lost')
    await ring.run(3_000)
    expect(reborn.members[0]!.id).toEqual(before.id)
    expect(reborn.members[0]!.incarnation).toBeGreaterThan(before.incarnation)
    for (let i = 0; i < 50; i++) {
      expect(ring.owners(`k${i}`).length).toBe(1)
      expect(await ring.settle(ring.nodes[0]!.request(`k${i}`, ECHO, i))).toBe(i)
    }
    const stale = ring.nodes[0]!.requestTo(before, ECHO, 1)
    await expect(ring.settle(stale)).rejects.toMatchObject({ code: 'ERR_NOT_MEMBER' })
  })
})

describe('the state file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chordite-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('keeps incarnation and peers', async () => {
    const stateFile = join(folder, 'state.json')
    const { createNode } = await import('../../src/index.ts')
    const a = await createNode().start()
    const b = await createNode({ join: [a.address], stateFile }).start()
    const { address } = b
    const first = b.members[0]!.incarnation
    await b.close()
    const saved = JSON.parse(await readFile(stateFile, 'utf8'))
    expect(saved.peers).toEqual([a.address])
    await writeFile(stateFile, JSON.stringify({ ...saved, incarnation: String(first + 10_000_000n) }))
    // No contacts given: the file remembers one.
    const again = await createNode({ listen: address, stateFile }).start()
    expect(again.members[0]!.incarnation).toBe(first + 10_000_001n)
    expect(again.members[0]!.successors[0]!.address).toBe(a.address)
    await again.leave()
    await a.leave()
  })

  it('counts a node that gives up joining and makes a ring as another life, and keeps that', async () => {
    const ring = new SimulatedRing()
    const first = await ring.start({ join: ['10.0.0.0:4000'] })
    const other = await ring.start()
    // Until the state file names the other.
    await ring.run(31_000)
    for (const node of [first, other]) ring.kill(node)
    /** While it joins, and when it is in. */
    const restarted = async () => {
      let joiner = 0n
      ring.clock.setTimer(500, () => {
        joiner = ring.nodes[0]!.members[0]!.incarnation
      })
      const node = await ring.restart(first.address)
      return { node, joiner, member: node.members[0]!.incarnation }
    }
    const { node, joiner, member } = await restarted()
    expect(member).toBe(joiner + 1n)
    // Its clock goes back: only the file knows.
    await ring.run(100)
    ring.kill(node)
    ring.setClock(node, { offsetMs: -3_600_000 })
    expect((await restarted()).member).toBe(member + 1n)
  })

  it('does not keep a node waiting that is its own only contact', async () => {
    const ring = new SimulatedRing()
    const first = await ring.start({ join: ['10.0.0.0:4000'] })
    const other = await ring.start()
    // Until the state file names the other.
    await ring.run(31_000)
    for (const node of [first, other]) ring.kill(node)
    const startMs = ring.nowMs
    const node = await ring.restart(first)
    expect(ring.nowMs - startMs).toBeGreaterThan(1_000)
    expect(node.state).toBe('member')
  })

  it.each(['-1', '18446744073709551615', '99999999999999999999'])('counts on from no %s', async (incarnation) => {
    const { createNode } = await import('../../src/index.ts')
    const stateFile = join(folder, 'state.json')
    await writeFile(stateFile, JSON.stringify({ incarnation, peers: [] }))
    const node = createNode({ stateFile })
    const seen = warnings(node)
    await node.start()
    const other = await createNode({ join: [node.address] }).start()
    expect(seen.map((error) => error.code)).toContain('ERR_STATE_FILE')
    await other.close()
    await node.close()
  })

  it('that makes no sense is told and passed over', async () => {
    const { createNode } = await import('../../src/index.ts')
    const stateFile = join(folder, 'state.json')
    await writeFile(stateFile, '{"incarnation": "many"')
    const node = createNode({ stateFile })
    const seen = warnings(node)
    await node.start()
    expect(seen.map((error) => error.code)).toContain('ERR_STATE_FILE')
    await node.close()
    expect(JSON.parse(await readFile(stateFile, 'utf8')).peers).toEqual([])
    const nowhere = createNode({ stateFile: join(folder, 'no', 'folder') })
    const told = warnings(nowhere)
    await nowhere.start()
    expect(told.map((error) => error.code)).toContain('ERR_STATE_FILE')
    await nowhere.close()
  })
})

it('turns what listeners throw into warnings', async () => {
  const ring = new SimulatedRing()
  const node = ring.create({ join: [] })
  const seen = warnings(node)
  node.on('range', () => {
    throw new Error('mine')
  })
  node.on('warning', () => {
    throw new Error('this too')
  })
  await ring.settle(node.start())
  expect(seen.map((error) => error.code)).toEqual(['ERR_HANDLER'])
  expect(() => node.on('error' as 'state', () => {})).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
})

it('lets services hand over, within bounds, and tells them what has moved', async () => {
  const ring = new SimulatedRing()
  const log: string[] = []
  const service = (who: string, slow: number) => ({
    name: 'test',
    start: () => {},
    stop: async () => void log.push(`${who} stop`),
    prepare: async () => {
      log.push(`${who} prepare`)
      await new Promise<void>((resolve) => ring.network.clock.setTimer(slow, resolve))
    },
    transfer: async () => void log.push(`${who} transfer`),
    commit: (change: { cause: string; gained: readonly unknown[]; lost: readonly unknown[] }) =>
      void log.push(`${who} commit ${change.cause} +${change.gained.length} -${change.lost.length}`),
  })
  const a = await ring.start({ timing: { handoverMs: 1_000 } }, (node) => node.use(service('a', 200)))
  const b = await ring.start({ timing: { handoverMs: 1_000 } }, (node) => node.use(service('b', 5_000)))
  await ring.run(2_000)
  expect(log).toEqual([
    'a commit create +1 -0',
    'a prepare',
    'a transfer',
    'b commit grant +1 -0',
    'a commit grant +0 -1',
  ])
  log.length = 0
  const seen = warnings(b)
  const start = ring.network.clock.nowMs()
  await ring.leave(b)
  expect(ring.network.clock.nowMs() - start).toBeLessThan(2_000)
  expect(seen.map((error) => error.code)).toEqual(['ERR_HANDLER'])
  expect(log.slice(0, 2)).toEqual(['b prepare', 'a commit leave +1 -0'])
  expect(a.members[0]!.range?.after).toEqual(a.members[0]!.id)
})
