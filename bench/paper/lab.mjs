/** What the experiments need of the library, from wherever it was loaded, and their random numbers. */

export const SEED = 2003

/** `modules`: those of the simulator, the router and the ids. Every experiment draws from a stream of its own. */
export function labOf(modules, name, seed = SEED) {
  const { sim, router, id, cache } = modules
  const random = sim.streamOf(seed, 'paper', name)
  const word = () => random.nextUint32()
  return {
    sim,
    random,
    seed,
    route: router.route,
    RangeCache: cache?.RangeCache,
    Id: id.Id,
    randomId: () => new id.Id(word(), word(), word(), word(), word()),
    /** With numbers of its own, whatever else has been drawn. */
    fork: (part) => labOf(modules, `${name} ${part}`, seed),
    /** Of a Poisson stream with `rate` events a second: the wait for the next one. */
    nextMs: (rate) => (-1000 * Math.log(1 - random.nextUint32() / 2 ** 32)) / rate,
  }
}

/** The built library. */
export async function builtModules() {
  const [simulation, placement, random, router, id, cache] = await Promise.all([
    import('../../dist/sim/simulation.js'),
    import('../../dist/sim/placement.js'),
    import('../../dist/sim/random.js'),
    import('../../dist/core/router.js'),
    import('../../dist/core/id.js'),
    import('../../dist/core/range-cache.js'),
  ])
  return { sim: { ...simulation, ...placement, ...random }, router, id, cache }
}
