/** Writing and reading the bodies of frames, field by field, little-endian as the header; ids are big-endian. */
import { ID_BYTES, Id } from '../core/id.ts'
import { ADDRESS_BYTES_MAX } from './layout.ts'

/** Fills one buffer over and over. Who writes keeps below its size. */
export class Writer {
  #bytes: Uint8Array
  #view: DataView
  #at = 0
  #addresses: string[] = []

  constructor(bytes: number) {
    this.#bytes = new Uint8Array(bytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get length(): number {
    return this.#at
  }

  reset(): void {
    this.#at = 0
    this.#addresses.length = 0
  }

  /** A view that the next use overwrites. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  u8(value: number): void {
    this.#bytes[this.#at++] = value
  }

  u16(value: number): void {
    this.#view.setUint16(this.#at, value, true)
    this.#at += 2
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  u64(value: bigint): void {
    this.#view.setBigUint64(this.#at, value, true)
    this.#at += 8
  }

  f64(value: number): void {
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  id(id: Id): void {
    id.writeTo(this.#bytes, this.#at)
    this.#at += ID_BYTES
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Virtual nodes of one process share an address: it is written once, then referred to. */
  address(address: string): void {
    const known = this.#addresses.indexOf(address)
    if (known >= 0) {
      this.u8(0)
      this.u8(known)
      return
    }
    if (this.#addresses.length < 256) this.#addresses.push(address)
    this.u8(address.length)
    for (let i = 0; i < address.length; i++) this.u8(address.charCodeAt(i))
  }

  /** Leaves room for `setU16`; returns where. */
  skip(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    return at
  }

  setU16(at: number, value: number): void {
    this.#view.setUint16(at, value, true)
  }
}

/** Reads what came from the network: after the first thing wrong it has failed, and returns zeros. */
export class Reader {
  failed = false
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0
  #addresses: string[] = []

  open(bytes: Uint8Array, at: number, end: number): void {
    this.failed = end > bytes.length || at > end
    this.#bytes = bytes
    this.#at = at
    this.#end = end
    this.#addresses.length = 0
  }

  fail(): void {
    this.failed = true
  }

  /** Nothing went wrong, and nothing is left over. */
  finished(): boolean {
    return !this.failed && this.#at === this.#end
  }

  u8(): number {
    return this.#take(1) ? this.#bytes[this.#at - 1]! : 0
  }

  /** A byte of which only the bits of `mask` may be set. */
  flags(mask: number): number {
    const value = this.u8()
    if ((value & ~mask) !== 0) this.failed = true
    return value & mask
  }

  u16(): number {
    if (!this.#take(2)) return 0
    return this.#bytes[this.#at - 2]! | (this.#bytes[this.#at - 1]! << 8)
  }

  u32(): number {
    const low = this.u16()
    return (low | (this.u16() << 16)) >>> 0
  }

  u64(): bigint {
    const low = this.u32()
    const high = this.u32()
    return high < 2 ** 21 ? BigInt(high * 2 ** 32 + low) : (BigInt(high) << 32n) | BigInt(low)
  }

  f64(): number {
    return this.#take(8)
      ? new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at - 8).getFloat64(0, true)
      : 0
  }

  id(): Id {
    return this.#take(ID_BYTES) ? Id.fromBytes(this.#bytes, this.#at - ID_BYTES) : ZERO
  }

  /** What is left, as a view. */
  rest(): Uint8Array {
    if (this.failed) return new Uint8Array(0)
    const rest = this.#bytes.subarray(this.#at, this.#end)
    this.#at = this.#end
    return rest
  }

  /** Printable ASCII; the inverse of `Writer.address`. */
  address(): string {
    const length = this.u8()
    if (length === 0) {
      const known = this.#addresses[this.u8()]
      if (known === undefined) this.failed = true
      return known ?? ''
    }
    if (length > ADDRESS_BYTES_MAX || !this.#take(length)) return ''
    let text = ''
    for (let i = this.#at - length; i < this.#at; i++) {
      const byte = this.#bytes[i]!
      if (byte < 0x21 || byte > 0x7e) this.failed = true
      text += String.fromCharCode(byte)
    }
    if (this.#addresses.length < 256) this.#addresses.push(text)
    return text
  }

  #take(bytes: number): boolean {
    if (this.failed || this.#at + bytes > this.#end) {
      this.failed = true
      return false
    }
    this.#at += bytes
    return true
  }
}

const ZERO = new Id(0, 0, 0, 0, 0)
