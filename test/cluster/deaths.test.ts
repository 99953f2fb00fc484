/** Workers that die, or will not end. */
import { describe, expect, test } from 'vitest'
import type { Cluster } from '../../src/index.ts'
import { APP, DIE, newCluster, next, started, transports, WHO } from './clusters.ts'

const PATIENT = { timeoutMs: 20_000 }
const KEYS = Array.from({ length: 50 }, (_, i) => `key ${i}`)

/** Its answer may be lost with it. */
async function die(cluster: Cluster, worker: number, how: 'throw' | 'exit' | 'memory' | 'hang' | 'leave') {
  await cluster.sendTo(cluster.addresses[worker]!, DIE, how, { ack: false })
}

async function everyKeyIsAnswered(cluster: Cluster): Promise<void> {
  const results = await cluster.requestMany(KEYS, WHO, { all: null }, { ...PATIENT, idempotent: true })
  for (const result of results) {
    if (!result.ok) throw result.error
    expect(cluster.addresses).toContain(result.value.address)
  }
}

describe.each(transports)('a worker over %s that dies', (transport) => {
  test.each([
    ['of an exception', 'throw', /worker 1 died: as asked/],
    ['of process.exit()', 'exit', /worker 1 ended with exit code 3/],
    ['of too much memory', 'memory', /worker 1 died: .*memory/],
  ] as const)('%s is started again, and the ring heals', async (_, how, message) => {
    const cluster = await started({ workers: 3, transport, resourceLimits: { maxOldGenerationSizeMb: 32 } })
    const before = cluster.addresses
    const down = next(cluster, 'worker:down')
    const up = next(cluster, 'worker:up')
    await die(cluster, 1, how)
    const { worker, error, restartMs } = await down
    expect({ worker, code: error?.code }).toEqual({ worker: 1, code: 'ERR_WORKER' })
    expect(error!.message).toMatch(message)
    expect(restartMs).toBe(100)
    expect(cluster.workers[1]).toMatchObject({ state: 'closed', members: [] })
    await everyKeyIsAnswered(cluster)
    expect(await up).toEqual({ worker: 1, address: before[1], restarts: 1 })
    expect(cluster.addresses).toEqual(before)
    expect(cluster.members).toHaveLength(3)
    await everyKeyIsAnswered(cluster)
    const again = await cluster.requestTo(before[1]!, WHO, null, PATIENT)
    expect(again).toMatchObject({ worker: 1, restarts: 1 })
  })
})

test('all die at once: the cluster is a ring again', async () => {
  const cluster = await started({ workers: 2 })
  const ups = [0, 1].map((worker) => next(cluster, 'worker:up', (up) => up.worker === worker))
  await Promise.all([0, 1].map((worker) => die(cluster, worker, 'exit')))
  await Promise.all(ups)
  expect(cluster.state).toBe('member')
  await everyKeyIsAnswered(cluster)
})

test('without restart the others go on; when the last one dies the cluster has closed', async () => {
  const cluster = await started({ workers: 3, restart: false })
  const down = next(cluster, 'worker:down')
  await die(cluster, 0, 'throw')
  expect(await down).not.toHaveProperty('restartMs')
  expect(cluster.state).toBe('member')
  expect((await cluster.request('key', WHO, null, { ...PATIENT, idempotent: true })).worker).not.toBe(0)
  await Promise.all([1, 2].map((worker) => die(cluster, worker, 'throw')))
  expect(await cluster.closed).toMatchObject({ code: 'ERR_WORKER' })
  expect(cluster.state).toBe('closed')
})

test('a worker whose node leaves by its own will is not started again', async () => {
  const cluster = await started({ workers: 2 })
  const down = next(cluster, 'worker:down')
  await die(cluster, 0, 'leave')
  expect(await down).toEqual({ worker: 0 })
  const last = next(cluster, 'worker:down')
  await die(cluster, 1, 'leave')
  expect(await last).toEqual({ worker: 1 })
  expect(await cluster.closed).toBeUndefined()
})

test('metrics leave out a worker that does not answer; close terminates it, and says so', async () => {
  const cluster = await started({ workers: 2 })
  await die(cluster, 1, 'hang')
  let workers = (await cluster.metrics({ timeoutMs: 200 })).workers
  while (workers[1]!.metrics !== undefined) workers = (await cluster.metrics({ timeoutMs: 200 })).workers
  expect(workers[0]).toHaveProperty('metrics')
  const warned = next(cluster, 'warning', (_, worker) => worker === 1)
  await cluster.close()
  expect(await warned).toMatchObject({ code: 'ERR_WORKER', message: expect.stringMatching(/was terminated/) })
  expect(await cluster.closed).toBeUndefined()
})

test('close in the midst of starting, of restarting, and of calls', async () => {
  const starting = newCluster({ workers: 2, module: APP })
  const start = starting.start(PATIENT)
  await starting.close()
  await expect(start).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  const cluster = await started({ workers: 2 })
  const calls = KEYS.map((key) =>
    cluster.request(key, WHO, null, PATIENT).then(
      () => 'done',
      (error) => error.code,
    ),
  )
  const down = next(cluster, 'worker:down')
  await die(cluster, 0, 'exit')
  await down
  await cluster.close()
  for (const how of await Promise.all(calls)) expect(['done', 'ERR_CLOSED', 'ERR_OUTCOME_UNKNOWN']).toContain(how)
})
