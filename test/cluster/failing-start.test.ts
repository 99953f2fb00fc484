/** Clusters that cannot begin. */
import { describe, expect, test } from 'vitest'
import { module, newCluster, started } from './clusters.ts'

const PATIENT = { timeoutMs: 20_000 }

describe('a cluster that cannot start is closed, and says why', () => {
  const failing = async (o: Parameters<typeof newCluster>[0], timeoutMs = PATIENT.timeoutMs) => {
    const cluster = newCluster({ workers: 2, ...o })
    const error = await cluster.start({ timeoutMs }).then(
      () => undefined,
      (cause) => cause,
    )
    expect(cluster.state).toBe('closed')
    expect(await cluster.closed).toBe(error)
    return error
  }

  test('no such module', async () => {
    const error = await failing({ module: module('missing.mjs') })
    expect(error).toMatchObject({ code: 'ERR_WORKER', message: expect.stringMatching(/missing\.mjs cannot be loaded/) })
    expect(error.cause.code).toBe('ERR_MODULE_NOT_FOUND')
  })

  test('a module without a function', async () => {
    expect(await failing({ module: module('no-setup.mjs') })).toMatchObject({
      code: 'ERR_WORKER',
      message: expect.stringMatching(/exports no function/),
    })
  })

  test('a setup that throws', async () => {
    const error = await failing({ module: module('bad-setup.mjs') })
    expect(error).toMatchObject({ code: 'ERR_WORKER', message: expect.stringMatching(/worker 1 does not like it/) })
    expect(error.cause).toMatchObject({ name: 'TypeError' })
  })

  test('a setup that never ends', async () => {
    const error = await failing({ module: module('never.mjs') }, 1_000)
    expect(error).toMatchObject({ code: 'ERR_JOIN_TIMEOUT', message: expect.stringMatching(/workers 0, 1/) })
  })

  test('a port that is taken', async () => {
    const other = await started({ workers: 1 })
    expect(await failing({ listen: other.addresses[0]! })).toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
  })

  test('nobody to join', async () => {
    const error = await failing({ join: ['127.0.0.1:1'] }, 1_000)
    expect(error.code).toBe('ERR_JOIN_TIMEOUT')
  })

  test('a signal that fires', async () => {
    const cluster = newCluster({ workers: 1, module: module('never.mjs') })
    const controller = new AbortController()
    const start = cluster.start({ ...PATIENT, signal: controller.signal })
    controller.abort()
    await expect(start).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(cluster.state).toBe('closed')
  })
})
