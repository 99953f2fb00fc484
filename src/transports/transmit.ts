/** The transmit memory of the transports in TypeScript: frames of a turn, in the order of commits, and whose they are. */
import { assert } from '../core/errors.ts'
import { makeRing, type Ring } from '../wire/framing.ts'
import { CLASSES, FRAME_BYTES_MAX, padded } from '../wire/layout.ts'
import type { OutputQueue } from './output-queue.ts'

const TRANSMIT_BYTES = 256 * 1024

/** What a link needs in order to be written to. */
export interface Output {
  /** Committed and not yet taken by `take`. */
  pendingBytes: number
  /** What `take` gathered. */
  output: Uint8Array | undefined
  /** Gathered, and more than is handed on at once. */
  readonly waiting: OutputQueue
  /** Handed on, and still in this process. */
  readonly handedBytes: number
  /** Classes that a `reserve` was refused for since the last `drained`, a bit each. */
  refused: number
}

/** What a frame of the class would wait for: all that has not been gathered may be more urgent. */
export function aheadOf(link: Output, trafficClass: number): number {
  return link.pendingBytes + link.handedBytes + link.waiting.ahead(trafficClass)
}

/** Whether some class that was refused has room again: it may be told so, once. */
export function hasRoomAgain(link: Output, outputBytes: number): boolean {
  let still = 0
  for (let i = 0; i < CLASSES; i++) if (aheadOf(link, i) >= outputBytes / 2) still |= 1 << i
  const had = link.refused
  link.refused &= still
  return link.refused !== had
}

export class TransmitRuns<T extends Output> {
  readonly ring: Ring = makeRing(TRANSMIT_BYTES)
  #head = 0
  #reserved = -1
  #reservedBytes = 0
  readonly #links: T[] = []
  readonly #offsets: number[] = []
  readonly #ends: number[] = []

  get isEmpty(): boolean {
    return this.#links.length === 0
  }

  /** The offset of room for a frame, or -1: take what is there first. */
  reserve(bytes: number): number {
    assert(bytes > 0 && bytes <= FRAME_BYTES_MAX, `reserve of ${bytes} bytes`)
    if (this.#head + padded(bytes) > TRANSMIT_BYTES) return -1
    this.#reserved = this.#head
    this.#reservedBytes = bytes
    return this.#head
  }

  /** Ends the reservation; adjacent frames of one link become one run. */
  commit(link: T, offset: number, bytes: number): void {
    assert(offset === this.#reserved && bytes <= this.#reservedBytes, 'commit of what was not reserved')
    this.#reserved = -1
    const end = offset + padded(bytes)
    for (let at = offset + bytes; at < end; at++) this.ring.bytes[at] = 0
    this.#head = end
    link.pendingBytes += end - offset
    const last = this.#links.length - 1
    if (last >= 0 && this.#links[last] === link) {
      this.#ends[last] = end
      return
    }
    this.#links.push(link)
    this.#offsets.push(offset)
    this.#ends.push(end)
  }

  /** Gathers each link's runs into its `output`; the links, each once. */
  take(): T[] {
    const dirty: T[] = []
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[i]!
      const run = this.ring.bytes.subarray(this.#offsets[i]!, this.#ends[i]!)
      if (link.output === undefined) {
        dirty.push(link)
        link.output = Buffer.allocUnsafe(link.pendingBytes)
        link.pendingBytes = 0
        link.output.set(run)
        this.#filled.set(link, run.length)
      } else {
        const at = this.#filled.get(link)!
        link.output.set(run, at)
        this.#filled.set(link, at + run.length)
      }
    }
    this.#links.length = 0
    this.#offsets.length = 0
    this.#ends.length = 0
    this.#filled.clear()
    this.#head = 0
    return dirty
  }

  readonly #filled = new Map<T, number>()
}

/** The mark of a lane, see `Lane`: own calls first feel a full queue, control frames last. */
export function laneMark(lane: 'own' | 'forward' | 'control', outputBytes: number): number {
  if (lane === 'own') return outputBytes
  return lane === 'forward' ? 2 * outputBytes : 2 * outputBytes + CONTROL_BYTES
}

const CONTROL_BYTES = 256 * 1024
