/** A process that talks to a ring without being in it: `Client`. */
import { randomBytes } from 'node:crypto'
import { ChordError } from '../../core/errors.ts'
import type { Id } from '../../core/id.ts'
import { Entry } from './entry.ts'
import { equal_to, type Key } from './keys.ts'
import { Arrived } from './message.ts'
import { left, type OnMessage, Party } from './party.ts'
import { addressOf, type From, LocalNode, type Remote } from './places.ts'

/** Nodes that one client keeps connections to in order to send by them; those longest idle go first. */
const ENTRIES_MAX = 64

export class Client extends Party {
  readonly last: LocalNode
  /** By address; who was used last is last. */
  readonly #entries = new Map<string, Entry>()
  #isClosing = false
  #hasLeft = false

  constructor(onMessage: OnMessage | undefined) {
    super(onMessage)
    this.last = new LocalNode(randomWords(), this)
  }

  shown(): Remote {
    for (const { identity } of this.#entries.values()) if (identity !== undefined) return identity
    throw new ChordError('ERR_UNREACHABLE', 'this client has not spoken to a ring yet')
  }

  close(): void {
    this.#isClosing = true
    for (const entry of this.#entries.values()) entry.close()
  }

  async leave(): Promise<void> {
    this.#hasLeft = true
    await Promise.all([...this.#entries.values()].map((entry) => entry.leave()))
  }

  /** A client is a ring of its own: what goes to nobody else goes to itself. */
  protected dispatch(
    sender: LocalNode | undefined,
    replyTo: LocalNode | Remote | undefined,
    to: Remote | undefined,
    key: Id | undefined,
    json: string,
  ): void {
    if (this.#hasLeft) throw left()
    if (to === undefined) return this.deliverLater(this.last, replyTo ?? sender ?? this.last, json)
    this.#entryFor(to, key).outbox.put(this.last, replyTo, to, key, json)
  }

  /** By a key, a message enters the ring that `to` is in. Otherwise any connection will do. */
  #entryFor(to: Remote, key: Id | undefined): Entry {
    const address = addressOf(to)
    let entry = this.#entries.get(address)
    if (entry === undefined && key === undefined) {
      for (const other of this.#entries.values()) if (other.identity !== undefined) entry = other
    }
    if (entry !== undefined) return entry
    this.#makeRoom()
    entry = new Entry(address, this.last.id, {
      arrived: (bytes) => this.#arrived(bytes),
      gone: () => this.#entries.delete(address),
    })
    this.#entries.set(address, entry)
    if (this.#isClosing) entry.close()
    return entry
  }

  #makeRoom(): void {
    if (this.#entries.size < ENTRIES_MAX) return
    const [oldest] = this.#entries.values()
    oldest!.outbox.whenIdle(() => void oldest!.leave())
  }

  #arrived(bytes: Uint8Array): void {
    if (!this.listens) return
    const arrived = new Arrived(bytes)
    this.deliver(this.last, this.#known(arrived.from), arrived.message(), undefined)
  }

  #known(from: Remote): From {
    return from.id !== undefined && equal_to(from.id, this.last.id) ? this.last : (from as From)
  }
}

/** Nobody else has them: they are the address of this client. */
function randomWords(): Key {
  return Array.from({ length: 4 }, () => randomBytes(4).readUInt32LE())
}
