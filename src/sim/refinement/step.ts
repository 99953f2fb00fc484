/**
 * Is what a core did with an input something that the model does? Compared are list, predecessor, range and all that decides them later,
 * the questions that are open, and what was sent. Pings, steps of look-ups and `meet`s are free: they change nothing by themselves.
 */
import type { Message, Peer } from '../../core/messages.ts'
import type { Output } from '../../core/output.ts'
import type { Purpose } from '../../core/state.ts'
import { copyOf, type NodeState, nameOf } from './abstract.ts'
import { type Fired, Model, type StepInput } from './model.ts'

/** Tried in this order: most timeouts do one thing. */
const FIRED: readonly Fired[] = [false, true].flatMap((claim) => [
  { stabilize: false, proceed: false, claim },
  { stabilize: true, proceed: false, claim },
  { stabilize: false, proceed: true, claim },
  { stabilize: true, proceed: true, claim },
])

export interface Complaint {
  readonly before: string
  readonly after: string
  /** What the model would have allowed, each. */
  readonly allowed: readonly string[]
}

export function complaintOf(
  before: NodeState,
  input: StepInput,
  outputs: readonly Output[],
  after: NodeState,
): Complaint | undefined {
  const seen = show(after, outputs.flatMap(sentOf), servicesOf(outputs))
  const allowed = new Set<string>()
  for (const fired of input.kind === 'timeout' ? FIRED : FIRED.slice(0, 1)) {
    const model = new Model(copyOf(before))
    model.chosen = after.giving?.to
    model.take(input, fired)
    const done = show(model.s, model.sent, model.services)
    if (done === seen) return undefined
    allowed.add(done)
  }
  return { before: show(before, [], []), after: seen, allowed: [...allowed] }
}

/** The first of what differs from what is allowed. */
export function explain({ before, after, allowed }: Complaint): string {
  const lines = [`before: ${before}`, `is:     ${after}`, ...allowed.map((one) => `model:  ${one}`)]
  return `is no step of the model\n        ${lines.join('\n        ')}`
}

function sentOf(output: Output): { to: Peer; message: Message }[] {
  return output.kind === 'send' ? [{ to: output.to, message: output.message }] : []
}

function servicesOf(outputs: readonly Output[]): { to: Peer; cause: string }[] {
  return outputs.flatMap((output) => (output.kind === 'handover' ? [{ to: output.to, cause: output.cause }] : []))
}

function show(
  s: NodeState,
  sent: readonly { to: Peer; message: Message }[],
  services: readonly { to: Peer; cause: string }[],
): string {
  const pred =
    s.pred === undefined ? '-' : `${name(s.pred)}${s.predHas ? '' : ' without range'}${s.predSkips ? ' skips' : ''}`
  const parts = [
    `${s.status}${s.sole ? ' sole' : ''}`,
    `list ${s.list.map(name).join(' ') || '-'}${s.wraps ? ' all' : ''}`,
    `pred ${pred}`,
    s.cand === undefined ? '' : `candidate ${name(s.cand.peer)} ${s.cand.hasRange}`,
    `range ${s.range === undefined ? '-' : `(${short(s.range.after)},${short(s.range.upTo)}]`}`,
    `behind ${s.boundary.peer === undefined ? '-' : name(s.boundary.peer)}${s.boundary.dead ? ' dead' : ''}`,
    s.heir ? 'heir' : '',
    s.giving === undefined
      ? ''
      : `${s.giving.cause} ${s.giving.phase} to ${name(s.giving.to)} after ${short(s.giving.lost.after)}`,
    s.taken === undefined ? '' : `took ${s.taken.request} of ${name(s.taken.from)}`,
    s.leaving === undefined
      ? ''
      : `${s.leaving.phase} ${showKeys(s.leaving.leavingToo)} heard ${showKeys(s.leaving.heard)} named ${s.leaving.named.map(name).sort().join()} ${s.leaving.goodbyesLeft}`,
    `doubts ${showDoubts(s)}`,
    `asks ${
      [...s.asked.values()]
        .flatMap(({ to, purpose }) => showAsked(to, purpose))
        .sort()
        .join(', ') || '-'
    }`,
    `sends ${
      sent
        .flatMap(({ to, message }) => showSent(to, message))
        .sort()
        .join(', ') || '-'
    }`,
    ...services.map(({ to, cause }) => `services ${cause} to ${name(to)}`),
  ]
  return parts.filter((part) => part !== '').join('; ')
}

function showKeys(keys: ReadonlySet<string>): string {
  return [...keys].sort().map(shortName).join()
}

function showDoubts(s: NodeState): string {
  const out: string[] = []
  for (const [key, { misses, dead, departed }] of s.doubts) {
    if (departed || dead || misses > 0) out.push(`${shortName(key)} ${departed ? 'gone' : dead ? 'dead' : misses}`)
  }
  return out.sort().join(', ') || '-'
}

/** Questions whose answers change what we follow or own. */
function showAsked(to: Peer, purpose: Purpose): string[] {
  switch (purpose.kind) {
    case 'stabilize':
      return [`stabilize ${name(to)} as ${name(purpose.first)}`]
    case 'adopt': {
      const first = purpose.first === undefined ? '-' : name(purpose.first)
      return [
        `adopt ${name(to)} before ${first}${purpose.fallback === undefined ? '' : ` else ${name(purpose.fallback)}`}`,
      ]
    }
    case 'joinCheck':
      return [`join before ${purpose.successors.map(name).join(' ')}`]
    case 'confirm':
    case 'handOver':
    case 'left':
      return [`${purpose.kind} ${name(to)}`]
    case 'grant':
      return [`grant ${name(to)}${purpose.token === 0 ? ' inheritance' : ''}`]
    default:
      return []
  }
}

function showSent(to: Peer, message: Message): string[] {
  switch (message.type) {
    case 'ping':
    case 'closest':
    case 'meet':
    // What it asks for is known by its purpose.
    case 'getNeighbors':
      return []
    case 'neighbors':
      return [
        `neighbors ${message.predecessor === undefined ? '-' : name(message.predecessor)} ${message.successors.map(name).join(' ')}${message.leaving ? ' leaving' : ''} to ${name(to)}`,
      ]
    case 'closestKnown':
      return [`${message.done ? `place before ${message.successors.map(name).join(' ')}` : 'further'} to ${name(to)}`]
    case 'notify':
      return [`notify${message.hasRange ? '' : ' without range'}${message.skips ? ' skips' : ''} to ${name(to)}`]
    case 'grant':
    case 'handOver': {
      const after = message.after === undefined ? 'inheritance' : `after ${short(message.after)}`
      const { peer, dead } = message.boundary
      return [
        `${message.type} ${after} behind ${peer === undefined ? '-' : name(peer)}${dead ? ' dead' : ''} to ${name(to)}`,
      ]
    }
    case 'left':
      return [`left ${message.successors.map(name).join(' ')} to ${name(to)}`]
    case 'granted':
      return [`granted ${message.accepted} to ${name(to)}`]
    case 'handedOver':
      return [`handedOver ${message.accepted}${message.leaving ? ' leaving' : ''} to ${name(to)}`]
    case 'claim':
      return [`claim of ${name(message.peer)} to ${name(to)}`]
    case 'notMember':
      return [`notMember${message.joining ? ' joining' : ''} to ${name(to)}`]
    default:
      return [`${message.type} to ${name(to)}`]
  }
}

function name(peer: Peer): string {
  return shortName(nameOf(peer))
}

/** `4`, or `4'` of a later life in small runs. */
function shortName(key: string): string {
  const [id, incarnation] = key.split('/') as [string, string]
  return `${id.replace(/^0+(?=.)/, '')}.${incarnation}`
}

function short(id: Peer['id']): string {
  return String(id).replace(/^0+(?=.)/, '')
}
