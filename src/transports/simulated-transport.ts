/** One host's transport on a simulated network. Everything it does is an event of the network's clock. */
import { isIP } from 'node:net'
import type { Clock } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { FRAME_FAULTS, type FrameFault, type Ring } from '../wire/framing.ts'
import { CLASS_APPLICATION } from '../wire/layout.ts'
import { countBatch, countOpen, countQueued, snapshot, zeroCounters } from './counters.ts'
import { zeroReasons } from './reasons.ts'
import type { SimulatedNetwork } from './simulated.ts'
import { type Segment, SimulatedLink } from './simulated-link.ts'
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
import { isolated } from './uncaught.ts'

type Event =
  | { readonly type: 'opened' | 'drained'; readonly link: SimulatedLink }
  | { readonly type: 'data'; readonly link: SimulatedLink; readonly bytes: Uint8Array }
  | { readonly type: 'closed'; readonly link: SimulatedLink; readonly reason: CloseReason }

export class SimulatedTransport implements Transport {
  readonly kind = 'simulated'
  readonly network: SimulatedNetwork
  readonly host: string
  /** Its process was killed or its transport destroyed: it does nothing any more. */
  dead = false
  /** Dead without a word: what arrives is neither taken nor answered. */
  silent = false
  /** Takes nothing but what has the lane of control, as if every queue were full. */
  choked = false
  readonly #handler: TransportHandler
  readonly #options: TransportOptions
  readonly #clock: Clock
  readonly #runs = new TransmitRuns<SimulatedLink>()
  readonly #links = new Set<SimulatedLink>()
  readonly #reasons = zeroReasons()
  readonly #counters = zeroCounters()
  #events: Event[] = []
  #wakeUp = false
  #flushAtEnd = false
  /** When a batch was delivered last, if no flush has followed it. */
  #batchMs: number | undefined

  constructor(network: SimulatedNetwork, host: string, options: TransportOptions, clock: Clock) {
    this.network = network
    this.host = host
    this.#options = options
    this.#clock = clock
    this.#handler = options.handler
  }

  get tx(): FrameRing {
    return this.#runs.ring
  }

  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    if (this.dead) throw new ChordError('ERR_LISTEN', `cannot listen on ${host}:${port}: closed`)
    // A wildcard is this host; it has no other address.
    const bound = this.network.bind(this, host === '0.0.0.0' || host === '::' ? this.host : host, port)
    return { host, port: bound }
  }

  unlisten(): void {
    this.network.unbind(this)
  }

  dial(host: string, port: number): Link {
    const link = new SimulatedLink(this, true, host, port)
    this.#add(link)
    this.#counters.dialed++
    if (isIP(host) === 0 || port < 1 || port > 65_535) this.end(link, 'unreachable')
    else this.#after(host, () => this.#knock(link))
    return link
  }

  reserve(link: Link, bytes: number, lane: Lane, trafficClass: number = CLASS_APPLICATION): number {
    const own = link as SimulatedLink
    if (!own.open || this.dead || (this.choked && lane !== 'control')) return -1
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
    this.#runs.commit(link as SimulatedLink, offset, bytes)
    this.#counters.framesOut++
    if (this.#flushAtEnd) return
    this.#flushAtEnd = true
    this.#clock.setTimer(0, () => {
      if (this.#batchMs === this.network.clock.nowMs() && !this.#runs.isEmpty) {
        this.#counters.flushes++
        this.#batchMs = undefined
      }
      this.#flushAtEnd = false
      this.flush()
    })
  }

  flush(): void {
    for (const link of this.#runs.take()) {
      this.#counters.writes++
      this.#counters.bytesOut += link.output!.length
      link.send(link.output!)
      link.output = undefined
      this.#countQueued(link, link.waiting.size)
      if (link.countedBytes > 0) this.#counters.writesPartial++
    }
  }

  close(link: Link, now = false): void {
    const own = link as SimulatedLink
    this.flush()
    own.open = false
    if (own.closing && !now) return
    own.closing = true
    if (now) own.reset()
    else own.endAtLast()
  }

  counters(): TransportCounters {
    return snapshot(this.#counters)
  }

  closeReasons(): Readonly<Record<CloseReason, number>> {
    return this.#reasons
  }

  ref(): void {}

  unref(): void {}

  async destroy(): Promise<void> {
    if (!this.dead) this.die(false, 'end')
  }

  /** As a killed process: its links are reset, or nothing at all is heard of it. */
  die(silent: boolean, farewell: 'reset' | 'end' = 'reset'): void {
    this.dead = true
    this.silent = silent
    this.#events = []
    if (!silent) this.network.unbind(this)
    for (const link of this.#links) {
      link.open = false
      if (!silent) link.abandon({ type: farewell })
    }
    this.#links.clear()
    countOpen(this.#counters, 0)
    this.#counters.queuedBytes = 0
  }

  /** The network broke what connects it with another host. */
  sever(host: string): void {
    for (const link of [...this.#links]) {
      if (!link.isTo(host)) continue
      const { other } = link
      link.sever()
      other?.sever()
    }
  }

  /** What has come over the network for a link of ours. */
  receive(link: SimulatedLink, segment: Segment): void {
    switch (segment.type) {
      case 'data': {
        // Closed here, and the other end has not heard of it: now it does.
        if (!this.#links.has(link)) return link.bounce()
        const from = link.other?.transport.host ?? link.remoteHost
        const bytes = this.network.paths.carry(from, this.host, segment.bytes)
        this.network.onBytes?.(from, this.host, bytes)
        this.#counters.reads++
        this.#counters.bytesIn += bytes.length
        this.#push({ type: 'data', link, bytes })
        return
      }
      case 'end':
        if (!link.closing) this.end(link, 'ended')
        return
      case 'reset':
        this.end(link, 'reset')
        return
      default:
        segment satisfies never
    }
  }

  /** The link's one end; delivered after everything that came before. */
  end(link: SimulatedLink, reason: CloseReason): void {
    if (!this.#links.delete(link)) return
    countOpen(this.#counters, this.#links.size)
    this.#countQueued(link, 0)
    const told = link.closing ? 'local' : reason
    this.#reasons[told]++
    this.#push({ type: 'closed', link, reason: told })
  }

  roomAgain(link: SimulatedLink): void {
    this.#countQueued(link, link.waiting.size)
    if (link.refused === 0 || !link.open || !hasRoomAgain(link, this.#options.outputBytes)) return
    this.#push({ type: 'drained', link })
  }

  /** The first packet of a dial has travelled. */
  #knock(link: SimulatedLink): void {
    if (this.dead || !this.#links.has(link)) return
    const { network } = this
    const { remoteHost } = link
    const there = network.listener(remoteHost, link.remotePort)
    // What opens a connection goes there and back.
    const passages = [network.paths.passage(this.host, remoteHost), network.paths.passage(remoteHost, this.host)]
    if (passages.includes('clogged')) return network.whenResumed(() => this.#knock(link))
    if (there?.silent === true || passages.includes('cut')) {
      network.clock.setTimer(network.silenceMs, () => link.connected || this.end(link, 'unreachable'))
      return
    }
    if (there === undefined) {
      this.#after(remoteHost, () => this.end(link, 'refused'))
      return
    }
    const accepted = there.#accept(link, this.host)
    this.#after(remoteHost, () => {
      if (this.dead || !this.#links.has(link)) {
        // Nobody is there any more to take the connection.
        if (accepted !== undefined) this.#after(remoteHost, () => there.receive(accepted, { type: 'reset' }))
        return
      }
      link.connect(accepted)
      if (accepted === undefined) this.end(link, 'reset')
      else this.#push({ type: 'opened', link })
    })
  }

  #accept(dialer: SimulatedLink, host: string): SimulatedLink | undefined {
    let accepted = 0
    for (const link of this.#links) if (!link.dialed) accepted++
    if (accepted >= this.#options.connections) {
      this.#reasons.connections++
      return undefined
    }
    this.#counters.accepted++
    const link = new SimulatedLink(this, false, host, this.network.ephemeralPort())
    link.connect(dialer)
    this.#add(link)
    this.#push({ type: 'opened', link })
    return link
  }

  #add(link: SimulatedLink): void {
    this.#links.add(link)
    countOpen(this.#counters, this.#links.size)
  }

  /** The network's window is full: what is beyond it waits. */
  #countQueued(link: SimulatedLink, waiting: number): void {
    if (this.dead) return
    countQueued(this.#counters, waiting - link.countedBytes)
    link.countedBytes = waiting
  }

  #after(host: string, fn: () => void): void {
    const delayMs = this.network.paths.delayMs(this.host, host)
    this.network.clock.setTimer(delayMs, () => this.silent || fn())
  }

  #push(event: Event): void {
    if (this.dead) return
    this.#events.push(event)
    if (this.#wakeUp) return
    this.#wakeUp = true
    this.#clock.setTimer(0, () => this.#deliverBatch())
  }

  #deliverBatch(): void {
    this.#wakeUp = false
    if (this.dead) return
    const events = this.#events
    this.#events = []
    this.#counters.wakeups++
    this.#counters.batches++
    this.#batchMs = this.network.clock.nowMs()
    const before = this.#counters.framesIn
    for (const event of events) if (!this.dead) this.#deliverEvent(event)
    countBatch(this.#counters, this.#counters.framesIn - before)
    if (!this.dead) isolated(() => this.#handler.batchEnd())
  }

  #deliverEvent(event: Event): void {
    const { link } = event
    switch (event.type) {
      case 'opened':
        if (link.open) isolated(() => this.#handler.opened(link))
        return
      case 'data':
        if (link.open) this.#split(link, event.bytes)
        return
      case 'drained':
        if (link.open) isolated(() => this.#handler.drained(link))
        return
      case 'closed':
        link.open = false
        isolated(() => this.#handler.closed(link, event.reason))
        return
      default:
        event satisfies never
    }
  }

  #split(link: SimulatedLink, bytes: Uint8Array): void {
    const fault = link.splitter.push(bytes, {
      frame: (ring: Ring, offset: number, length: number) => {
        this.#counters.framesIn++
        isolated(() => this.#handler.frame(link, ring, offset, length))
        return link.open && !this.dead
      },
    })
    if (fault >= 0 || !link.open) return
    link.open = false
    link.abandon({ type: 'reset' })
    this.end(link, FRAME_FAULTS[-fault] as FrameFault)
  }
}
