/**
 * What Chord nodes say to each other to keep the ring. A new type here makes the compiler list what is missing in the
 * codec and the dispatcher. Look-ups and messages of the application are routed as frames and do not appear here.
 */
import type { Id } from './id.ts'

/** One virtual node of one run of a process. Same shape as the public `Peer`. */
export interface Peer {
  readonly id: Id
  readonly address: string
  readonly incarnation: bigint
}

/** `(after, upTo]`. Same shape as the public `Range`. */
export interface Range {
  readonly after: Id
  readonly upTo: Id
}

/**
 * Who lies at the far end of a range. `peer` is the node at `after`, where it is known. `dead` means that it was proved
 * dead or left: then, and only then, may the range grow beyond it.
 */
export interface Boundary {
  readonly peer: Peer | undefined
  readonly dead: boolean
}

/** Answered by the message of the same line in `Answer`, or by `notMember`. */
export type Question =
  | { readonly type: 'ping' }
  | { readonly type: 'getNeighbors' }
  /** One step of an iterative look-up. `joiner` is set when the asker wants to join at `key`, its own id. */
  | { readonly type: 'closest'; readonly key: Id; readonly joiner: boolean }
  /** From the successor to its predecessor: `(after, you]` is yours; without `after`: what lies before you is, once you know it. */
  | { readonly type: 'grant'; readonly after: Id | undefined; readonly boundary: Boundary }
  /** From a leaver to its successor: take over `(after, me]`. */
  | { readonly type: 'handOver'; readonly after: Id; readonly boundary: Boundary }
  /** From a leaver to those that may list it. */
  | { readonly type: 'left'; readonly successors: readonly Peer[] }

export type Answer =
  | { readonly type: 'pong' }
  | {
      readonly type: 'neighbors'
      readonly predecessor: Peer | undefined
      readonly successors: readonly Peer[]
      readonly leaving: boolean
    }
  /**
   * `done`: the answerer is the key's predecessor, so its first successor (itself, if it is alone) owns the key.
   * Otherwise `next` are the nodes it knows that precede the key most closely, best first. `conflict`: it knows
   * another incarnation of the joiner.
   */
  | {
      readonly type: 'closestKnown'
      readonly done: boolean
      readonly successors: readonly Peer[]
      readonly next: readonly Peer[]
      readonly conflict: Peer | undefined
    }
  /** Not accepted: the receiver leaves, and takes nothing more. */
  | { readonly type: 'granted'; readonly accepted: boolean }
  /** Not accepted: the receiver leaves too (`leaving`), or is not the leaver's neighbour at the moment. */
  | { readonly type: 'handedOver'; readonly accepted: boolean; readonly leaving: boolean }
  | { readonly type: 'goodbye' }
  /** No such member here: the addressed incarnation is dead, or has not joined yet (`joining`). */
  | { readonly type: 'notMember'; readonly joining: boolean }

export type OneWay =
  /** I believe that you are my successor. `hasRange`: I own a range already. `skips`: others, who may live, lie between us. */
  | { readonly type: 'notify'; readonly hasRange: boolean; readonly skips: boolean }
  /** Look at this node: it may be your next successor, or of a ring that has to merge with ours, or be a neighbor that is silent. */
  | { readonly type: 'meet'; readonly peer: Peer }
  /** From successor to successor: `peer` owns nothing, nor does anybody from it to me. */
  | { readonly type: 'claim'; readonly peer: Peer }

export type Message = Question | Answer | OneWay

/** Two processes with one id may have started in the same millisecond: their addresses tell them apart. */
/** Somebody waits for an answer to it. */
export function isQuestion(message: Message): message is Question {
  switch (message.type) {
    case 'ping':
    case 'getNeighbors':
    case 'closest':
    case 'grant':
    case 'handOver':
    case 'left':
      return true
    default:
      return false
  }
}

export function samePeer(a: Peer | undefined, b: Peer | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return a.incarnation === b.incarnation && a.id.equals(b.id) && a.address === b.address
}

/** Of two with one id: does `a` count as the later life? */
export function isLater(a: Peer, b: Peer): boolean {
  return a.incarnation === b.incarnation ? a.address > b.address : a.incarnation > b.incarnation
}
