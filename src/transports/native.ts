/** The transport over the native endpoint: reads its batches, writes its runs, and leaves sockets to C++. */
import { getSystemErrorName } from 'node:util'
import { markAsUntransferable } from 'node:worker_threads'
import { assert, ChordError } from '../core/errors.ts'
import * as M from '../native/layout.ts'
import { type Addon, type EndpointHandle, loadNative } from '../native/load.ts'
import * as L from '../wire/layout.ts'
import { FRAME_BYTES_MAX, padded } from '../wire/layout.ts'
import { NativeRouting, type PlacedLink } from './native-routing.ts'
import { zeroReasons } from './reasons.ts'
import { laneMark } from './transmit.ts'
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

export interface NativeOptions extends TransportOptions {
  /** Memory for frames that have not come whole, over all links. Default 16 MiB. */
  tailBytes?: number
  /** Fills borrowed memory with rubbish when it dies, so that tests notice who kept it. Default: `CHORDITE_POISON=1`. */
  poison?: boolean
}

const RING_BYTES = 1 << 20
const TAIL_BYTES_MAX = 16 << 20
/** Slots for links that we dial, besides those for accepted ones. */
const DIALED_MAX = 4096
const POISON = 0xdb
const INDEX_MASK = (1 << M.KIND_SHIFT) - 1
// For each frame. The compiler takes a module's own constants for constants, but not those that it imports.
const { CONTROL_RUNS, DESCRIPTOR_WORDS, RUN_WORDS, RUNS_MAX } = M
const { CLASS_APPLICATION } = L
const REASONS = Object.keys(zeroReasons()) as CloseReason[]

/** Makes the native transport. Errors: ERR_NATIVE_UNAVAILABLE where the addon does not load or descriptors are used up. */
export function createNativeTransport(options: NativeOptions): Transport {
  const native = loadNative()
  if (!native.ok) throw new ChordError('ERR_NATIVE_UNAVAILABLE', native.reason)
  try {
    return new NativeTransport(native.addon, options)
  } catch (cause) {
    throw new ChordError('ERR_NATIVE_UNAVAILABLE', `no endpoint can be opened: ${cause}`, { cause })
  }
}

class NativeLink implements PlacedLink {
  readonly dialed: boolean
  readonly remoteHost: string
  readonly remotePort: number
  readonly index: number
  readonly generation: number
  /** Index of our word of queued bytes. */
  readonly queuedAt: number
  open = true
  session: unknown = undefined
  readonly #words: Uint32Array
  /** Index of our first word. */
  readonly #at: number

  constructor(words: Uint32Array, index: number, dialed: boolean, host: string, port: number) {
    this.#words = words
    this.index = index
    this.#at = index * M.LINK_WORDS
    this.queuedAt = this.#at + M.LINK_QUEUED
    this.generation = words[index * M.LINK_WORDS + M.LINK_GENERATION] ?? 0
    this.dialed = dialed
    this.remoteHost = host
    this.remotePort = port
  }

  get queuedBytes(): number {
    return this.#word(M.LINK_QUEUED)
  }

  get passedIn(): number {
    return this.#word(M.LINK_PASSED_IN)
  }

  get passedOut(): number {
    return this.#word(M.LINK_PASSED_OUT)
  }

  routable(from: boolean, to: boolean): void {
    if (this.#word(M.LINK_GENERATION) !== this.generation) return
    this.#words[this.#at + M.LINK_ROUTE] = (from ? M.ROUTE_FROM : 0) | (to ? M.ROUTE_TO : 0)
  }

  /** Zero once the words are another link's. */
  #word(which: number): number {
    const isOurs = this.#words[this.#at + M.LINK_GENERATION] === this.generation
    return isOurs ? this.#words[this.#at + which]! : 0
  }
}

class NativeTransport implements Transport {
  readonly kind = 'native'
  readonly tx: FrameRing
  readonly routing: NativeRouting
  readonly #rx: FrameRing
  readonly #addon: Addon
  readonly #endpoint: EndpointHandle
  readonly #handler: TransportHandler
  readonly #control = new Uint32Array(M.CONTROL_WORDS)
  readonly #descriptors = new Uint32Array(M.DESCRIPTORS_MAX * DESCRIPTOR_WORDS)
  readonly #runs = new Uint32Array(RUNS_MAX * RUN_WORDS)
  readonly #words: Uint32Array
  readonly #counts = new Float64Array(M.COUNTERS)
  /** By index; what the generation of a descriptor does not match is not its link any more. */
  readonly #links: (NativeLink | undefined)[] = []
  readonly #poison: boolean
  readonly #outputBytes: number
  /** Where the next frame goes in `tx`, if any run is there; else at 0. */
  #head = 0
  /** Of the last run, and where its length stands. */
  #lastLink: NativeLink | undefined
  #lastBytesAt = 0
  #reserved = -1
  #framesOut = 0
  #inBatch = false
  #destroyed: Promise<void> | undefined

  constructor(addon: Addon, options: NativeOptions) {
    this.#addon = addon
    this.#handler = options.handler
    this.#outputBytes = options.outputBytes
    this.#poison = options.poison ?? process.env.CHORDITE_POISON === '1'
    this.#rx = ringOf(new ArrayBuffer(RING_BYTES))
    this.tx = ringOf(new ArrayBuffer(RING_BYTES))
    this.#words = new Uint32Array(Math.ceil((options.connections + DIALED_MAX) / 64) * 64 * M.LINK_WORDS)
    this.#endpoint = addon.open(
      this.#rx.bytes.buffer as ArrayBuffer,
      this.tx.bytes.buffer as ArrayBuffer,
      [this.#control, this.#descriptors, this.#runs, this.#words, this.#counts],
      options.outputBytes,
      options.connections,
      options.tailBytes ?? TAIL_BYTES_MAX,
      () => this.#onBatch(),
    )
    this.routing = new NativeRouting({
      control: this.#control,
      install: (words) => addon.routes(this.#endpoint, words),
      heads: ({ index, generation }) => addon.routes(this.#endpoint, index, generation),
    })
  }

  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    const bound = this.#addon.listen(this.#endpoint, host, port)
    if (bound >= 0) return { host, port: bound }
    const name = getSystemErrorName(bound)
    if (name === 'EADDRINUSE') throw new ChordError('ERR_ADDRESS_IN_USE', `${host}:${port} is in use`)
    throw new ChordError('ERR_LISTEN', `cannot listen on ${host}:${port}: ${name}`)
  }

  unlisten(): void {
    this.#addon.listen(this.#endpoint, null, 0)
  }

  dial(host: string, port: number): Link {
    const index = this.#addon.dial(this.#endpoint, host, port)
    if (index < 0) return this.#dialInVain(host, port)
    const link = new NativeLink(this.#words, index, true, host, port)
    this.#links[index] = link
    return link
  }

  reserve(link: Link, bytes: number, lane: Lane, trafficClass: number = CLASS_APPLICATION): number {
    assert(bytes > 0 && bytes <= FRAME_BYTES_MAX, 'reserve of no frame')
    const own = link as NativeLink
    const mark = lane === 'own' ? this.#outputBytes : laneMark(lane, this.#outputBytes)
    if (!own.open || (this.#words[own.queuedAt]! >= mark && !this.#hasRoom(own, mark, trafficClass))) return -1
    const runs = this.#control[CONTROL_RUNS]!
    let head = runs === 0 ? 0 : this.#head
    if (head + padded(bytes) > RING_BYTES || runs === RUNS_MAX) {
      this.flush()
      head = 0
    }
    this.#reserved = head
    return head
  }

  commit(link: Link, offset: number, bytes: number): void {
    const size = padded(bytes)
    assert(offset === this.#reserved && offset + size <= RING_BYTES, 'commit of what was not reserved')
    this.#reserved = -1
    const own = link as NativeLink
    if (!own.open) return
    for (let at = offset + bytes; at < offset + size; at++) this.tx.bytes[at] = 0
    this.#head = offset + size
    this.#framesOut++
    this.#words[own.queuedAt]! += size
    if (this.#control[CONTROL_RUNS]! > 0 && this.#lastLink === own) {
      this.#runs[this.#lastBytesAt]! += size
    } else {
      this.#startRun(own, offset, size)
    }
  }

  flush(): void {
    if (this.#control[CONTROL_RUNS] !== 0) this.#addon.flush(this.#endpoint)
  }

  close(link: Link, now = false): void {
    const own = link as NativeLink
    if (!own.open && !now) return
    own.open = false
    this.#addon.close(this.#endpoint, own.index, own.generation, now)
  }

  counters(): TransportCounters {
    const counts = this.#counts
    return {
      wakeups: counts[M.COUNT_WAKEUPS]!,
      batches: counts[M.COUNT_BATCHES]!,
      flushes: counts[M.COUNT_FLUSHES]!,
      framesIn: counts[M.COUNT_FRAMES_IN]!,
      framesOut: this.#framesOut + counts[M.COUNT_PASSED_ON]!,
      bytesIn: counts[M.COUNT_BYTES_IN]!,
      bytesOut: counts[M.COUNT_BYTES_OUT]!,
      tailBytesCopied: counts[M.COUNT_TAIL_BYTES_COPIED]!,
      reads: counts[M.COUNT_READS]!,
      readsEmpty: counts[M.COUNT_READS_EMPTY]!,
      writes: counts[M.COUNT_WRITES]!,
      writesPartial: counts[M.COUNT_WRITES_PARTIAL]!,
      refusals: counts[M.COUNT_REFUSALS]!,
      accepted: counts[M.COUNT_ACCEPTED]!,
      dialed: counts[M.COUNT_DIALED]!,
      acceptPauses: counts[M.COUNT_ACCEPT_PAUSES]!,
      open: counts[M.COUNT_OPEN]!,
      openMax: counts[M.COUNT_OPEN_MAX]!,
      queuedBytes: counts[M.COUNT_QUEUED_BYTES]!,
      queuedBytesMax: counts[M.COUNT_QUEUED_BYTES_MAX]!,
      tailBytes: counts[M.COUNT_TAIL_BYTES]!,
      framesPassedOn: counts[M.COUNT_PASSED_ON]!,
      framesNotPassedOn: counts[M.COUNT_NOT_PASSED_ON]!,
      framesPerBatch: [...counts.subarray(M.COUNT_BATCH_FRAMES, M.COUNT_BATCH_FRAMES + M.BATCH_SIZES)],
    }
  }

  closeReasons(): Readonly<Record<CloseReason, number>> {
    const reasons = zeroReasons()
    for (const [index, reason] of REASONS.entries()) reasons[reason] = this.#counts[M.COUNT_REASONS + index]!
    return reasons
  }

  ref(): void {
    this.#addon.reference(this.#endpoint, true)
  }

  unref(): void {
    this.#addon.reference(this.#endpoint, false)
  }

  destroy(): Promise<void> {
    this.#destroyed ??= new Promise((resolve) => this.#addon.destroy(this.#endpoint, resolve))
    for (const link of this.#links) if (link !== undefined) link.open = false
    this.#links.length = 0
    return this.#destroyed
  }

  /** Of all that is queued, what the class would wait for. */
  #hasRoom(link: NativeLink, mark: number, trafficClass: number): boolean {
    if (this.#aheadOf(link, trafficClass) < mark) return true
    // What was committed this turn has not been offered to the kernel yet.
    this.flush()
    if (this.#aheadOf(link, trafficClass) < mark) return true
    this.#words[link.queuedAt - M.LINK_QUEUED + M.LINK_REFUSED]! |= 1 << trafficClass
    this.#counts[M.COUNT_REFUSALS]!++
    return false
  }

  /** What waits in this class and the more urgent ones, and all that may be: what has not been offered to the kernel. */
  #aheadOf(link: NativeLink, trafficClass: number): number {
    const waiting = link.queuedAt - M.LINK_QUEUED + M.LINK_WAITING
    const offered = this.#words[waiting + L.CLASS_BULK]!
    return this.#words[link.queuedAt]! - offered + this.#words[waiting + trafficClass]!
  }

  #startRun(link: NativeLink, offset: number, size: number): void {
    const at = this.#control[CONTROL_RUNS]! * RUN_WORDS
    this.#lastLink = link
    this.#lastBytesAt = at + 3
    this.#runs[at] = link.index
    this.#runs[at + 1] = link.generation
    this.#runs[at + 2] = offset
    this.#runs[at + 3] = size
    this.#control[CONTROL_RUNS]!++
  }

  /** One wake-up's events, called from C++. Allocates nothing for a frame. */
  #onBatch(): void {
    assert(!this.#inBatch, 'a batch inside a batch')
    this.#inBatch = true
    const descriptors = this.#descriptors
    const end = this.#control[M.CONTROL_DESCRIPTORS]! * DESCRIPTOR_WORDS
    const links = this.#links
    const handler = this.#handler
    const rx = this.#rx
    for (let at = 0; at < end && this.#destroyed === undefined; at += DESCRIPTOR_WORDS) {
      const head = descriptors[at]!
      if (head > INDEX_MASK) {
        this.#event(head >>> M.KIND_SHIFT, head & INDEX_MASK, at)
        continue
      }
      const link = links[head]
      if (link === undefined || !link.open || link.generation !== descriptors[at + 1]) continue
      try {
        handler.frame(link, rx, descriptors[at + 2]!, descriptors[at + 3]!)
      } catch (error) {
        reportUncaught(error)
      }
    }
    if (this.#destroyed === undefined) isolated(() => handler.batchEnd())
    if (this.#poison) this.#poisonFrames(end)
    this.#inBatch = false
  }

  /** What is passed on lies between them, and leaves only now. */
  #poisonFrames(end: number): void {
    for (let at = 0; at < end; at += DESCRIPTOR_WORDS) {
      if (this.#descriptors[at]! > INDEX_MASK) continue
      const offset = this.#descriptors[at + 2]!
      this.#rx.bytes.fill(POISON, offset, offset + padded(this.#descriptors[at + 3]!))
    }
  }

  #event(kind: number, index: number, at: number): void {
    const generation = this.#descriptors[at + 1]!
    const detail = this.#descriptors[at + 2]!
    if (kind === M.KIND_OPENED && detail !== 0) return this.#accepted(index, detail - 1, this.#descriptors[at + 3]!)
    const link = this.#links[index]
    if (link === undefined || link.generation !== generation) return
    if (kind === M.KIND_CLOSED) {
      this.#links[index] = undefined
      link.open = false
      isolated(() => this.#handler.closed(link, REASONS[detail]!))
    } else if (link.open) {
      isolated(() => (kind === M.KIND_OPENED ? this.#handler.opened(link) : this.#handler.drained(link)))
    }
  }

  /** The remote host stands in the ring, its length and the port in one word. */
  #accepted(index: number, at: number, lengthAndPort: number): void {
    const host = String.fromCharCode(...this.#rx.bytes.subarray(at, at + (lengthAndPort >>> 16)))
    const link = new NativeLink(this.#words, index, false, host, lengthAndPort & 0xffff)
    this.#links[index] = link
    isolated(() => this.#handler.opened(link))
  }

  /** All slots are taken, or the transport is no more. */
  #dialInVain(host: string, port: number): Link {
    const link = new NativeLink(this.#words, INDEX_MASK, true, host, port)
    link.open = false
    setImmediate(() => {
      if (this.#destroyed !== undefined) return
      this.#counts[M.COUNT_REASONS + M.REASON_UNREACHABLE]!++
      isolated(() => this.#handler.closed(link, 'unreachable'))
      isolated(() => this.#handler.batchEnd())
    })
    return link
  }
}

/** Transferring it away would leave C++ with memory that is not ours. */
function ringOf(buffer: ArrayBuffer): FrameRing {
  markAsUntransferable(buffer)
  return { bytes: new Uint8Array(buffer), halves: new Uint16Array(buffer), words: new Uint32Array(buffer) }
}
