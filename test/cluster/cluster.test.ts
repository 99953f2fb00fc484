/** Several members in one process: a ring of threads, on real sockets. */
import { describe, expect, test } from 'vitest'
import type { Cluster, ClusterEvents, RangeChange, StateChange } from '../../src/index.ts'
import { APP, dist, module, newCluster, next, started, transports, WHO } from './clusters.ts'

const { ChordError, createNode, Id } = dist
const KEYS = Array.from({ length: 200 }, (_, i) => `key ${i}`)
const PATIENT = { timeoutMs: 20_000 }

describe.each(transports)('a cluster over %s', (transport) => {
  test('is a ring: every key has its owner, whose thread answers', async () => {
    const cluster = await started({ workers: 3, virtualNodes: 4, transport, data: { greeting: 'hello' } })
    expect(cluster.state).toBe('member')
    expect(cluster.transport).toBe(transport)
    expect(new Set(cluster.addresses).size).toBe(3)
    expect(cluster.members).toHaveLength(12)
    const results = await cluster.requestMany(KEYS, WHO, { all: null }, PATIENT)
    const answered = new Set<number>()
    for (const [i, result] of results.entries()) {
      if (!result.ok) throw result.error
      const { worker, workers, address, data } = result.value
      answered.add(worker)
      expect(address).toBe(cluster.addresses[worker])
      expect({ workers, data }).toEqual({ workers: 3, data: { greeting: 'hello' } })
      const { owner } = await cluster.lookup(KEYS[i]!, PATIENT)
      expect(owner.address).toBe(address)
      expect(cluster.owns(KEYS[i]!)?.id.equals(owner.id)).toBe(true)
    }
    expect([...answered].sort()).toEqual([0, 1, 2])
  })

  test('adds up what its workers count', async () => {
    const cluster = await started({ workers: 2, transport })
    await cluster.requestMany(KEYS, WHO, { all: null }, PATIENT)
    const { total, workers } = await cluster.metrics(PATIENT)
    const each = workers.map(({ metrics }) => metrics!)
    expect(each).toHaveLength(2)
    expect(total.handled.requests).toBe(KEYS.length)
    expect(each[0]!.handled.requests + each[1]!.handled.requests).toBe(KEYS.length)
    expect(total.members).toBe(2)
    expect(total.state).toBe('member')
    expect(total.wire.framesIn).toBe(each[0]!.wire.framesIn + each[1]!.wire.framesIn)
    expect(total.wire.openMax).toBe(Math.max(each[0]!.wire.openMax, each[1]!.wire.openMax))
    for (const { worker, address, busy, restarts } of workers) {
      expect(address).toBe(cluster.addresses[worker])
      expect(busy).toBeGreaterThan(0)
      expect(busy).toBeLessThanOrEqual(1)
      expect(restarts).toBe(0)
    }
  })

  test('tells the events of all nodes, in order for each, made of real ids and errors', async () => {
    const cluster = newCluster({ workers: 2, transport, module: APP })
    const ranges: [RangeChange, number][] = []
    const states: [StateChange, number][] = []
    const all: string[] = []
    cluster.on('range', (change, worker) => ranges.push([change, worker]))
    const predecessor = next(cluster, 'predecessor', ({ current }) => current !== undefined)
    cluster.on('state', (change, worker) => states.push([change, worker]))
    cluster.on('cluster:state', ({ previous, current }, worker) => all.push(`${worker}: ${previous} → ${current}`))
    await cluster.start(PATIENT)
    expect((await predecessor).current!.id).toBeInstanceOf(Id)
    await cluster.leave(PATIENT)
    for (const [{ member, epoch, gained }, worker] of ranges) {
      expect(member.id).toBeInstanceOf(Id)
      expect(member.address).toBe(cluster.addresses[worker])
      expect(typeof epoch).toBe('bigint')
      for (const range of gained) expect(Id.hash('x').isBetweenOrEnd(range.after, range.upTo)).toBeTypeOf('boolean')
    }
    for (const worker of [0, 1]) {
      const epochs = ranges.filter(([, from]) => from === worker).map(([change]) => change.epoch)
      expect(epochs).toEqual(epochs.toSorted((a, b) => (a < b ? -1 : 1)))
      expect(states.filter(([, from]) => from === worker).map(([change]) => change.current)).toEqual([
        ...['joining', 'member', 'leaving', 'closed'],
      ])
    }
    expect(all).toEqual(['-1: new → joining', '-1: joining → member', '-1: member → leaving', '-1: leaving → closed'])
  })

  test('joins a ring that is there, and gives back what it had when it leaves', async () => {
    const node = await createNode({ transport }).start(PATIENT)
    try {
      const cluster = await started({ workers: 2, transport, join: [node.address] })
      const owners = await node.lookupMany(KEYS, PATIENT)
      const addresses = new Set(owners.map((result) => (result.ok ? result.value.owner.address : 'failed')))
      for (const address of addresses) expect([node.address, ...cluster.addresses]).toContain(address)
      await cluster.leave(PATIENT)
      expect(cluster.state).toBe('closed')
      expect(await cluster.closed).toBeUndefined()
      expect(KEYS.every((key) => node.owns(key) !== undefined)).toBe(true)
    } finally {
      await node.close()
    }
  })
})

test('ports count on from the first; contacts that are the cluster itself are none', async () => {
  const probe = await started({ workers: 1 })
  const [address] = probe.addresses
  await probe.close()
  const port = Number(address!.split(':')[1])
  const listen = `127.0.0.1:${port}`
  const cluster = newCluster({ workers: 2, listen, join: [listen, `127.0.0.1:${port + 1}`] })
  const isFree = await cluster.start(PATIENT).then(
    () => true,
    (error) => error.code !== 'ERR_ADDRESS_IN_USE' && Promise.reject(error),
  )
  // Somebody else may have the next port; then there is nothing to see here.
  if (isFree) expect(cluster.addresses).toEqual([listen, `127.0.0.1:${port + 1}`])
})

test('a CommonJS module, given as a path', async () => {
  const cluster = await started({ workers: 1, module: decodeURIComponent(module('common.cjs').pathname) })
  expect(await cluster.request('key', WHO, null, PATIENT)).toEqual({ worker: 0 })
})

test('what modules return is called after the node has closed', async () => {
  const cleaned = new Int32Array(new SharedArrayBuffer(8))
  const cluster = await started({ workers: 2, data: { cleaned } })
  await cluster.leave(PATIENT)
  expect([...cleaned]).toEqual([1, 1])
})

test('what a listener throws is a warning', async () => {
  const cluster = newCluster({ workers: 1 })
  const warned = next(cluster, 'warning')
  cluster.on('cluster:state', () => {
    throw new Error('oops')
  })
  await cluster.start(PATIENT)
  expect(await warned).toMatchObject({ code: 'ERR_HANDLER', cause: new Error('oops') })
})

test('a logger hears of all workers', async () => {
  const lines: [string, unknown][] = []
  const log = (message: string, fields?: Record<string, unknown>) => lines.push([message, fields])
  const logger = { debug: log, info: log, warn: log, error: log }
  const stateFile = '/nowhere/at/all.state'
  const cluster = newCluster({ workers: 1, logger, stateFile })
  const warned = next(cluster, 'warning')
  await cluster.start(PATIENT)
  const warning = await warned
  expect(warning).toBeInstanceOf(ChordError)
  expect(warning.code).toBe('ERR_STATE_FILE')
  expect((warning.cause as Error & { code?: string }).code).toBe('ENOENT')
  expect(warning.message).toContain('/nowhere/at/all-0.state')
  expect(lines[0]).toEqual([warning.message, { code: 'ERR_STATE_FILE', worker: 0 }])
})

describe('calls', () => {
  const failures = async (cluster: Cluster) => {
    const codes: string[] = []
    const note = (error: { code: string }) => codes.push(error.code)
    await cluster.lookup('key').catch(note)
    await cluster.request('key', WHO, null).catch(note)
    await new Promise<void>((resolve) => {
      let returned = false
      cluster.requestTo('127.0.0.1:1', WHO, null, {}, (result) => {
        if (!result.ok && returned) note(result.error)
        resolve()
      })
      returned = true
    })
    return codes
  }

  test('need a cluster that runs', async () => {
    const cluster = newCluster({ workers: 1 })
    expect(await failures(cluster)).toEqual(['ERR_STATE', 'ERR_STATE', 'ERR_STATE'])
    await cluster.close()
    expect(await failures(cluster)).toEqual(['ERR_CLOSED', 'ERR_CLOSED', 'ERR_CLOSED'])
    await expect(cluster.start()).rejects.toMatchObject({ code: 'ERR_STATE' })
  })

  test('have all forms', async () => {
    const cluster = await started({ workers: 2 })
    const [address] = cluster.addresses
    await cluster.send('key', WHO, null, PATIENT)
    await cluster.sendTo(address!, WHO, null, PATIENT)
    expect((await cluster.sendMany(['a', 'b'], WHO, { all: null }, PATIENT)).every(({ ok }) => ok)).toBe(true)
    expect((await cluster.lookupMany(['a', 'b'], { packed: true, ...PATIENT })).errors.size).toBe(0)
    expect((await cluster.requestTo(address!, WHO, null, PATIENT)).worker).toBe(0)
    const answer = await new Promise<ClusterEvents['warning'] | { worker: number }>((resolve) =>
      cluster.request('key', WHO, null, PATIENT, (result) => resolve(result.ok ? result.value : result.error)),
    )
    expect(answer).toHaveProperty('worker')
  })
})
