/** One test in many worlds: each seed has its own times, faults and order of events, and can be repeated alone. */
import { known } from '../../core/config.ts'
import { combineHashes } from '../trace-hash.ts'
import { bad, checkSpan, checkWhole, only } from './options.ts'
import type { SetUp, WorldNode } from './process.ts'
import { checkTrouble, TROUBLE_OPTIONS, type TroubleOptions } from './trouble.ts'
import { WORLD_OPTIONS, World, type WorldOptions } from './world.ts'

export interface SwarmOptions extends Omit<WorldOptions, 'seed'>, Omit<TroubleOptions, 'node' | 'setUp'> {
  /** How many, from 1 on, or from which to which. Default 20. The environment's CHORDITE_SEEDS has precedence. */
  seeds?: number | readonly [first: number, last: number]
  /** Only this one. The environment's CHORDITE_SEED has precedence. */
  seed?: number
  /** Nodes of a world, as many as the seed chooses. Default 3 to 7. */
  nodes?: number | readonly [least: number, most: number]
  /** What they are, those too that take the place of others. */
  node?: WorldNode
  setUp?: SetUp
}

export interface SwarmSummary {
  seeds: number
  events: number
  /** Of virtual time, in all worlds together. */
  virtualMs: number
  faults: Record<string, number>
  /** Of everything that happened. */
  hash: string
}

/**
 * For each seed: a world of nodes, random faults from then on, the test, and the calm after it (see {@link World.calm}),
 * unless the test has had that itself. Rejects at the first seed that fails, and says how to repeat it. Errors:
 * ERR_BAD_OPTION.
 */
export async function swarm(options: SwarmOptions, test: (world: World) => Promise<unknown>): Promise<SwarmSummary> {
  known(options, 'swarm option', [...WORLD_OPTIONS, ...TROUBLE_OPTIONS, 'seeds', 'nodes'])
  checkSpan('nodes', options.nodes, 1)
  checkTrouble(only(options, TROUBLE_OPTIONS))
  const [first, last] = seedsOf(options)
  const summary: SwarmSummary = { seeds: 0, events: 0, virtualMs: 0, faults: {}, hash: '' }
  const hashes: string[] = []
  for (let seed = first; seed <= last; seed++) {
    const world = new World({ ...(isTraced() && { log: console.error }), ...only(options, WORLD_OPTIONS), seed })
    await playSeed(world, options, test)
    summary.seeds++
    summary.events += world.events
    summary.virtualMs += world.nowMs
    for (const [kind, times] of Object.entries(world.faults)) summary.faults[kind] = (summary.faults[kind] ?? 0) + times
    hashes.push(world.hash)
  }
  summary.hash = combineHashes(hashes)
  return summary
}

/** What one seed is, in a new world. */
export async function playSeed(world: World, o: SwarmOptions, test: (world: World) => Promise<unknown>): Promise<void> {
  const { seed } = world
  try {
    await world.play(async () => {
      const [least, most] = typeof o.nodes === 'number' ? [o.nodes, o.nodes] : (o.nodes ?? [3, 7])
      await world.grow(least + world.random.split('nodes').below(most - least + 1), o.node, o.setUp)
      world.trouble(only(o, TROUBLE_OPTIONS))
      await test(world)
      if (!world.isCalm) await world.calm()
    })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`seed ${seed}: ${why}\nto repeat it alone: CHORDITE_SEED=${seed} and the same command`, { cause })
  }
}

function seedsOf({ seeds = 20, seed }: SwarmOptions): readonly [first: number, last: number] {
  const { CHORDITE_SEED, CHORDITE_SEEDS } = process.env
  checkWhole('seed', seed, 0)
  const one = CHORDITE_SEED === undefined ? seed : wholeNumber(CHORDITE_SEED)
  if (one !== undefined) return [one, one]
  const some = CHORDITE_SEEDS === undefined ? seeds : parsed(CHORDITE_SEEDS)
  const [first, last] = typeof some === 'number' ? [1, some] : some
  checkWhole('the first of the seeds', first, 0)
  checkWhole('the last of the seeds', last, first)
  return [first, last]
}

function parsed(text: string): number | readonly [number, number] {
  const [first = '', last] = text.split('..')
  return last === undefined ? wholeNumber(first) : [wholeNumber(first), wholeNumber(last)]
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw bad(`'${text}' is no seed`)
  return Number(text)
}

function isTraced(): boolean {
  return process.env.CHORDITE_TRACE === '1'
}
