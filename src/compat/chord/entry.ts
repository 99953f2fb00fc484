/** A client's way into a ring: a connection to one of its nodes, which keeps the messages for this client. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Caller } from '../../api.ts'
import type { ChordError } from '../../core/errors.ts'
import { connect } from '../../runtime/client.ts'
import { isolated } from '../../transports/uncaught.ts'
import type { Key } from './keys.ts'
import { HOLD_MS, unpacked } from './mailboxes.ts'
import { bodyOf, prefixOf } from './message.ts'
import { Outbox, type Outgoing } from './outbox.ts'
import { left, remoteOfPlace } from './party.ts'
import { addressOf, type LocalNode, type Remote, remoteOf } from './places.ts'
import { MAILBOX, MESSAGE, OPEN, TAKE, WAIT } from './types.ts'

/** How long it is tried again when nobody answers. Then what waits is lost. */
const GIVE_UP_MS = 10_000
const AGAIN_MS = 100
const ANSWER_MS = 5_000

export interface EntryOptions {
  arrived(bytes: Uint8Array): void
  /** It is of no use any more. */
  gone(): void
}

export class Entry {
  readonly outbox: Outbox
  /** Where others send what is for this client; known once the node has answered. */
  identity: Remote | undefined
  readonly #o: EntryOptions
  readonly #address: string
  readonly #client: Key
  #prefix: Buffer | undefined
  #caller: Caller | undefined
  #isClosing = false
  #isUnref = false
  #hasEnded = false

  constructor(address: string, client: Key, o: EntryOptions) {
    this.#o = o
    this.#address = address
    this.#client = client
    this.outbox = new Outbox({
      transmit: (message) => this.#transmit(message),
      answered: (_, bytes) => o.arrived(bytes),
    })
    void this.#run()
  }

  /** Lets the process end once all that was sent is on its way. */
  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.outbox.whenIdle(() => {
      this.#isUnref = true
      this.#caller?.unref()
    })
  }

  async leave(): Promise<void> {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.outbox.close(left())
    this.#o.gone()
    await this.#caller?.ref().close()
  }

  async #run(): Promise<void> {
    const isOpen = await this.#persist(() => this.#open())
    while (isOpen && !this.#hasEnded) {
      if (!(await this.#persist(() => this.#take()))) break
    }
    await this.leave()
  }

  async #open(): Promise<void> {
    this.#caller ??= await connect({ to: [this.#address] })
    const caller = this.#caller
    if (this.#isUnref) caller.unref()
    const request = { action: OPEN, client: this.#client }
    const address = await caller.requestTo(this.#address, MAILBOX, request, { timeoutMs: ANSWER_MS, idempotent: true })
    this.identity = remoteOf(new TextDecoder().decode(address), this.#client)
    this.#prefix = prefixOf(this.identity, true)
    this.outbox.open()
  }

  async #take(): Promise<void> {
    const request = { action: TAKE, client: this.#client }
    const timeoutMs = HOLD_MS + ANSWER_MS
    const batch = await this.#caller!.requestTo(this.#address, MAILBOX, request, { timeoutMs })
    for (const bytes of unpacked(batch)) isolated(() => this.#o.arrived(bytes))
  }

  /** Again and again, for a while. */
  async #persist(attempt: () => Promise<void>): Promise<boolean> {
    const untilMs = performance.now() + GIVE_UP_MS
    while (!this.#hasEnded) {
      try {
        await attempt()
        return true
      } catch (error) {
        if ((error as ChordError).code === 'ERR_NO_HANDLER') process.emitWarning(error as ChordError)
        else if (performance.now() < untilMs) {
          await pause(AGAIN_MS, undefined, { ref: !this.#isUnref })
          continue
        }
        return false
      }
    }
    return false
  }

  #transmit(message: Outgoing): void {
    const { sender, replyTo, to, key } = message
    const body = bodyOf(this.#prefixFor(sender!, replyTo, key === undefined ? to!.id : undefined), message.json)
    if (key === undefined) this.#caller!.requestTo(addressOf(to!), MESSAGE, body, WAIT, message.done)
    else this.#caller!.request(key, MESSAGE, body, WAIT, message.done)
  }

  #prefixFor(sender: LocalNode, replyTo: LocalNode | Remote | undefined, to: Key | undefined): Buffer {
    const isOurs = replyTo === undefined || replyTo === sender
    if (isOurs && to === undefined) return this.#prefix!
    return prefixOf(isOurs ? this.identity! : remoteOfPlace(replyTo), isOurs, to)
  }
}
