/** One message as its handler sees it. */
import type { Incoming, Member, Peer } from '../api.ts'
import type { Id } from '../core/id.ts'
import type { ReturnPath } from './answering.ts'

/** Makes what only few handlers look at. */
export interface IncomingContext {
  member(index: number): Member
  from(path: ReturnPath, senderIndex: number): Peer
  /** Aborts at the deadline, or when the node leaves or closes. */
  signal(deadlineMs: number): AbortController
}

export class IncomingMessage implements Incoming<unknown> {
  readonly body: unknown
  readonly key?: Id
  readonly oneWay: boolean
  readonly #context: IncomingContext
  readonly #path: ReturnPath
  readonly #index: number
  readonly #sender: number
  readonly #deadlineMs: number
  #from: Peer | undefined
  /** Made when the handler first asks for the signal. */
  controller: AbortController | undefined

  constructor(
    context: IncomingContext,
    path: ReturnPath,
    body: unknown,
    key: Id | undefined,
    index: number,
    sender: number,
    deadlineMs: number,
  ) {
    this.body = body
    if (key !== undefined) this.key = key
    this.oneWay = path.oneWay
    this.#context = context
    this.#path = path
    this.#index = index
    this.#sender = sender
    this.#deadlineMs = deadlineMs
  }

  get from(): Peer {
    this.#from ??= this.#context.from(this.#path, this.#sender)
    return this.#from
  }

  get member(): Member {
    return this.#context.member(this.#index)
  }

  get signal(): AbortSignal {
    this.controller ??= this.#context.signal(this.#deadlineMs)
    return this.controller.signal
  }
}
