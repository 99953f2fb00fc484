/** What a member and a client have in common: messages are checked, sent, handed to `on_message`, and replied to. */
import { ChordError } from '../../core/errors.ts'
import type { Id } from '../../core/id.ts'
import { reportUncaught } from '../../transports/uncaught.ts'
import { idOfKey, type Key } from './keys.ts'
import { jsonOf, parsed } from './message.ts'
import type { Outbox } from './outbox.ts'
import { type From, LocalNode, type Place, placeOf, type Remote } from './places.ts'

/** Sends to whom the message was from, or to `to`; the receiver is told that it is from `reply_to`, or from this node. */
export type Reply = (message?: unknown, to?: Place | From | null, reply_to?: Place | From | null) => void

/** `id` is that of the virtual node which the message was delivered to, not the key that it was sent to. */
export type OnMessage<M = unknown> = (from: From, id: Key, message: M, reply: Reply) => void

export abstract class Party {
  /** The virtual node that is meant where none is named; undefined until its id is known. */
  abstract readonly last: LocalNode | undefined
  readonly #onMessage: OnMessage | undefined

  constructor(onMessage: OnMessage | undefined) {
    this.#onMessage = onMessage
  }

  /**
   * Never delivers before it has returned. `sender` is by default the last virtual node.
   * Errors: ERR_BAD_ADDRESS, ERR_BAD_BODY, ERR_BAD_OPTION, ERR_BUSY, ERR_CLOSED, ERR_PAYLOAD_TOO_LARGE.
   */
  send(sender: LocalNode | undefined, to: unknown, id: unknown, message: unknown, replyTo: unknown): void {
    const json = jsonOf(message)
    const key = id ? idOfKey(id) : undefined
    const from = replyTo ? placeOf(replyTo, 'reply_to') : undefined
    const place = to ? placeOf(to, 'to') : undefined
    if (!(place instanceof LocalNode)) return this.dispatch(sender, from, place, key, json)
    const party = LocalNode.partyOf(place)
    if (key === undefined) return party.deliverLater(place, from ?? sender ?? this.last!, json)
    this.dispatch(sender, from, party === this ? undefined : party.shown(place), key, json)
  }

  /** In a later turn, as everything that does not leave the process. */
  deliverLater(node: LocalNode, from: LocalNode | Remote, json: string): void {
    setImmediate(() => {
      if (this.listens) this.deliver(node, from as From, parsed(json), undefined)
    })
  }

  /**
   * Calls `on_message`. With an outbox, the first reply to `from` is returned as its JSON and the `reply_to` that goes with it, for it can
   * leave as the answer; what is said after that waits in the outbox.
   */
  deliver(node: LocalNode, from: From, message: unknown, outbox: Outbox | undefined): Answer | undefined {
    let answer: Answer | undefined
    let open = outbox !== undefined && !outbox.isHeld
    const reply: Reply = (said, to, replyTo) => {
      if (!open || (to && to !== from)) return this.send(node, to || from, undefined, said, replyTo)
      answer = { json: jsonOf(said), replyTo: replyTo ? placeOf(replyTo, 'reply_to') : undefined }
      open = false
      outbox!.hold()
    }
    try {
      this.#onMessage!(from, node.id, message, reply)
    } catch (error) {
      reportUncaught(error)
    }
    open = false
    if (answer !== undefined) outbox!.release()
    return answer
  }

  /** Without `on_message`, what comes is ignored. */
  get listens(): boolean {
    return this.#onMessage !== undefined
  }

  /** How others address one of our nodes. Errors: ERR_UNREACHABLE. */
  abstract shown(node: LocalNode): Remote

  /** `to` undefined: to the owner of the key or, if there is none, to the last virtual node. */
  protected abstract dispatch(
    sender: LocalNode | undefined,
    replyTo: LocalNode | Remote | undefined,
    to: Remote | undefined,
    key: Id | undefined,
    json: string,
  ): void

  /** Lets the process end when nothing else keeps it, once all that was sent before is on its way. */
  abstract close(): void

  /** Not in the original: leaves the ring, closes everything, drops what waits. */
  abstract leave(): Promise<void>
}

export interface Answer {
  json: string
  replyTo: LocalNode | Remote | undefined
}

export function remoteOfPlace(place: LocalNode | Remote): Remote {
  return place instanceof LocalNode ? LocalNode.partyOf(place).shown(place) : place
}

export function left(): ChordError {
  return new ChordError('ERR_CLOSED', 'this has left the ring')
}
