/** A test that says something wrong must not pass because nothing happens in it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type SwarmOptions, swarm, World } from '../../src/sim/index.ts'

const REFUSED = { code: 'ERR_BAD_OPTION' }
const refused = (run: () => unknown): void => expect(run).toThrow(expect.objectContaining(REFUSED))

describe('a world refuses', () => {
  test.each([{ sede: 1 }, { seed: Number.NaN }, { seed: 'x' }, { silenceMs: -1 }, { delay: { kind: 'none' } }])(
    '%o',
    (options) => refused(() => new World(options as never)),
  )

  test.each([
    { kind: 'uniform', minMs: 1 },
    { kind: 'constant', ms: -1 },
    { kind: 'heavy', medianMs: 5, ms: 1 },
    { kind: 'placed', ms: 3 },
  ])('the delay %o', (delay) => refused(() => new World({ delay: delay as never })))

  test.each([{ faults: ['explode'] }, { everyMs: 0 }, { keep: 1.5 }, { every: 5 }])('the trouble %o', (options) =>
    refused(() => new World().trouble(options as never)),
  )

  test('what cannot be done to nodes and paths', async () => {
    const world = new World()
    const [a, b] = await world.grow(2)
    refused(() => world.corrupt(a!, b!, 200))
    refused(() => world.slow(a!, b!, { kind: 'nope' } as never))
    refused(() => world.setClock(a!, { rate: 0 }))
    refused(() => world.setClock(a!, { skewMs: 5 } as never))
    refused(() => world.restart(a!, 'forgotten' as never))
  })
})

describe('a swarm refuses', () => {
  // How the tests themselves were called is none of these tests' business.
  beforeEach(() => {
    vi.stubEnv('CHORDITE_SEED', undefined)
    vi.stubEnv('CHORDITE_SEEDS', undefined)
  })
  afterEach(() => void vi.unstubAllEnvs())

  const never = (options: object): Promise<unknown> =>
    swarm(options as SwarmOptions, () => Promise.reject(new Error('it was played')))

  test.each([
    { sedes: 3 },
    { seeds: 0 },
    { seeds: [5, 1] },
    { seed: -1 },
    { nodes: 0 },
    { nodes: [5, 2] },
    { faults: ['explode'], seeds: 1 },
    { everyMs: 0, seeds: 1 },
  ])('%o', async (options) => {
    await expect(never(options)).rejects.toMatchObject(REFUSED)
  })

  test.each(['x', '5..1', '0', '', '1..', '-3', '1.5'])('CHORDITE_SEEDS=%s', async (seeds) => {
    vi.stubEnv('CHORDITE_SEEDS', seeds)
    await expect(never({})).rejects.toMatchObject(REFUSED)
  })
})
