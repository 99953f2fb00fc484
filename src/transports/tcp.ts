/** The portable twin of the native endpoint, over node:net. */
import { createServer, isIP, type Server, Socket } from 'node:net'
import { ChordError } from '../core/errors.ts'
import { FRAME_FAULTS, type FrameFault, type Ring } from '../wire/framing.ts'
import { CLASS_APPLICATION } from '../wire/layout.ts'
import { countBatch, countOpen, countQueued, snapshot, zeroCounters } from './counters.ts'
import { zeroReasons } from './reasons.ts'
import { TcpLink } from './tcp-link.ts'
import { aheadOf, hasRoomAgain, laneMark, TransmitRuns } from './transmit.ts'
import type {
  CloseReason,
  FrameRing,
  Lane,
  Link,
  Transport,
  TransportCounters,
  TransportHandler,
  TransportOptions,
} from './transport.ts'
import { isolated, reportUncaught } from './uncaught.ts'

/** A batch is delivered early once it has so many bytes. */
const BATCH_BYTES = 1 << 20
/** Memory for frames that have not come whole, over all links. */
const TAIL_BYTES_MAX = 16 << 20

export interface TcpOptions extends TransportOptions {
  /** Memory for frames that have not come whole, over all links. Default 16 MiB. */
  tailBytes?: number
}

type Event =
  | { readonly type: 'opened' | 'drained'; readonly link: TcpLink }
  | { readonly type: 'data'; readonly link: TcpLink; readonly chunk: Uint8Array }
  | { readonly type: 'closed'; readonly link: TcpLink; readonly reason: CloseReason }

/** Makes the portable transport. Nothing is opened before `listen` or `dial`. */
export function createTcpTransport(options: TcpOptions): Transport {
  return new TcpTransport(options)
}

class TcpTransport implements Transport {
  readonly kind = 'tcp'
  readonly #handler: TransportHandler
  readonly #options: TcpOptions
  readonly #runs = new TransmitRuns<TcpLink>()
  /** Those whose `closed` is still to come. */
  readonly #links = new Set<TcpLink>()
  /** Those with a descriptor. */
  readonly #sockets = new Set<Socket>()
  /** Links with a partial frame, the one that has waited longest for a byte first. */
  readonly #tails = new Set<TcpLink>()
  readonly #reasons = zeroReasons()
  readonly #counters = zeroCounters()
  #server: Server | undefined
  #events: Event[] = []
  #eventBytes = 0
  #wakeUp: NodeJS.Immediate | undefined
  #flushAtEnd = false
  /** A batch was delivered in this turn. */
  #afterBatch = false
  #tailBytes = 0
  #acceptedOpen = 0
  #referenced = true
  #destroyed: Promise<void> | undefined
  /** What `frame` of a link, called by its splitter, hands on to. */
  readonly #deliver = (link: TcpLink, ring: Ring, offset: number, length: number): boolean => {
    this.#counters.framesIn++
    try {
      this.#handler.frame(link, ring, offset, length)
    } catch (error) {
      reportUncaught(error)
    }
    return link.open && this.#destroyed === undefined
  }

  constructor(options: TcpOptions) {
    this.#options = options
    this.#handler = options.handler
  }

  get tx(): FrameRing {
    return this.#runs.ring
  }

  listen(host: string, port: number): Promise<{ host: string; port: number }> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, host, port)))
      server.listen({ host, port, backlog: 1024 }, () => {
        const bound = server.address()
        if (this.#destroyed !== undefined || bound === null || typeof bound === 'string') {
          server.close()
          return reject(new ChordError('ERR_LISTEN', `cannot listen on ${host}:${port}: closed meanwhile`))
        }
        // A descriptor that cannot be accepted is no reason to stop listening.
        server.on('error', () => {
          this.#counters.acceptPauses++
        })
        this.#server = server
        if (!this.#referenced) server.unref()
        resolve({ host: bound.address, port: bound.port })
      })
    })
  }

  unlisten(): void {
    this.#server?.close()
    this.#server = undefined
  }

  dial(host: string, port: number): Link {
    const socket = new Socket()
    const link = this.#adopt(socket, true, host, port)
    this.#counters.dialed++
    if (isIP(host) === 0 || port < 1 || port > 65_535 || this.#destroyed !== undefined) {
      this.#close(link, 'unreachable')
      return link
    }
    socket.once('connect', () => {
      link.connected = true
      if (!this.#referenced) socket.unref()
      this.#push({ type: 'opened', link })
    })
    socket.connect({ host, port, noDelay: true })
    return link
  }

  reserve(link: Link, bytes: number, lane: Lane, trafficClass: number = CLASS_APPLICATION): number {
    const own = link as TcpLink
    if (!own.open) return -1
    const mark = laneMark(lane, this.#options.outputBytes)
    // What was committed this turn has not been offered to the kernel yet.
    if (aheadOf(own, trafficClass) >= mark) this.flush()
    if (aheadOf(own, trafficClass) >= mark) {
      own.refused |= 1 << trafficClass
      this.#counters.refusals++
      return -1
    }
    const offset = this.#runs.reserve(bytes)
    if (offset >= 0) return offset
    this.flush()
    return this.#runs.reserve(bytes)
  }

  commit(link: Link, offset: number, bytes: number): void {
    this.#runs.commit(link as TcpLink, offset, bytes)
    this.#counters.framesOut++
    this.#flushSoon()
  }

  flush(): void {
    for (const link of this.#runs.take()) {
      const bytes = link.write()
      if (bytes === 0) continue
      this.#counters.writes++
      this.#counters.bytesOut += bytes
      this.#countQueued(link)
      if (link.waitingBytes > 0) this.#counters.writesPartial++
    }
  }

  close(link: Link, now = false): void {
    const own = link as TcpLink
    own.open = false
    own.closing = true
    this.#holdTail(own, 0)
    if (now) {
      own.socket.destroy()
      this.#close(own, 'local')
      return
    }
    this.flush()
    own.endThen(() => this.#close(own, 'local'))
  }

  counters(): TransportCounters {
    this.#counters.tailBytes = this.#tailBytes
    return snapshot(this.#counters)
  }

  closeReasons(): Readonly<Record<CloseReason, number>> {
    return this.#reasons
  }

  ref(): void {
    this.#referenced = true
    this.#server?.ref()
    for (const link of this.#links) link.socket.ref()
  }

  unref(): void {
    this.#referenced = false
    this.#server?.unref()
    for (const link of this.#links) link.socket.unref()
  }

  destroy(): Promise<void> {
    this.#destroyed ??= this.#destroy()
    return this.#destroyed
  }

  async #destroy(): Promise<void> {
    clearImmediate(this.#wakeUp)
    this.#events = []
    const closed: Promise<unknown>[] = []
    if (this.#server !== undefined) closed.push(new Promise((resolve) => this.#server?.close(resolve)))
    for (const link of this.#links) link.open = false
    this.#links.clear()
    countOpen(this.#counters, 0)
    this.#counters.queuedBytes = 0
    this.#tailBytes = 0
    for (const socket of this.#sockets) {
      closed.push(new Promise((resolve) => socket.once('close', resolve)))
      socket.ref().destroy()
    }
    await Promise.all(closed)
  }

  #accept(socket: Socket): void {
    if (this.#acceptedOpen >= this.#options.connections || this.#destroyed !== undefined) {
      this.#reasons.connections++
      socket.destroy()
      return
    }
    // Gone again already.
    if (socket.remoteAddress === undefined) return void socket.destroy()
    this.#acceptedOpen++
    this.#counters.accepted++
    if (!this.#referenced) socket.unref()
    const link = this.#adopt(socket, false, numericHost(socket.remoteAddress), socket.remotePort ?? 0)
    this.#push({ type: 'opened', link })
  }

  #adopt(socket: Socket, dialed: boolean, host: string, port: number): TcpLink {
    const { outputBytes } = this.#options
    const link = new TcpLink(socket, dialed, host, port, outputBytes, this.#deliver, () => this.#written(link))
    link.connected = !dialed
    this.#links.add(link)
    countOpen(this.#counters, this.#links.size)
    this.#sockets.add(socket)
    socket.on('data', (chunk: Buffer) => this.#received(link, chunk))
    socket.on('end', () => link.closing || this.#close(link, 'ended'))
    socket.on('error', (error) => this.#close(link, errorReason(error, link)))
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#countQueued(link)
      this.#close(link, link.connected ? 'reset' : 'unreachable')
    })
    return link
  }

  #received(link: TcpLink, chunk: Buffer): void {
    if (!link.open) return
    this.#counters.reads++
    this.#counters.bytesIn += chunk.length
    this.#eventBytes += chunk.length
    this.#push({ type: 'data', link, chunk })
    if (this.#eventBytes >= BATCH_BYTES) this.#deliverBatch()
  }

  /** The link's one end. `closed` is delivered after everything that came before it. */
  #close(link: TcpLink, reason: CloseReason): void {
    if (!this.#links.delete(link)) return
    countOpen(this.#counters, this.#links.size)
    const told = link.closing ? 'local' : reason
    this.#reasons[told]++
    if (!link.dialed) this.#acceptedOpen--
    this.#push({ type: 'closed', link, reason: told })
  }

  /** Bytes that are no frames, or too many of them: nothing more is taken from this link. */
  #refuse(link: TcpLink, reason: CloseReason): void {
    link.open = false
    this.#holdTail(link, 0)
    this.#close(link, reason)
  }

  /** What node:net keeps of a link's output until the kernel takes it. */
  #countQueued(link: TcpLink): void {
    if (this.#destroyed !== undefined) return
    const waiting = link.socket.destroyed ? 0 : link.waiting.size + link.handedBytes
    countQueued(this.#counters, waiting - link.waitingBytes)
    link.waitingBytes = waiting
  }

  /** The kernel has taken what the socket had. */
  #written(link: TcpLink): void {
    link.pump()
    this.#countQueued(link)
    if (link.refused === 0 || !link.open || !hasRoomAgain(link, this.#options.outputBytes)) return
    this.#push({ type: 'drained', link })
  }

  #flushSoon(): void {
    if (this.#flushAtEnd) return
    this.#flushAtEnd = true
    // A tick set by a microtask runs when all microtasks have: the replies of async handlers leave with the others.
    queueMicrotask(() => process.nextTick(this.#endOfTurn))
  }

  readonly #endOfTurn = () => {
    if (this.#afterBatch && !this.#runs.isEmpty) this.#counters.flushes++
    this.#flushAtEnd = false
    this.#afterBatch = false
    this.flush()
  }

  #push(event: Event): void {
    if (this.#destroyed !== undefined) return
    this.#events.push(event)
    // Right after the poll phase: what all links received in it is one batch.
    this.#wakeUp ??= setImmediate(() => this.#deliverBatch())
  }

  #deliverBatch(): void {
    clearImmediate(this.#wakeUp)
    this.#wakeUp = undefined
    const events = this.#events
    this.#events = []
    this.#eventBytes = 0
    this.#counters.wakeups++
    this.#counters.batches++
    this.#afterBatch = true
    this.#flushSoon()
    const before = this.#counters.framesIn
    for (const event of events) {
      if (this.#destroyed !== undefined) return
      this.#deliverEvent(event)
    }
    countBatch(this.#counters, this.#counters.framesIn - before)
    if (this.#destroyed === undefined) isolated(() => this.#handler.batchEnd())
  }

  #deliverEvent(event: Event): void {
    const { link } = event
    switch (event.type) {
      case 'opened':
        if (link.open) isolated(() => this.#handler.opened(link))
        return
      case 'data':
        if (link.open) this.#split(link, event.chunk)
        return
      case 'drained':
        if (link.open) isolated(() => this.#handler.drained(link))
        return
      case 'closed':
        link.open = false
        this.#holdTail(link, 0)
        link.release(event.reason)
        isolated(() => this.#handler.closed(link, event.reason))
        return
      default:
        event satisfies never
    }
  }

  #split(link: TcpLink, chunk: Uint8Array): void {
    const { splitter } = link
    const copied = splitter.bytesCopied
    const fault = splitter.push(chunk, link)
    this.#counters.tailBytesCopied += splitter.bytesCopied - copied
    if (!link.open) return
    if (fault < 0) {
      this.#refuse(link, FRAME_FAULTS[-fault] as FrameFault)
      return
    }
    this.#holdTail(link, splitter.tailBytes)
    for (const slowest of this.#tails) {
      if (this.#tailBytes <= (this.#options.tailBytes ?? TAIL_BYTES_MAX)) return
      this.#refuse(slowest, 'memory')
    }
  }

  #holdTail(link: TcpLink, bytes: number): void {
    this.#tailBytes += bytes - link.tailBytes
    link.tailBytes = bytes
    this.#tails.delete(link)
    if (bytes > 0) this.#tails.add(link)
  }
}

/** A dual-stack listener names IPv4 peers `::ffff:1.2.3.4`. */
function numericHost(host: string): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): ChordError {
  const where = `${host}:${port}`
  return error.code === 'EADDRINUSE'
    ? new ChordError('ERR_ADDRESS_IN_USE', `cannot listen on ${where}: the port is taken`, { cause: error })
    : new ChordError('ERR_LISTEN', `cannot listen on ${where}: ${error.message}`, { cause: error })
}

function errorReason(error: NodeJS.ErrnoException, link: TcpLink): CloseReason {
  if (link.connected) return 'reset'
  return error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable'
}
