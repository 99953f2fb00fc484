/** What a ring's upkeep costs: messages and bytes by what they are for, as they would travel. */
import type { Core } from '../core/state.ts'
import { encodeMessage, type PeerBook } from '../wire/codec.ts'
import { HEADER_BYTES, padded, TARGET_BYTES } from '../wire/layout.ts'
import type { Flight, Observer, SimMember } from './observer.ts'

/**
 * `neighbors`: stabilize, notify, probes. `fingers`. `self`: looking up oneself, and telling others of strangers.
 * `joins`: joins, grants and leaves.
 */
export const COST_CLASSES = ['neighbors', 'fingers', 'self', 'joins'] as const
export type CostClass = (typeof COST_CLASSES)[number]

export interface Cost {
  messages: number
  bytes: number
}

interface Asker {
  readonly core: Core
  /** What its questions are for, until they are answered. */
  readonly asked: Map<number, CostClass>
}

/** Only lengths matter here. */
const BOOK: PeerBook = { indexOf: () => 0, peer: () => undefined }

/** Counts what is sent, each message with its frame's header. What TCP/IP adds, and the making of connections, is not in it. */
export class MaintenanceCost implements Observer {
  readonly #askers = new Map<string, Asker>()
  #total = zero()

  started({ node }: SimMember): void {
    this.#askers.set(String(node.self.id), { core: node.core, asked: new Map() })
  }

  stopped({ node }: SimMember): void {
    this.#askers.delete(String(node.self.id))
  }

  sent(flight: Flight): void {
    const cost = this.#total[this.#classOf(flight)]
    cost.messages++
    cost.bytes += padded(HEADER_BYTES + TARGET_BYTES + encodeMessage(flight.message, BOOK).length)
  }

  /** What has been counted since the last time. */
  take(): Readonly<Record<CostClass, Cost>> {
    const total = this.#total
    this.#total = zero()
    return total
  }

  #classOf({ from, to, request, message }: Flight): CostClass {
    if (message.type === 'notify') return 'neighbors'
    if (message.type === 'meet') return 'self'
    const asker = this.#askers.get(String(from.id))
    const pending = asker?.core.pending.get(request)
    // The numbers of two nodes' questions may be the same: an answer goes to whom such a question was asked by.
    if (asker && pending?.message === message) {
      const purpose = classOfQuestion(asker.core, request)
      asker.asked.set(request, purpose)
      return purpose
    }
    const answered = this.#askers.get(String(to.id))?.asked
    const purpose = answered?.get(request) ?? 'neighbors'
    answered?.delete(request)
    return purpose
  }
}

function classOfQuestion({ pending, lookups }: Core, request: number): CostClass {
  const purpose = pending.get(request)?.purpose
  switch (purpose?.kind) {
    case 'step': {
      const kind = lookups.get(purpose.lookup)?.purpose.kind
      return kind === 'finger' ? 'fingers' : kind === 'self' ? 'self' : 'joins'
    }
    case 'back':
      return 'self'
    case 'joinCheck':
    case 'conflict':
    case 'grant':
    case 'handOver':
    case 'left':
      return 'joins'
    default:
      return 'neighbors'
  }
}

function zero(): Record<CostClass, Cost> {
  const nothing = (): Cost => ({ messages: 0, bytes: 0 })
  return { neighbors: nothing(), fingers: nothing(), self: nothing(), joins: nothing() }
}
