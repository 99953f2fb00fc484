/**
 * The shortest plan that still fails: fewer actions, fewer names in each, shorter waits, plain settings, small ids. Every
 * node, link and fault draws from its own stream, so that what is left does not change when something is taken away.
 */
import { minimize } from './minimize.ts'
import type { Action, Plan, Settings } from './plan.ts'
import type { Violation } from './play.ts'

export interface ShrinkOptions {
  /** Plans that may be played; the best so far is the result. */
  readonly tries: number
  readonly onProgress?: (tried: number, actions: number) => void
}

/** `fails` must hold for `plan`, and say the same of the same plan. */
export function shrink(plan: Plan, fails: (plan: Plan) => boolean, o: ShrinkOptions): Plan {
  let tried = 0
  let best = plan
  const attempt = (candidate: Plan): boolean => {
    if (tried >= o.tries) return false
    tried++
    o.onProgress?.(tried, best.actions.length)
    if (!fails(candidate)) return false
    best = candidate
    return true
  }
  for (let before = ''; before !== JSON.stringify(best) && tried < o.tries; ) {
    before = JSON.stringify(best)
    fewerActions(best, attempt)
    fewerNames(best, attempt)
    shorterWaits(best, attempt)
    plainSettings(best, attempt)
    smallIds(best, attempt)
  }
  return best
}

/** What went wrong, without who, when and how much: two failures of one kind say the same. */
export function kindOfFailure({ oracle, text }: Pick<Violation, 'oracle' | 'text'>): string {
  // What follows the first line of an assertion is its stack.
  const [what = ''] = text.split('\n')
  const plain = what.replace(/\b[a-z]*[0-9a-f]*[0-9][0-9a-z]*\b|\b[0-9a-f]{6,}\b/g, '#')
  return `${oracle}: ${plain.replace(/#(?:[\s,.…+]*#)+/g, '#')}`
}

type Attempt = (candidate: Plan) => boolean

/** Those that do something first: what is left keeps its time. Then waits. */
function fewerActions(plan: Plan, attempt: Attempt): void {
  const keep = (kind: (action: Action) => boolean, from: Plan): Plan => {
    let smallest = from
    minimize(from.actions.filter(kind), (rest) => {
      const left = new Set(rest)
      const candidate = { ...from, actions: merged(from.actions.filter((action) => !kind(action) || left.has(action))) }
      if (!attempt(candidate)) return false
      smallest = candidate
      return true
    })
    return smallest
  }
  const without = keep(({ verb }) => verb !== 'run', plan)
  keep(({ verb }) => verb === 'run', without)
}

/** One wait for several in a row. */
function merged(actions: readonly Action[]): Action[] {
  const out: Action[] = []
  for (const action of actions) {
    const last = out.at(-1)
    if (action.verb === 'run' && last?.verb === 'run') out[out.length - 1] = { verb: 'run', ms: last.ms + action.ms }
    else out.push(action)
  }
  return out
}

/** Of several processes or virtual nodes in one action. */
function fewerNames(plan: Plan, attempt: Attempt): void {
  let best = plan
  const change = (index: number, action: Action): boolean => {
    const candidate = { ...best, actions: best.actions.with(index, action) }
    if (!attempt(candidate)) return false
    best = candidate
    return true
  }
  for (let index = 0; index < plan.actions.length; index++) {
    const action = best.actions[index] as Action
    if ('processes' in action && action.processes.length > 1) {
      minimize(action.processes, (processes) => processes.length > 0 && change(index, { ...action, processes }))
    } else if ('ids' in action && action.ids.length > 1) {
      minimize(action.ids, (ids) => ids.length > 0 && change(index, { ...action, ids }))
    } else if (action.verb === 'chains') {
      let { chains } = action
      for (const [at, chain] of chains.entries()) {
        minimize(chain, (fewer) => {
          const candidate = chains.with(at, fewer)
          if (!change(index, { ...action, chains: candidate.filter(({ length }) => length > 0) })) return false
          chains = candidate
          return true
        })
      }
    }
  }
}

/** Half as long, as often as that goes; then a round number. */
function shorterWaits(plan: Plan, attempt: Attempt): void {
  let best = plan
  for (let index = 0; index < plan.actions.length; index++) {
    const action = plan.actions[index]
    if (action?.verb !== 'run') continue
    const tryMs = (ms: number): boolean => {
      const candidate = { ...best, actions: best.actions.with(index, { verb: 'run', ms }) }
      if (!attempt(candidate)) return false
      best = candidate
      return true
    }
    let { ms } = action
    while (ms > 10 && tryMs(Math.floor(ms / 2))) ms = Math.floor(ms / 2)
    for (const unit of [1000, 100, 10]) if (ms > unit && ms % unit !== 0 && tryMs(ms - (ms % unit))) break
  }
}

/** What is not given is as usual. */
function plainSettings(plan: Plan, attempt: Attempt): void {
  let best = plan
  const change = (settings: Settings): void => {
    const candidate = { ...best, settings }
    if (attempt(candidate)) best = candidate
  }
  for (const name of Object.keys(plan.settings)) {
    const { [name]: _, ...rest } = best.settings
    change(rest)
  }
  if (best.settings.delay !== undefined && best.settings.delay !== 1) change({ ...best.settings, delay: 1 })
}

/** The same order around the ring, with ids that can be read. */
function smallIds(plan: Plan, attempt: Attempt): void {
  const used = new Set<string>()
  for (const action of plan.actions) {
    if (action.verb === 'start') for (const id of action.ids) used.add(wide(id))
    if (action.verb === 'chains') for (const { id } of action.chains.flat()) used.add(wide(id))
    if (action.verb === 'lookup') used.add(wide(action.key))
  }
  const order = [...used].sort()
  const small = (id: string) => (4 * order.indexOf(wide(id))).toString(16)
  const actions = plan.actions.map((action): Action => {
    if (action.verb === 'start') return { ...action, ids: action.ids.map(small) }
    if (action.verb === 'chains') {
      return { ...action, chains: action.chains.map((chain) => chain.map((one) => ({ ...one, id: small(one.id) }))) }
    }
    return action.verb === 'lookup' ? { ...action, key: small(action.key) } : action
  })
  if (JSON.stringify(actions) !== JSON.stringify(plan.actions)) attempt({ ...plan, actions })
}

function wide(id: string): string {
  return id.padStart(40, '0')
}
