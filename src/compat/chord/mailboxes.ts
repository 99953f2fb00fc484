/**
 * Messages for clients, which have no address of their own: whoever has one for a client sends it to the node by which that client came in,
 * and the client asks that node for them, with one request that is answered when there are some.
 */
import { ChordError } from '../../core/errors.ts'
import type { Key } from './keys.ts'

/** How long a request for messages may stay unanswered, and a client unheard of. */
export const HOLD_MS = 20_000
const FORGET_MS = 30_000
const SWEEP_MS = 10_000
/** Of one client, and of all. */
const MESSAGES_MAX = 4_096
const CLIENTS_MAX = 65_536
const BYTES_MAX = 2 ** 26
/** One answer: more only if a single message is. */
const BATCH_BYTES = 2 ** 19
const LENGTH_BYTES = 4

interface Mailbox {
  messages: Uint8Array[]
  /** Answers the client's request. */
  waiting: ((batch: Uint8Array) => void) | undefined
  timer: NodeJS.Timeout | undefined
  seenMs: number
}

export class Mailboxes {
  readonly #boxes = new Map<string, Mailbox>()
  #bytes = 0
  #sweeper: NodeJS.Timeout | undefined

  /** The messages for a client, as soon as there are some. Errors: ERR_BUSY. */
  take(client: Key): Uint8Array | Promise<Uint8Array> {
    const box = this.open(client)
    if (box.messages.length > 0) return this.#packed(box)
    return new Promise((resolve) => {
      box.waiting = resolve
      box.timer = setTimeout(() => answer(box, NOTHING), HOLD_MS).unref()
    })
  }

  /** Keeps messages for a client from now on. Errors: ERR_BUSY. */
  open(client: Key): Mailbox {
    const name = String(client)
    let box = this.#boxes.get(name)
    if (box === undefined) {
      if (this.#boxes.size >= CLIENTS_MAX) throw new ChordError('ERR_BUSY', 'too many clients')
      box = { messages: [], waiting: undefined, timer: undefined, seenMs: 0 }
      this.#boxes.set(name, box)
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref()
    }
    // It asks anew, so it does not wait for the older answer.
    answer(box, NOTHING)
    box.seenMs = performance.now()
    return box
  }

  /** Nothing happens if there is no such client. Errors: ERR_BUSY. */
  put(client: Key, message: Uint8Array): void {
    const box = this.#boxes.get(String(client))
    if (box === undefined) return
    if (box.messages.length >= MESSAGES_MAX || this.#bytes + message.length > BYTES_MAX) {
      throw new ChordError('ERR_BUSY', 'too many messages wait for that client')
    }
    box.messages.push(message)
    this.#bytes += message.length
    // Those that come in the same turn go together.
    if (box.waiting !== undefined && box.messages.length === 1) queueMicrotask(() => this.#flush(box))
  }

  /** All requests are answered. */
  stop(): void {
    clearInterval(this.#sweeper)
    for (const box of this.#boxes.values()) answer(box, NOTHING)
    this.#boxes.clear()
    this.#bytes = 0
  }

  #flush(box: Mailbox): void {
    if (box.waiting !== undefined && box.messages.length > 0) answer(box, this.#packed(box))
  }

  /** As many as fit into an answer: length and bytes of each. */
  #packed(box: Mailbox): Uint8Array {
    let bytes = 0
    let count = 0
    for (const message of box.messages) {
      if (count > 0 && bytes + message.length > BATCH_BYTES) break
      bytes += LENGTH_BYTES + message.length
      count++
    }
    const batch = Buffer.allocUnsafe(bytes)
    let at = 0
    for (const message of box.messages.splice(0, count)) {
      at = batch.writeUInt32LE(message.length, at)
      batch.set(message, at)
      at += message.length
      this.#bytes -= message.length
    }
    return batch
  }

  #sweep(): void {
    const nowMs = performance.now()
    for (const [name, box] of this.#boxes) {
      if (box.waiting !== undefined || nowMs - box.seenMs < FORGET_MS) continue
      for (const message of box.messages) this.#bytes -= message.length
      this.#boxes.delete(name)
    }
  }
}

/** The messages of a batch. What is cut off is left out. */
export function* unpacked(batch: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length)
  let at = 0
  while (at + LENGTH_BYTES <= batch.length) {
    const start = at + LENGTH_BYTES
    at = start + view.getUint32(at, true)
    if (at <= batch.length) yield batch.subarray(start, at)
  }
}

function answer(box: Mailbox, batch: Uint8Array): void {
  clearTimeout(box.timer)
  const { waiting } = box
  box.waiting = undefined
  if (waiting === undefined) return
  box.seenMs = performance.now()
  waiting(batch)
}

const NOTHING = new Uint8Array(0)
