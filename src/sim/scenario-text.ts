/** Actions as lines of a scenario, and back. The steps are listed in `test/scenarios/README.md`. */
import type { Action, GroupVerb, InChain, Memory, Phase, Plan, Settings } from './plan.ts'
import { checkConditions } from './settings.ts'

const GROUP: readonly string[] = ['kill', 'vanish', 'leave', 'pause', 'resume'] satisfies GroupVerb[]

/** A plan as a scenario that fails as the plan does: everything is watched, and at the end it has to heal. */
export function planToText(plan: Plan, why: readonly string[] = []): string {
  const settings = settingsToText(plan.settings)
  return [
    ...why.map((line) => `# ${line}`),
    `seed ${plan.seed}`,
    ...(settings === '' ? [] : [`with ${settings}`]),
    'watch',
    ...plan.actions.map(actionToText),
    'heals',
    '',
  ].join('\n')
}

export function actionToText(action: Action): string {
  switch (action.verb) {
    case 'run':
      return `run ${action.ms}`
    case 'start':
      return `process ${action.process} of ${action.ids.join(' ')}${via(action)}`
    case 'chains':
      return `chains ${action.chains.map((chain) => chain.map(({ process, id }) => `${process}=${id}`).join(' ')).join(' | ')}`
    case 'restart':
      return `restart ${action.process} memory ${action.memory}${via(action)}`
    case 'clock':
      return `clock ${action.process} offset ${action.offsetMs} ppm ${action.ratePpm}`
    case 'link':
      return `link ${action.from} to ${action.to} ${settingsToText(action.conditions)}`
    case 'network':
      return `network ${settingsToText(action.conditions)}`
    case 'cut':
      return `cut ${action.sides.map((side) => side.join(' ')).join(' | ')}`
    case 'block':
      return `block ${action.from.join(' ')} to ${action.to.join(' ')}`
    case 'mend':
      return 'mend'
    case 'clog':
    case 'unclog':
    case 'reset':
      return `${action.verb} ${action.from} to ${action.to}`
    case 'stateFile':
      return `statefile ${action.process} ${action.works ? 'works' : 'fails'}`
    case 'stopAt':
      return `stop ${action.process} at ${action.phase}`
    case 'lookup':
      return `lookup ${action.key} from ${action.from}`
    case 'seeds':
      return `seeds ${action.processes.join(' ')}`
    default:
      return `${action.verb} ${action.processes.join(' ')}`
  }
}

function via(action: { readonly via?: string }): string {
  return action.via === undefined ? '' : ` via ${action.via}`
}

function settingsToText(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

/** `address`: what a name in the text stands for. Undefined if the line is no action. */
export function parseAction(line: string, address: (name: string) => string): Action | undefined {
  const [verb, ...words] = line.split(/\s+/) as [string, ...string[]]
  const named = (word: string) => address(after(words, word))
  switch (verb) {
    case 'run':
      return { verb, ms: numberOf(words[0]) }
    case 'process':
      return start(words, address)
    case 'chains':
      return { verb, chains: split(words, '|').map((chain) => chain.map((word) => inChain(word, address))) }
    case 'restart':
      return restart(words, address)
    case 'clock': {
      const [offsetMs, ratePpm] = [signed(after(words, 'offset')), numberOf(after(words, 'ppm'))]
      return { verb, process: address(first(words)), offsetMs, ratePpm }
    }
    case 'link':
      return { verb, from: address(first(words)), to: named('to'), conditions: parseConditions(words.slice(3)) }
    case 'network':
      return { verb, conditions: parseConditions(words) }
    case 'cut':
      return { verb, sides: split(words, '|').map((side) => side.map(address)) }
    case 'block': {
      const [from, to] = split(words, 'to')
      return { verb, from: (from ?? []).map(address), to: (to ?? []).map(address) }
    }
    case 'mend':
      return { verb }
    case 'clog':
    case 'unclog':
    case 'reset':
      return { verb, from: address(first(words)), to: named('to') }
    case 'statefile':
      return {
        verb: 'stateFile',
        process: address(first(words)),
        works: oneOf(words[1], ['works', 'fails']) === 'works',
      }
    case 'stop':
      return {
        verb: 'stopAt',
        process: address(first(words)),
        phase: oneOf<Phase>(after(words, 'at'), ['services', 'telling']),
      }
    case 'lookup':
      return { verb, key: first(words), from: named('from') }
    case 'seeds':
      return { verb, processes: words.map(address) }
    default:
      return GROUP.includes(verb) ? { verb: verb as GroupVerb, processes: words.map(address) } : undefined
  }
}

/** `process p of 1 5 9 via 0`. */
function start(words: readonly string[], address: (name: string) => string): Action {
  const end = words.includes('via') ? words.indexOf('via') : words.length
  const contact = end < words.length ? { via: address(after(words, 'via')) } : {}
  if (end <= 2) throw new Error('a process has ids: process p of 1 5 9')
  return { verb: 'start', process: address(first(words)), ids: words.slice(2, end), ...contact }
}

/** `p=5`. */
function inChain(word: string, address: (name: string) => string): InChain {
  const [process, id] = word.split('=') as [string, string | undefined]
  if (id === undefined) throw new Error(`'${word}' is nobody in a chain: process=id`)
  return { process: address(process), id }
}

/** `restart p memory kept via q`; without `memory` it has lost everything. */
function restart(words: readonly string[], address: (name: string) => string): Action {
  const memory = words.includes('memory') ? oneOf<Memory>(after(words, 'memory'), ['kept', 'stale', 'lost']) : 'lost'
  const contact = words.includes('via') ? { via: address(after(words, 'via')) } : {}
  return { verb: 'restart', process: address(first(words)), memory, ...contact }
}

/** `loss=5 delay=1..40`. */
function parseConditions(words: readonly string[]): Settings {
  const conditions = parseSettings(words)
  checkConditions(conditions)
  return conditions
}

/** `successors=2 onIsolated=serve`. */
export function parseSettings(words: readonly string[]): Settings {
  return Object.fromEntries(
    words.map((word) => {
      const [name, value] = word.split('=') as [string, string | undefined]
      if (value === undefined) throw new Error(`'${word}' is no setting: name=value`)
      return [name, Number.isNaN(Number(value)) ? value : Number(value)]
    }),
  )
}

function first(words: readonly string[]): string {
  if (words[0] === undefined) throw new Error('whom?')
  return words[0]
}

/** The word after that one. */
export function after(words: readonly string[], word: string): string {
  const value = words[words.indexOf(word) + 1]
  if (!words.includes(word) || value === undefined) throw new Error(`says nothing about '${word}'`)
  return value
}

function split(words: readonly string[], at: string): string[][] {
  const parts: string[][] = [[]]
  for (const word of words) {
    if (word === at) parts.push([])
    else parts.at(-1)?.push(word)
  }
  return parts
}

export function numberOf(word: string | undefined): number {
  const value = word === undefined ? Number.NaN : signed(word)
  if (!(value >= 0)) throw new Error(`'${word}' is no number`)
  return value
}

function signed(word: string): number {
  const value = Number(word)
  if (!Number.isFinite(value)) throw new Error(`'${word}' is no number`)
  return value
}

function oneOf<T extends string>(word: string | undefined, choices: readonly [T, ...T[]]): T {
  if (!choices.includes(word as T)) throw new Error(`'${word}' is not one of ${choices.join(', ')}`)
  return word as T
}
