/**
 * A seed becomes a plan. Each picks its own few kinds of trouble and its own parameters (Groce et al., "Swarm testing",
 * ISSTA 2012): a run that does everything a little finds less than many runs that do a few things a lot.
 */
import type { Plan, Settings } from './plan.ts'
import { type Stream, streamOf } from './random.ts'
import { Story } from './story.ts'

/** What is done to a ring, apart from starting it. */
export const TROUBLES = [
  'join',
  'leave',
  'kill',
  'vanish',
  'restart',
  'duplicate',
  'pause',
  'clock',
  'network',
  'link',
  'cut',
  'block',
  'clog',
  'reset',
  'stateFile',
  'stopAt',
  'massacre',
  'corrupt',
] as const
export type Trouble = (typeof TROUBLES)[number]

export interface Shape {
  /** In `calm` weather nobody dies and nothing is lost; in `fair` no more than the lists are there to survive. */
  readonly weather: 'calm' | 'fair' | 'foul'
  readonly processes: number
  readonly virtualNodes: number
  readonly successors: number
  readonly space: 'dense' | 'full' | 'clustered'
  readonly troubles: readonly Trouble[]
  /** It begins as one ring, as a loop that winds more than once, or as several rings. */
  readonly begins: 'grown' | 'wound' | 'split'
  /** Of the whole story, in virtual time. */
  readonly storyMs: number
  /** The longest quiet period of stabilisation: what counts as long is measured by it. */
  readonly roundMs: number
}

/** Events of a node a second, roughly, decide how long a story may be: a seed is to cost some tens of milliseconds. */
const NODE_SECONDS = 500
const STORY_MIN_MS = 8_000
const STORY_MAX_MS = 90_000

const CALM: readonly Trouble[] = ['join', 'leave', 'clock']
const FAIR: readonly Trouble[] = [
  ...CALM,
  ...(['kill', 'vanish', 'restart', 'duplicate', 'reset', 'stateFile', 'stopAt', 'link', 'network'] as const),
]

export function swarm(seed: number): Plan {
  const random = streamOf(seed, 'swarm')
  const settings = drawSettings(random.split('settings'))
  const shape = drawShape(random.split('shape'), settings)
  return { seed, settings, actions: new Story(shape, random.split('story')).tell() }
}

/** The plan of a seed, with some settings that are not left to it. */
export function planOf(seed: number, set: Settings): Plan {
  const plan = swarm(seed)
  return { ...plan, settings: { ...plan.settings, ...set } }
}

function drawShape(random: Stream, settings: Settings): Shape {
  const weather = pick(random, ['calm', 'fair', 'fair', 'foul', 'foul'] as const)
  const processes = drawProcesses(random)
  const virtualNodes = processes > 20 ? 1 : pick(random, [1, 1, 1, 2, 3, 4] as const)
  const known: readonly Trouble[] = weather === 'calm' ? CALM : weather === 'fair' ? FAIR : TROUBLES
  const picked = known.filter(() => random.chance(weather === 'foul' ? 30 : 50))
  const storyMs = (1000 * NODE_SECONDS) / (processes * virtualNodes)
  return {
    weather,
    processes,
    virtualNodes,
    successors: settings.successors as number,
    space: pick(random, ['dense', 'full', 'full', 'clustered'] as const),
    begins: drawBeginning(random.split('begins'), weather === 'foul' && virtualNodes === 1 && processes > 2),
    troubles: picked.length > 0 ? picked : [known[random.below(known.length)] as Trouble],
    storyMs: Math.min(STORY_MAX_MS, Math.max(STORY_MIN_MS, Math.round(storyMs))),
    roundMs: settings.stabilizeMaxMs as number,
  }
}

/** Nothing is promised of a ring that is none, until it has healed. */
function drawBeginning(random: Stream, may: boolean): Shape['begins'] {
  return may && random.chance(15) ? pick(random, ['wound', 'split']) : 'grown'
}

/** Most rules break on few nodes; some need many. */
function drawProcesses(random: Stream): number {
  const kind = random.below(100)
  if (kind < 55) return 1 + random.below(8)
  if (kind < 87) return 9 + random.below(8)
  if (kind < 98) return 17 + random.below(24)
  return 41 + random.below(160)
}

function drawSettings(random: Stream): Settings {
  const settings: Record<string, number | string> = {
    successors: pick(random, [1, 2, 2, 3, 3, 4, 8, 8, 16]),
    ...drawTimers(random),
    services: pick(random, [0, 0, 1, 20, 100, 1000]),
    lookupsMs: pick(random, [0, 100, 300, 1000]),
    delay: pick(random, ['1', '1..3', '1..3', '1..40', '10..60', '50..250', 'heavy:5', 'far:2,200,5']),
  }
  if (random.chance(20)) settings.onIsolated = 'serve'
  return settings
}

function drawTimers(random: Stream): Settings {
  // Default, hasty, slow; in whole milliseconds.
  const tenths = pick(random, [10, 10, 10, 2, 5, 20])
  const scaled = (ms: number) => Math.max(1, Math.round((ms * tenths) / 10))
  const timers: Record<string, number> = {
    stabilizeMinMs: scaled(250),
    stabilizeMaxMs: scaled(2000),
    selfLookupMs: scaled(5000),
    fingersMinMs: scaled(1000),
    fingersMaxMs: scaled(30_000),
    rejoinMaxMs: scaled(10_000),
  }
  // With one, whoever is late once is dead.
  if (random.chance(30)) timers.evictAfterMisses = 2 + random.below(5)
  if (random.chance(15)) timers.stabilizeMaxMs = scaled(250)
  return timers
}

export function pick<T>(random: Stream, choices: readonly [T, ...T[]]): T {
  return choices[random.below(choices.length)] as T
}
