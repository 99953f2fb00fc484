/** A process that is in the ring: `Chord`. */
import type { ChordNode, Incoming, NodeOptions } from '../../api.ts'
import { ChordError } from '../../core/errors.ts'
import type { Id } from '../../core/id.ts'
import { Deferred } from '../../runtime/deferred.ts'
import { createNode } from '../../runtime/node.ts'
import { reportUncaught } from '../../transports/uncaught.ts'
import { atExit, LEAVE_MS, notAtExit } from './exit.ts'
import { equal_to, type Key, keyOfId } from './keys.ts'
import { Mailboxes } from './mailboxes.ts'
import { Arrived, bodyOf, prefixOf } from './message.ts'
import { Outbox, type Outgoing } from './outbox.ts'
import { type Answer, left, type OnMessage, Party, remoteOfPlace } from './party.ts'
import { addressOf, type From, LocalNode, type Remote, remoteOf } from './places.ts'
import { MAILBOX, type MailboxRequest, MESSAGE, NOTHING, OPEN, TAKE, WAIT } from './types.ts'

/** It keeps trying to join, as the original does. */
const FOREVER_MS = 2 ** 31 - 1
/** When somebody should be told that nobody lets it in. */
const WARN_MS = 10_000
/** How long a process that was closed waits to join, for what it has sent. */
const JOIN_PATIENCE_MS = 10_000

/** One of our virtual nodes. */
interface Served {
  id: Id
  node: LocalNode
  /** What stands before the JSON of a message that it sends. */
  prefix: Buffer
}

export class Member extends Party {
  readonly node: ChordNode
  readonly #outbox: Outbox
  readonly #mailboxes = new Mailboxes()
  /** Empty until the ring has been joined. By id. */
  #served: Served[] = []
  #last: Served | undefined
  #host = ''
  #port = 0
  #isClosing = false
  readonly #ready = new Deferred<void>()

  constructor(options: NodeOptions, onMessage: OnMessage | undefined) {
    super(onMessage)
    this.node = createNode(options)
    this.#outbox = new Outbox({
      transmit: (message) => this.#transmit(message),
      answered: (sender, bytes) => this.#answered(sender, bytes),
    })
    this.node.handle(MESSAGE, (incoming) => this.#receive(incoming as Incoming<Arrived>))
    this.node.handle(MAILBOX, ({ body }) => this.#mailbox(body))
    void this.#start(options.join ?? [])
  }

  get last(): LocalNode | undefined {
    return this.#last?.node
  }

  shown(node: LocalNode): Remote {
    return { address: this.#host, port: this.#port, id: node.id }
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    const unref = () => this.node.unref()
    this.#outbox.whenIdle(unref)
    if (this.#last === undefined) setTimeout(unref, JOIN_PATIENCE_MS).unref()
    atExit(this.#leaveAtExit)
  }

  async leave(): Promise<void> {
    notAtExit(this.#leaveAtExit)
    this.#outbox.close(left())
    this.#mailboxes.stop()
    // Goodbyes take a moment, which the process has to be there for.
    await this.node.ref().leave({ timeoutMs: LEAVE_MS })
  }

  readonly #leaveAtExit = (): Promise<void> => this.leave()

  protected dispatch(
    sender: LocalNode | undefined,
    replyTo: LocalNode | Remote | undefined,
    to: Remote | undefined,
    key: Id | undefined,
    json: string,
  ): void {
    this.#outbox.put(sender, replyTo, to, key, json)
  }

  async #start(join: readonly string[]): Promise<void> {
    const timer = setTimeout(() => {
      process.emitWarning(new ChordError('ERR_JOIN_TIMEOUT', `${join.join(', ')} has not let us in yet; trying on`))
    }, WARN_MS).unref()
    try {
      // What ends it later is told there, too.
      void this.node.closed.then((error) => this.#ended(error))
      await this.node.start({ timeoutMs: FOREVER_MS })
      this.#joined()
    } catch (error) {
      if (!(error instanceof ChordError)) reportUncaught(error)
    } finally {
      clearTimeout(timer)
    }
  }

  #joined(): void {
    const { address, port } = remoteOf(this.node.address)
    this.#host = address
    this.#port = port
    const served = this.node.members.map(({ id }): Served => {
      const node = new LocalNode(keyOfId(id), this)
      return { id, node, prefix: prefixOf(this.shown(node), true) }
    })
    this.#last = served.at(-1)
    this.#served = served.sort((a, b) => a.id.compare(b.id))
    this.#outbox.open()
    this.#ready.resolve()
  }

  /** As with the original, a port that is taken ends the process, unless it is told otherwise. */
  #ended(error: ChordError | undefined): void {
    this.#outbox.close(left())
    this.#mailboxes.stop()
    if (error !== undefined) reportUncaught(error)
  }

  // Messages that go out.

  #transmit(message: Outgoing): void {
    message.sender ??= this.last
    const { sender, replyTo, to, key } = message
    if (to === undefined && key === undefined) return this.#toOurselves(message)
    const isPlain = replyTo === undefined && to === undefined
    const prefix = isPlain ? this.#prefixOf(sender!) : this.#prefixFor(sender!, replyTo, to, key)
    const body = bodyOf(prefix, message.json)
    if (to === undefined) this.node.request(key!, MESSAGE, body, WAIT, message.done)
    else this.node.requestTo(addressOf(to), MESSAGE, body, WAIT, message.done)
  }

  #toOurselves(message: Outgoing): void {
    this.deliverLater(this.last!, message.replyTo ?? message.sender!, message.json)
    queueMicrotask(() => message.done({ ok: true, value: NOTHING }))
  }

  #prefixOf(node: LocalNode): Buffer {
    if (this.#last!.node === node) return this.#last!.prefix
    return this.#served.find((one) => one.node === node)!.prefix
  }

  /** `key` is for the receiver to route by, if the message goes to somebody first. */
  #prefixFor(
    sender: LocalNode,
    replyTo: LocalNode | Remote | undefined,
    to: Remote | undefined,
    key: Id | undefined,
  ): Buffer {
    const from = remoteOfPlace(replyTo ?? sender)
    const isOurs = replyTo === undefined || replyTo === sender
    return to === undefined
      ? prefixOf(from, isOurs)
      : prefixOf(from, isOurs, key === undefined ? to.id : undefined, key)
  }

  #answered(sender: LocalNode | undefined, bytes: Uint8Array): void {
    if (!this.listens) return
    const arrived = new Arrived(bytes)
    this.deliver(sender!, this.#known(arrived.from), arrived.message(), undefined)
  }

  // Messages that come in.

  #receive(incoming: Incoming<Arrived>): Uint8Array | Promise<Uint8Array> {
    // By its address, a node can be found before it is in the ring.
    if (this.#last === undefined) return this.#ready.promise.then(() => this.#receive(incoming))
    const { body, key } = incoming
    if (body.key !== undefined) return this.#route(body.key, body)
    const node = this.#receiver(body.to, key)
    if (node === undefined) {
      this.#mailboxes.put(body.to!, body.bytes)
      return NOTHING
    }
    if (!this.listens) return NOTHING
    const from = this.#known(body.from)
    // Between ours, replies go straight, and no answer may come after those that were said later.
    const outbox = body.takesAnswer && !(from instanceof LocalNode) ? this.#outbox : undefined
    const answer = this.deliver(node, from, body.message(), outbox)
    return answer === undefined ? NOTHING : this.#bodyOfAnswer(node, answer)
  }

  #receiver(to: Key | undefined, key: Id | undefined): LocalNode | undefined {
    if (to !== undefined) return this.#served.find(({ node }) => equal_to(node.id, to))?.node
    if (key === undefined || this.#served.length === 1) return this.#last!.node
    return (this.#served.find(({ id }) => id.compare(key) >= 0) ?? this.#served[0]!).node
  }

  #bodyOfAnswer(node: LocalNode, { json, replyTo }: Answer): Uint8Array {
    const prefix = replyTo === undefined ? this.#prefixOf(node) : prefixOf(remoteOfPlace(replyTo), false)
    return bodyOf(prefix, json)
  }

  /** Somebody who is perhaps in no ring, or in another, wants it to go to the owner of a key in ours. */
  #route(key: Id, arrived: Arrived): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.node.request(key, MESSAGE, arrived.routed(), WAIT, (result) => resolve(result.ok ? result.value : NOTHING))
    })
  }

  /** Ours are shown as what they are. */
  #known(from: Remote): From {
    if (from.port !== this.#port || from.address !== this.#host || from.id === undefined) return from as From
    const { id } = from
    return this.#served.find(({ node }) => equal_to(node.id, id))?.node ?? (from as From)
  }

  #mailbox({ action, client }: MailboxRequest): Uint8Array | Promise<Uint8Array> {
    if (action === TAKE) return this.#mailboxes.take(client)
    if (action !== OPEN) throw new ChordError('ERR_BAD_BODY', 'no such request of a mailbox')
    this.#mailboxes.open(client)
    return Buffer.from(this.node.address)
  }
}
