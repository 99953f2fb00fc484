/** All streams of a node or client: over which connection each goes, who handles those that others open, how they end. */
import type { ByteStream, Clock, Limits, Member, Owner, Peer, StreamHandler, StreamOptions, Wait } from '../../api.ts'
import type { ChordNode } from '../../core/chord-node.ts'
import { assert, ChordError } from '../../core/errors.ts'
import type { Id } from '../../core/id.ts'
import { FAIL_NO_HANDLER, FAIL_NOT_MEMBER, FAIL_UNSETTLED } from '../../wire/answers.ts'
import { type FrameMemory, readMethodHigh, readMethodLow, readVnode } from '../../wire/frames.ts'
import { type Opening, readStreamTarget, type StreamFrame } from '../../wire/streams.ts'
import type { Links } from '../links.ts'
import type { Down, Session } from '../session.ts'
import { ChannelStream } from './byte-stream.ts'
import { Carrier } from './carrier.ts'
import type { Channel } from './channel.ts'
import { Connecting } from './connecting.ts'
import { Info, runHandler, StreamHandlers } from './handlers.ts'
import { type OpeningPort, StreamOpening, type StreamTarget } from './opening.ts'
import { StreamShare } from './share.ts'
import { OwnWire, SessionWire } from './wires.ts'

export interface StreamsOptions {
  links: () => Links
  clock: Clock
  limits: Limits
  /** Calls later, but not in this turn. */
  defer(fn: () => void): void
  /** What connections for streams are kept as. */
  purpose: 'routing' | 'reply'
  /** Absent: a client, which takes no streams. */
  ring: { cores(): readonly ChordNode[]; member(index: number): Member; isOurs(address: string): boolean } | undefined
  /** Why none can be opened now. */
  refusal(): ChordError | undefined
  lookup(key: Id, wait: Wait): Promise<Owner>
  known(key: Id): Owner | undefined
}

/** What leaving keeps of its time to tell the other sides. */
const LEAVE_MS = 500

/** Which member a stream is for; or why there is none. */
type Found = { readonly index: number; readonly key: Id | undefined } | { readonly code: number; readonly why: string }

export class Streams {
  readonly handlers = new StreamHandlers()
  readonly stats = { opened: 0, accepted: 0, refused: 0, reset: 0, lost: 0 }
  readonly #o: StreamsOptions
  readonly #share: StreamShare
  readonly #connecting: Connecting
  readonly #carriers = new Map<Session, Carrier>()
  readonly #open = new Set<ChannelStream>()
  readonly #openings = new Set<StreamOpening>()
  /** Of streams that are over. */
  #sentBytes = 0
  #receivedBytes = 0
  #own: { readonly opener: Carrier; readonly acceptor: Carrier } | undefined
  readonly #ending = new AbortController()
  readonly #port: OpeningPort
  #whenIdle: (() => void)[] = []

  constructor(o: StreamsOptions) {
    this.#o = o
    this.#share = new StreamShare(o.limits)
    this.#connecting = new Connecting(o)
    this.#port = {
      clock: o.clock,
      lookup: (key, timeoutMs) => o.lookup(key, { timeoutMs }),
      known: (key) => o.known(key),
      carrier: (address, over) => this.#carrier(address, over),
      start: (carrier, opening, peer) => this.#start(carrier, opening, peer),
    }
  }

  handle(name: string, fn: StreamHandler): Disposable {
    return this.handlers.handle(name, fn)
  }

  /** Errors: see `Caller.openStream`. */
  async open(to: StreamTarget, name: string, o: StreamOptions | undefined): Promise<ByteStream> {
    const refusal = this.#o.refusal()
    if (refusal !== undefined) throw refusal
    const opening = new StreamOpening(this.#port, to, name, o)
    this.#openings.add(opening)
    try {
      const stream = await opening.run()
      this.stats.opened++
      return stream
    } finally {
      this.#openings.delete(opening)
    }
  }

  metrics() {
    let sentBytes = this.#sentBytes
    let receivedBytes = this.#receivedBytes
    for (const { channel } of this.#open) {
      sentBytes += channel.sentBytes
      receivedBytes += channel.receivedBytes
    }
    const { open, windowBytes } = this.#share
    return { open, ...this.stats, sentBytes, receivedBytes, windowBytes }
  }

  // From the connections.

  frame(session: Session, m: FrameMemory, at: number, length: number): void {
    const fault = this.#over(session).receive(m, at, length)
    if (fault !== undefined) this.#o.links().refuse(session, fault)
  }

  sessionUp(): void {
    this.#connecting.sessionUp()
  }

  sessionDown(down: Down): void {
    this.#connecting.sessionDown(down)
    const carrier = down.session === undefined ? undefined : this.#carriers.get(down.session)
    if (carrier === undefined) return
    this.#carriers.delete(down.session!)
    carrier.lose()
    for (const stream of [...this.#open]) if (stream.carrier === carrier) stream.abandon()
  }

  drained(session: Session): void {
    this.#carriers.get(session)?.drained()
  }

  // Ending.

  /** Takes no more; resolves when all have ended and are read. Shortly before the deadline the others are given up. */
  async leave(timeoutMs: number): Promise<void> {
    const patienceMs = timeoutMs - Math.min(LEAVE_MS, timeoutMs / 10)
    this.#ending.abort(new ChordError('ERR_CLOSED', 'the node leaves'))
    const timer = this.#o.clock.setTimer(patienceMs, () => {
      this.#destroyAll(new ChordError('ERR_CLOSED', 'the node has left'))
    })
    if (this.#share.open > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
    timer[Symbol.dispose]()
  }

  /** At once, and without a word to the other sides: they lose the connection. */
  close(error: ChordError): void {
    this.#ending.abort(error)
    this.#connecting.stop()
    for (const opening of this.#openings) opening.cut(error)
    for (const carrier of this.#carriers.values()) carrier.stop()
    this.#own?.opener.stop()
    this.#own?.acceptor.stop()
    this.#carriers.clear()
    this.#destroyAll(error)
  }

  /** What has ended and is not read yet can be read still. */
  #destroyAll(error: ChordError): void {
    for (const stream of [...this.#open]) if (!stream.channel.isClosed) stream.destroy(error)
  }

  async #carrier(address: string, over: Promise<unknown>): Promise<{ carrier: Carrier; first: Peer }> {
    const session = this.#o.ring?.isOurs(address) ? 'self' : await this.#connecting.session(address, over)
    if (session === 'self') return { carrier: this.#ourselves().opener, first: this.#member(0) }
    return { carrier: this.#over(session), first: session.peers[0]! }
  }

  #start(carrier: Carrier, opening: Opening, peer: Peer): ChannelStream | undefined {
    const channel = carrier.mux.open(opening)
    if (channel === undefined) return undefined
    const stream = this.#stream(carrier, channel, peer)
    carrier.pump()
    return stream
  }

  #stream(carrier: Carrier, channel: Channel, peer: Peer): ChannelStream {
    const stream = new ChannelStream(carrier, channel, peer, this.stats)
    this.#open.add(stream)
    return stream
  }

  #over(session: Session): Carrier {
    let carrier = this.#carriers.get(session)
    if (carrier === undefined) {
      const wire = new SessionWire(this.#o.links, session)
      const resized = (streams: number) => {
        session.streams = streams
      }
      carrier = this.#newCarrier(wire, session, resized)
      this.#carriers.set(session, carrier)
    }
    return carrier
  }

  #newCarrier(wire: SessionWire | OwnWire, session: Session | undefined, resized?: (streams: number) => void): Carrier {
    const { clock, defer } = this.#o
    return new Carrier({
      wire,
      share: this.#share,
      clock,
      defer,
      incoming: (carrier, channel, frame) => this.#incoming(carrier, session, channel, frame),
      refused: () => {
        this.stats.refused++
      },
      freed: (channel) => this.#freed(channel),
      ...(resized === undefined ? {} : { resized }),
    })
  }

  /** Both ends are here; they differ in nothing else. */
  #ourselves(): { readonly opener: Carrier; readonly acceptor: Carrier } {
    if (this.#own === undefined) {
      const arrive = (at: () => Carrier) => (m: FrameMemory, length: number) => {
        const fault = at().receive(m, 0, length)
        assert(fault === undefined, `our own stream is faulty: ${fault}`)
      }
      const opener: Carrier = this.#newCarrier(
        new OwnWire(
          this.#o.defer,
          arrive(() => acceptor),
        ),
        undefined,
      )
      const acceptor: Carrier = this.#newCarrier(
        new OwnWire(
          this.#o.defer,
          arrive(() => opener),
        ),
        undefined,
      )
      this.#own = { opener, acceptor }
    }
    return this.#own
  }

  // Streams that others open.

  #incoming(carrier: Carrier, session: Session | undefined, channel: Channel, frame: StreamFrame): void {
    const { m, at, start, end } = frame
    const found = this.#find(frame)
    if ('code' in found) return this.#refuse(channel, found.code, found.why)
    const handler = this.handlers.find(readMethodLow(m, at), readMethodHigh(m, at))
    if (handler === undefined) return this.#refuse(channel, FAIL_NO_HANDLER, 'the receiver handles no such stream')
    const member = this.#member(found.index)
    const from = session === undefined ? this.#member(0) : (session.peers[readVnode(m, at)] ?? session.peers[0]!)
    this.stats.accepted++
    channel.accept()
    channel.holders++
    const stream = this.#stream(carrier, channel, from)
    const info = new Info(stream, m.bytes.slice(start, end), found.key, member, this.#ending.signal)
    runHandler(handler, stream, info, () => carrier.mux.release(channel))
  }

  #find(frame: StreamFrame): Found {
    const cores = this.#o.ring?.cores()
    if (cores === undefined) return { code: FAIL_NOT_MEMBER, why: 'a client takes no streams' }
    const target = readStreamTarget(frame)
    const isEnding = this.#ending.signal.aborted
    if (target?.isKey === true) {
      const index = isEnding ? -1 : cores.findIndex((core) => core.owns(target.id))
      if (index >= 0) return { index, key: target.id }
      return { code: FAIL_UNSETTLED, why: 'the receiver does not own the key' }
    }
    if (isEnding) return { code: FAIL_NOT_MEMBER, why: 'the receiver leaves' }
    if (target === undefined) return { index: 0, key: undefined }
    const { id, incarnation } = target
    const index = cores.findIndex(({ self }) => self.incarnation === incarnation && self.id.equals(id))
    if (index >= 0) return { index, key: undefined }
    return { code: FAIL_NOT_MEMBER, why: 'no such member here: it has left or been restarted' }
  }

  #member(index: number): Member {
    assert(this.#o.ring !== undefined, 'only members get here')
    return this.#o.ring.member(index)
  }

  #refuse(channel: Channel, code: number, why: string): void {
    this.stats.refused++
    channel.reset(code, why)
  }

  #freed(channel: Channel): void {
    this.#sentBytes += channel.sentBytes
    this.#receivedBytes += channel.receivedBytes
    if (channel.user !== undefined) this.#open.delete(channel.user as ChannelStream)
    if (this.#share.open > 0) return
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }
}
