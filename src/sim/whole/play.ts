/** Seeds of `chordite sim --whole`: the library's own promises, in worlds whose size, settings and faults the seed chooses. */
import type { NodeOptions } from '../../api.ts'
import type { Delay } from '../conditions.ts'
import { type Stream, streamOf } from '../random.ts'
import { Calls } from './calls.ts'
import { ORDERLY, SoftState } from './soft-state.ts'
import { playSeed, type SwarmOptions } from './swarm.ts'
import { World } from './world.ts'

export interface WholeOutcome {
  readonly seed: number
  /** What the seed has played, for people. */
  readonly about: string
  readonly events: number
  readonly virtualMs: number
  readonly hash: string
  readonly faults: Readonly<Record<string, number>>
  readonly violations: readonly { readonly atMs: number; readonly what: string }[]
}

interface Play {
  readonly about: string
  readonly options: SwarmOptions
  readonly test: (world: World) => Promise<void>
}

const NODES = [2, 12] as const

/** Never rejects: what goes wrong is in the outcome. */
export async function playWhole(seed: number, log?: (line: string) => void): Promise<WholeOutcome> {
  const random = streamOf(seed, 'whole')
  const node = nodeOptions(random.split('node'))
  const delay = delayOf(random.split('delay'))
  const everyMs = random.split('pace').between(800, 8_000)
  const { about, options, test } = playOf(random.split('play'), node)
  const world = new World({ seed, delay, ...(log !== undefined && { log }) })
  const violations: { atMs: number; what: string }[] = []
  try {
    await playSeed(world, { nodes: NODES, everyMs, ...options }, test)
  } catch (error) {
    violations.push({ atMs: world.nowMs, what: error instanceof Error ? error.message : String(error) })
  }
  const { events, nowMs: virtualMs, hash, faults } = world
  const settings = `${JSON.stringify(node)}, ${JSON.stringify(delay)}, a fault of each kind every ${Math.round(everyMs)} ms`
  return { seed, about: `${about}; ${settings}`, events, virtualMs, hash, faults, violations }
}

function playOf(random: Stream, node: NodeOptions): Play {
  const kind = random.below(3)
  if (kind === 0) return callsPlay(node)
  const isKept = kind === 1
  const state = new SoftState()
  const keys = 4 + random.below(8)
  const options = { node: { ...node, ...state.node }, setUp: state.setUp, ...(isKept && { faults: ORDERLY }) }
  const test = (world: World): Promise<void> => state.run(world, keys, 20, isKept)
  return { about: isKept ? 'values that must be kept' : 'values that may be lost', options, test }
}

function callsPlay(node: NodeOptions): Play {
  let calls: Calls | undefined
  const test = async (world: World): Promise<void> => {
    calls = new Calls(world)
    await calls.run(200, 20_000)
    await world.calm()
    await calls.finish()
  }
  return { about: 'calls', options: { node, setUp: (one) => Calls.serve(one, () => calls) }, test }
}

function nodeOptions(random: Stream): NodeOptions {
  const stabilizeMinMs = [100, 250, 500][random.below(3)]!
  return {
    virtualNodes: random.chance(70) ? 1 : 1 + random.below(4),
    successors: [2, 4, 8, 16][random.below(4)]!,
    onIsolated: random.chance(80) ? 'wait' : 'serve',
    timing: { stabilizeMinMs, stabilizeMaxMs: stabilizeMinMs * (1 + random.below(8)) },
  }
}

function delayOf(random: Stream): Delay {
  if (random.chance(20)) return { kind: 'heavy', medianMs: random.between(0.5, 5) }
  const minMs = random.between(0.05, 3)
  return { kind: 'uniform', minMs, maxMs: minMs * random.between(1, 10) }
}
