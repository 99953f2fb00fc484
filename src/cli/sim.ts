/** `chordite sim`: seeds become rings in trouble, watched by every oracle; a failure prints the one command that repeats it. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Plan, Settings } from '../sim/plan.ts'
import { type Outcome, play } from '../sim/play.ts'
import { playScenario } from '../sim/scenario.ts'
import { parseSettings, planToText } from '../sim/scenario-text.ts'
import { checkSettings } from '../sim/settings.ts'
import { kindOfFailure, shrink } from '../sim/shrink.ts'
import { faultsOf, type Summary } from '../sim/summary.ts'
import { planOf } from '../sim/swarm.ts'
import { integer } from './flags.ts'
import { count, fail, note, print, printJson } from './output.ts'
import { Campaign } from './sim-campaign.ts'
import { playSeed } from './sim-play.ts'

interface SimFlags {
  seed?: number
  seeds?: readonly [from: number, to: number]
  jobs: number
  minutes?: number
  summary?: string
  shrink?: boolean
  trace?: boolean
  hash?: boolean
  scenario?: string
  set: Record<string, number | string>
  whole: boolean
  json?: boolean
}

type Found = Summary['violations'][number]

const SEED_MAX = 2 ** 32 - 1
/** Plans that `--shrink` plays at most. */
const SHRINK_TRIES = 4000

export function addSim(program: Command): void {
  program
    .command('sim')
    .description('play rings in trouble from seeds, and check that they keep every promise')
    .addOption(new Option('--seed <n>', 'play this seed').argParser(integer(0, SEED_MAX)))
    .addOption(new Option('--seeds <a..b>', 'play these seeds (default: 1..100)').argParser(seedRange))
    .addOption(
      new Option('--jobs <n>', 'play so many seeds at a time')
        .argParser(integer(1, 256))
        .default(Math.min(2, availableParallelism())),
    )
    .addOption(new Option('--minutes <n>', 'start no seed after so long').argParser(integer(1, 100_000)))
    .option('--summary <file>', 'add to what this file counts, and skip the seeds that it has')
    .option('--whole', 'whole nodes, with their services and connections, instead of the protocol alone', false)
    .option('--shrink', 'print the shortest scenario that fails as the seed does')
    .option('--trace', 'print every message and event')
    .option('--hash', 'print one hash of all that happened, to compare machines and versions')
    .option('--scenario <file>', 'play a scenario instead of seeds')
    .addOption(
      new Option('--set <name=value>', 'a setting in place of the one drawn; may be repeated')
        .argParser(oneSetting)
        .default({}, 'none'),
    )
    .option('--json', 'print JSON, one value a line')
    .action(sim)
}

async function sim(flags: SimFlags): Promise<void> {
  checkFlags(flags)
  if (flags.scenario !== undefined) return playFile(flags.scenario)
  const violation = flags.seed === undefined ? await playMany(flags) : await playOne(flags.seed, flags)
  if (violation === undefined) return
  process.exitCode = 1
  if (flags.shrink) printShrunk(violation.seed, flags)
}

/** What would be ignored is refused. */
function checkFlags(flags: SimFlags): void {
  const given = (names: readonly (keyof SimFlags)[]) =>
    names.filter((name) => flags[name] !== undefined && flags[name] !== false)
  const refuse = (names: readonly (keyof SimFlags)[], why: string): void => {
    const [name] = given(names)
    if (name !== undefined) throw new Error(`--${name} ${why}`)
  }
  const many = ['seeds', 'minutes', 'summary'] as const
  if (flags.scenario !== undefined) {
    refuse(['seed', ...many, 'whole', 'shrink', 'trace', 'hash', 'json'], 'is not for --scenario')
  }
  if (flags.seed !== undefined) refuse(many, 'is for many seeds, not for --seed')
  else refuse(['trace'], 'is for one seed: --seed')
  if (flags.whole) refuse(['shrink'], 'is for the protocol alone, not for --whole')
  if ((flags.whole || flags.scenario !== undefined) && Object.keys(flags.set).length > 0) {
    throw new Error('--set is for seeds of the protocol alone')
  }
}

function playFile(path: string): void {
  playScenario(readFileSync(path, 'utf8'))
  print(`${path} plays as it says`)
}

/** Returns the first violation. */
async function playMany(flags: SimFlags): Promise<Found | undefined> {
  const campaign = new Campaign({ ...flags, seeds: flags.seeds ?? [1, 100] }, (found) => report(found, flags))
  await campaign.run()
  if (flags.json) printJson(campaign.summary)
  else if (flags.hash) print(`hash ${campaign.hash()}`)
  else for (const line of campaign.lines()) print(line)
  return campaign.summary.violations[0]
}

async function playOne(seed: number, flags: SimFlags): Promise<Found | undefined> {
  const outcome = await playSeed(seed, flags, flags.trace ? print : undefined)
  if (flags.json) printJson(outcome)
  else if (flags.hash) print(`hash ${outcome.hash}`)
  else printOutcome(outcome)
  const [first] = outcome.violations
  if (first === undefined) return undefined
  report({ ...first, seed }, flags)
  return { ...first, seed }
}

function printOutcome(outcome: Outcome): void {
  const { seed, events, virtualMs, rounds, lookups } = outcome
  const faults = faultsOf(outcome.numbers).map(([kind, times]) => `${kind} ${count(times)}`)
  print(`seed ${seed}: ${count(events)} events in ${(virtualMs / 1000).toFixed(1)} s of simulated time`)
  print(`faults: ${faults.join(', ') || 'none'}`)
  print(`look-ups: ${count(lookups.done)} done, ${count(lookups.failed)} failed`)
  if (rounds !== undefined) print(`ideal ${rounds} rounds of stabilization after the last fault`)
  print(`hash ${outcome.hash}`)
}

/** What, when, and the one command that plays it again. */
function report({ seed, oracle, atMs, text }: Found, { set, whole }: SimFlags): void {
  const settings = Object.entries(set).map(([name, value]) => ` --set ${name}=${value}`)
  note(`seed ${seed} violates '${oracle}' at ${count(Math.round(atMs))} ms: ${text}`)
  note(`  npx chordite sim --seed ${seed}${whole ? ' --whole' : ''}${settings.join('')}`)
}

/** Fails alike: the same oracle says the same, but for ids and numbers. */
function printShrunk(seed: number, flags: SimFlags): void {
  const plan = planOf(seed, flags.set)
  const [first] = play(plan).violations
  if (first === undefined) return fail(`seed ${seed} does not fail again`)
  const kind = kindOfFailure(first)
  const failsAlike = (candidate: Plan): boolean => {
    const [found] = play(candidate).violations
    return found !== undefined && kindOfFailure(found) === kind
  }
  const small = shrink(plan, failsAlike, {
    tries: SHRINK_TRIES,
    onProgress: (tried, actions) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kshrinking: ${tried} tried, ${actions} actions left`)
    },
  })
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  const [violation] = play(small).violations
  const why =
    violation === undefined ? [] : [`'${violation.oracle}' at ${Math.round(violation.atMs)} ms: ${violation.text}`]
  print(planToText(small, [`Seed ${seed}, made shorter.`, ...why.flatMap((line) => line.split('\n'))]).trimEnd())
}

function seedRange(text: string): readonly [number, number] {
  const [, first, last] = /^(\d+)(?:\.\.(\d+))?$/.exec(text) ?? []
  const from = Number(first)
  const to = Number(last ?? first)
  if (!(from <= to && to <= SEED_MAX)) throw new InvalidArgumentError('Expected two whole numbers, as in 1..2000.')
  return [from, to]
}

function oneSetting(text: string, previous: Settings): Settings {
  try {
    const setting = parseSettings([text])
    checkSettings(setting)
    return { ...previous, ...setting }
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
