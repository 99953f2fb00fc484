/** What the fuzz targets share: reading an input as a script, and saying what must hold. */
import { makeRing, type Ring } from '../../src/wire/framing.ts'
import * as L from '../../src/wire/layout.ts'

/** Looks at one input. Whatever it throws is a finding. `bytes` is overwritten by the next one. */
export type Target = (bytes: Uint8Array) => void

export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what)
}

/** Reads numbers and bytes from an input; past its end there are zeros. */
export class Script {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  u8(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  u16(): number {
    return this.u8() | (this.u8() << 8)
  }

  u32(): number {
    return (this.u16() | (this.u16() << 16)) >>> 0
  }

  take(count: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + count)
    this.#at += count
    return taken
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length)
  }
}

/** A frame of `type` around `body`, in memory of exactly its padded size. */
export function frameAround(type: number, body: Uint8Array): { ring: Ring; length: number } {
  const length = L.HEADER_BYTES + body.length
  const ring = makeRing(length)
  ring.words[0] = length
  ring.halves[L.AT_TYPE >>> 1] = type
  ring.bytes[L.AT_VERSION] = L.PROTOCOL_VERSION
  ring.bytes.set(body, L.HEADER_BYTES)
  return { ring, length }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
