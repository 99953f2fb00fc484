/** What can be seen of a simulated ring. Oracles, traces and recorders are observers. */
import type { ChordNode } from '../core/chord-node.ts'
import type { Id } from '../core/id.ts'
import type { Message, Peer, Range } from '../core/messages.ts'
import type { CoreEvent, Output } from '../core/output.ts'
import type { Input } from './input.ts'
import type { Process } from './process.ts'

/** A live virtual node, of one life of a process. */
export interface SimMember {
  readonly node: ChordNode
  readonly process: Process
  /** Which of the process's virtual nodes. */
  readonly index: number
}

/** A message under way. Each copy of a duplicated one is a flight. */
export interface Flight {
  readonly id: number
  readonly from: Peer
  readonly to: Peer
  /** Numbers a question and its answer; 0 for one-way messages. */
  readonly request: number
  readonly message: Message
  /** When it was sent. */
  readonly atMs: number
}

export type FaultKind =
  | 'crash'
  | 'vanish'
  | 'restart'
  | 'pause'
  | 'resume'
  | 'leave'
  | 'cut'
  | 'mend'
  | 'clog'
  | 'unclog'
  | 'reset'
  | 'conditions'
  /** One message arrives with bits flipped that still make sense (`corrupt`), or none (`garbled`: the connection breaks). */
  | 'corrupt'
  | 'garbled'
  /** A message was lost, duplicated or overtaken. */
  | 'loss'
  | 'duplicate'
  | 'reorder'
  /** A process starts with the id of a living one. */
  | 'duplicate-id'
  | 'clock'
  | 'state-file'
  /** A process dies because a hand-over has come to the phase where it was to. */
  | 'stop-at'

export interface Fault {
  readonly kind: FaultKind
  /** Those concerned; of a link, sender and receiver. */
  readonly addresses: readonly string[]
}

/** A node's input, after which it was drained. */
export type Cause = 'start' | 'message' | 'timeout' | 'network' | 'services' | 'leave'

/** Why a look-up of an application failed. */
export type LookupFailure = 'unsettled' | 'hop-limit' | 'isolated' | 'timeout' | 'originator-died'

export interface EndedLookup {
  readonly key: Id
  /** Address of the process that asked. */
  readonly originator: string
  readonly route: 'recursive' | 'iterative'
  readonly startMs: number
  readonly endMs: number
  /** What the owner said of itself when it answered. */
  readonly answer: { readonly owner: Peer; readonly range: Range; readonly epoch: bigint } | undefined
  readonly failure: LookupFailure | undefined
  /** Of the attempt that succeeded: frames from process to process up to the owner, and questions that were answered before. */
  readonly hops: number
  /** As many of them as it took to find one that knew the owner. */
  readonly hopsToFinal: number
  /** Of any attempt: how many times, at most, a frame was passed on that somebody believed to have sent to the owner. */
  readonly passedOn: number
  /** Ways that were tried. */
  readonly attempts: number
  /** Next hops, over all attempts, that did not answer or refused: silently or not. */
  readonly timeouts: number
}

/** All optional; called in the order given here within one event. Nothing of the ring may be changed by them. */
export interface Observer {
  /** A core was made (new, restarted, placed), before its first input. */
  started?(member: SimMember): void
  /** `crashed`: whatever the reason, it did not take leave. */
  stopped?(member: SimMember, how: 'crashed' | 'left'): void
  /** Before it takes effect. */
  fault?(fault: Fault): void
  sent?(flight: Flight): void
  /** No longer under way; before the core of the receiver gets it. */
  landed?(flight: Flight, how: 'delivered' | 'lost'): void
  /** Right before a core is given it. `nowMs`: what the process's clock shows. */
  input?(member: SimMember, input: Input, nowMs: number): void
  /** Of what a core wants done, each: before the network does anything to it. */
  output?(member: SimMember, output: Output): void
  event?(member: SimMember, event: CoreEvent): void
  /** After each input of a core, when all that it wanted done is under way. */
  stepped?(member: SimMember, cause: Cause): void
  /** An application's look-up ended. */
  lookup?(ended: EndedLookup): void
}
