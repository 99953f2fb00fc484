/**
 * What a node does with an input, computed once: a node's state and an input decide its next state and what it sends, whatever
 * the rest of the ring is in. States of nodes, and messages, are numbered as they turn up.
 */
import type { ChordNode, CoreConfig } from '../../core/chord-node.ts'
import { isQuestion, type Message, type Peer } from '../../core/messages.ts'
import type { Output } from '../../core/output.ts'
import { type Frozen, freeze, NOW_MS, thaw } from './local.ts'
import type { Universe } from './universe.ts'

export type NodeInput =
  | { readonly kind: 'message'; readonly from: Peer; readonly request: number; readonly message: Message }
  /** `quiet`: around it nothing has changed for long. */
  | { readonly kind: 'timer'; readonly timer: 'stabilizeMs' | 'rejoinMs' | 'departureMs'; readonly quiet?: boolean }
  /** That neighbour has been silent for long, the other has not. */
  | { readonly kind: 'silent'; readonly who: 'successor' | 'predecessor' }
  /** A look-up of its own id starts at `via`. */
  | { readonly kind: 'self'; readonly via: Peer }
  | { readonly kind: 'deadline'; readonly request: number }
  | { readonly kind: 'refused' | 'departed' | 'lost'; readonly address: string }
  /** A seed that is a member was found. */
  | { readonly kind: 'contact'; readonly peer: Peer }
  | { readonly kind: 'services' }
  | { readonly kind: 'leave' }

export interface Sent {
  readonly to: Peer
  readonly request: number
  readonly message: Message
}

export interface StepResult {
  /** Number of the state that it is in then. */
  readonly state: number
  readonly sent: readonly Sent[]
  /** New numbers of questions; what is not named is over. */
  readonly names: ReadonlyMap<number, number>
  /** What a check found wrong with this step. */
  readonly complaint: string | undefined
}

/** Looks at every different step of a node once. `before` is called first, and returns what is called with the outputs. */
export type StepCheck = (node: ChordNode, input: NodeInput) => (outputs: readonly Output[]) => string | undefined

export class Steps {
  readonly universe: Universe
  readonly #config: CoreConfig
  readonly #check: StepCheck | undefined
  readonly #numbers = new Map<string, number>()
  readonly #states: { readonly frozen: Frozen; readonly text: string }[] = []
  readonly #results = new Map<string, StepResult>()

  constructor(universe: Universe, config: CoreConfig, check?: StepCheck) {
    this.universe = universe
    this.#config = config
    this.#check = check
  }

  /** Different steps of nodes so far. */
  get size(): number {
    return this.#results.size
  }

  frozen(state: number): Frozen {
    return (this.#states[state] as { frozen: Frozen }).frozen
  }

  /** `input` as text is `universe.text` of it. */
  step(state: number, input: string): StepResult {
    const key = `${state} ${input}`
    const known = this.#results.get(key)
    if (known !== undefined) return known
    const node = thaw(this.frozen(state), this.#config)
    const result = this.#take(node, this.universe.value<NodeInput>(input))
    this.#results.set(key, result)
    return result
  }

  /** A node that starts by `start`. */
  start(node: ChordNode, start: () => void): StepResult {
    return this.#finish(node, start, undefined)
  }

  /** The same state, but the last grant that was taken has another number. */
  withGrant(state: number, request: number): number {
    const frozen = this.frozen(state)
    if (frozen.lastGrant === undefined || frozen.lastGrant.request === request) return state
    const lastGrant = request === 0 ? undefined : { ...frozen.lastGrant, request }
    return this.#number(this.universe.text({ ...frozen, lastGrant }))
  }

  #take(node: ChordNode, input: NodeInput): StepResult {
    const after = this.#check?.(node, input)
    return this.#finish(node, () => give(node, input), after)
  }

  #finish(node: ChordNode, run: () => void, check: ReturnType<StepCheck> | undefined): StepResult {
    let complaint: string | undefined
    try {
      run()
    } catch (e) {
      complaint = `threw ${(e as Error).message}`
    }
    const outputs: Output[] = []
    for (let output = node.poll(); output !== undefined; output = node.poll()) outputs.push(output)
    complaint ??= check?.(outputs)
    const { text, names } = freeze(node.core, this.universe)
    const sent: Sent[] = []
    for (const output of outputs) {
      if (output.kind !== 'send') continue
      const { to, request, message } = output
      sent.push({ to, message, request: isQuestion(message) ? (names.get(request) ?? 0) : request })
    }
    return { state: this.#number(text), sent, names, complaint }
  }

  #number(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#states.push({ frozen: this.universe.value<Frozen>(text), text })
    this.#numbers.set(text, this.#states.length - 1)
    return this.#states.length - 1
  }
}

function give(node: ChordNode, input: NodeInput): void {
  const { core } = node
  switch (input.kind) {
    case 'message':
      return node.handleMessage(input.from, input.request, input.message, NOW_MS)
    case 'timer':
      core.timers[input.timer] = NOW_MS
      if (input.quiet) core.changedMs = Number.NEGATIVE_INFINITY
      return node.handleTimeout(NOW_MS)
    case 'silent':
      hear(node, input.who === 'successor' ? core.predecessor : core.successors[0])
      core.timers.neighborsMs = NOW_MS
      return node.handleTimeout(NOW_MS)
    case 'self':
      return lookUpSelf(node, input.via)
    case 'deadline': {
      const entry = core.pending.get(input.request)
      if (entry !== undefined) entry.deadlineMs = NOW_MS
      return node.handleTimeout(NOW_MS)
    }
    case 'refused':
      return node.refused(input.address, NOW_MS)
    case 'departed':
      return node.departed(input.address, NOW_MS)
    case 'lost':
      return node.connectionLost(input.address, NOW_MS)
    case 'contact':
      return node.contact(input.peer, NOW_MS)
    case 'services':
      return node.handedOver(core.handover?.token ?? 0, NOW_MS)
    case 'leave':
      return node.leave(NOW_MS)
    default:
      input satisfies never
  }
}

function hear(node: ChordNode, peer: Peer | undefined): void {
  const { detector } = node.core
  if (peer === undefined) return
  // Makes a record, if there is none, and clears no suspicion.
  if (!detector.isSuspect(peer)) detector.alive(peer, undefined)
  detector.heard(peer, NOW_MS)
}

function lookUpSelf(node: ChordNode, via: Peer): void {
  const { core } = node
  const others = core.remembered.list().filter((peer) => !peer.id.equals(via.id))
  core.remembered.restore([via, ...others])
  core.selfLookupTurn = 1
  core.timers.selfLookupMs = NOW_MS
  node.handleTimeout(NOW_MS)
}
