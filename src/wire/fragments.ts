/**
 * Messages longer than one frame. A fragment carries a slice of the message's own frame, header and all. On one
 * connection messages follow each other, numbered from 1, and the slices of one come in order.
 */
import { checkFrame, makeRing, type Ring } from './framing.ts'
import * as L from './layout.ts'

/** One slice: with its header 32 KiB, so that what comes behind two of them does not wait long. */
export const FRAGMENT_SLICE_BYTES = 32_768 - L.HEADER_BYTES - L.FRAGMENT_BYTES

const AT_TOTAL = L.HEADER_BYTES
const AT_OFFSET = L.HEADER_BYTES + 4
const AT_NUMBER = L.HEADER_BYTES + 8
const AT_ZERO = L.HEADER_BYTES + 12
const SLICE = L.HEADER_BYTES + L.FRAGMENT_BYTES

/** Cuts one message. The bytes must stay as they are until `done`. */
export class FragmentCutter {
  readonly message: Uint8Array
  readonly #number: number
  #at = 0

  /** `message` is a whole frame without padding. */
  constructor(message: Uint8Array, number: number) {
    this.message = message
    this.#number = number
  }

  get done(): boolean {
    return this.#at === this.message.length
  }

  /** Length of the next fragment's frame. */
  get frameBytes(): number {
    return SLICE + Math.min(FRAGMENT_SLICE_BYTES, this.message.length - this.#at)
  }

  /** Writes the next fragment at `offset`, where there is room for `frameBytes`. */
  writeNext(ring: Ring, offset: number): void {
    const bytes = this.frameBytes
    ring.bytes.fill(0, offset, offset + SLICE)
    ring.words[offset >>> 2] = bytes
    ring.halves[(offset + L.AT_TYPE) >>> 1] = L.TYPE_FRAGMENT
    ring.halves[(offset + L.AT_FLAGS) >>> 1] = this.message[L.AT_FLAGS]! & L.FLAG_CLASS_MASK
    ring.bytes[offset + L.AT_VERSION] = L.PROTOCOL_VERSION
    ring.halves[(offset + L.AT_EXTENSIONS) >>> 1] = L.EXT_FRAGMENT
    ring.words[(offset + AT_TOTAL) >>> 2] = this.message.length
    ring.words[(offset + AT_OFFSET) >>> 2] = this.#at
    ring.words[(offset + AT_NUMBER) >>> 2] = this.#number
    ring.bytes.set(this.message.subarray(this.#at, this.#at + bytes - SLICE), offset + SLICE)
    this.#at += bytes - SLICE
  }
}

export type FragmentResult<Owner> =
  | { kind: 'partial' }
  | { kind: 'message'; ring: Ring; bytes: number }
  /** The connection does not keep the rules, or wants more than one message may have: close it. */
  | { kind: 'fault'; fault: 'order' | 'size' | 'frame' }
  /** There is no memory for this message: forget `victim`, who has waited longest for a slice, and take it again. */
  | { kind: 'full'; victim: Owner }

interface Assembly {
  readonly number: number
  readonly ring: Ring
  readonly total: number
  received: number
}

const PARTIAL = { kind: 'partial' } as const

/** Puts messages together again, for all connections of an endpoint; `Owner` stands for one. */
export class Reassembler<Owner> {
  readonly #messageBytesMax: number
  readonly #budgetBytes: number
  /** Where a message is under way: the one that has waited longest first. */
  readonly #assemblies = new Map<Owner, Assembly>()
  readonly #numbers = new Map<Owner, number>()
  #heldBytes = 0

  constructor(messageBytesMax: number, budgetBytes: number) {
    this.#messageBytesMax = messageBytesMax
    this.#budgetBytes = Math.max(budgetBytes, L.padded(messageBytesMax))
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Takes one checked frame of type FRAGMENT. */
  take(owner: Owner, ring: Ring, offset: number, length: number): FragmentResult<Owner> {
    if (ring.halves[(offset + L.AT_EXTENSIONS) >>> 1] !== L.EXT_FRAGMENT) return { kind: 'fault', fault: 'order' }
    const total = ring.words[(offset + AT_TOTAL) >>> 2]!
    const at = ring.words[(offset + AT_OFFSET) >>> 2]!
    const number = ring.words[(offset + AT_NUMBER) >>> 2]!
    const slice = length - SLICE
    let assembly = this.#assemblies.get(owner)
    if (assembly === undefined) {
      if (at !== 0 || number !== ((this.#numbers.get(owner) ?? 0) + 1) >>> 0) return { kind: 'fault', fault: 'order' }
      if (total < L.HEADER_BYTES || total > this.#messageBytesMax) return { kind: 'fault', fault: 'size' }
      const victim = this.#victim(total)
      if (victim !== undefined) return { kind: 'full', victim: victim.owner }
      assembly = { number, ring: makeRing(total), total, received: 0 }
      this.#heldBytes += L.padded(total)
      this.#numbers.set(owner, number)
    }
    const fits = number === assembly.number && total === assembly.total && at === assembly.received
    const zero = ring.words[(offset + AT_ZERO) >>> 2] === 0
    this.#assemblies.delete(owner)
    this.#assemblies.set(owner, assembly)
    if (!fits || !zero || slice <= 0 || at + slice > total) return { kind: 'fault', fault: 'order' }
    assembly.ring.bytes.set(ring.bytes.subarray(offset + SLICE, offset + length), at)
    assembly.received += slice
    return assembly.received === total ? this.#complete(owner, assembly) : PARTIAL
  }

  /** The connection is gone, or must make room. */
  forget(owner: Owner): void {
    this.#release(owner)
    this.#numbers.delete(owner)
  }

  #complete(owner: Owner, assembly: Assembly): FragmentResult<Owner> {
    const { total, ring } = assembly
    this.#release(owner)
    const whole = checkFrame(ring, 0, L.padded(total), this.#messageBytesMax) === L.padded(total)
    const type = ring.halves[L.AT_TYPE >>> 1]!
    if (!whole || ring.words[0] !== total || type < L.TYPE_MAINTENANCE_FIRST) return { kind: 'fault', fault: 'frame' }
    return { kind: 'message', ring, bytes: total }
  }

  #victim(total: number): { owner: Owner } | undefined {
    if (this.#heldBytes + L.padded(total) <= this.#budgetBytes) return undefined
    for (const owner of this.#assemblies.keys()) return { owner }
    return undefined
  }

  #release(owner: Owner): void {
    const assembly = this.#assemblies.get(owner)
    if (assembly === undefined) return
    this.#heldBytes -= L.padded(assembly.total)
    this.#assemblies.delete(owner)
  }
}
