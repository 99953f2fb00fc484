/**
 * What is left of frames that were passed on over a connection: enough to tell their originators, should it break. Whoever passes
 * one on hears no more of it: the owner answers the originator. So heads of what was answered long ago are in here as well, the
 * oldest go when there are many, and an originator who is told of a call that has ended does not care.
 *
 * A head is the frame's header with ORIGIN as the only extension. In place of the method stands when it was passed on, or in
 * what is given out how long that is ago, and the deadline that it had left, in milliseconds. The twin of `native/head_log.h`.
 */
import { type FrameMemory, frameMemory, readExtensions } from '../wire/frames.ts'
import { bodyOffset, extensionOffset } from '../wire/framing.ts'
import { EXT_DEADLINE, EXT_ORIGIN, HEADER_BYTES } from '../wire/layout.ts'

/** Of each of two generations, of which the older goes as a whole. */
export const HEAD_LOG_BYTES = 8_192
const LENGTH = 0
const EXTENSIONS = 9
const AGE = 6
const REMAINING = 7
const NO_DEADLINE = 0xffffffff

export class HeadLog {
  #young: FrameMemory = frameMemory(HEAD_LOG_BYTES)
  #old: FrameMemory | undefined
  #used = 0
  #oldUsed = 0

  /** A frame with ORIGIN, as it was passed on. */
  note(m: FrameMemory, at: number, nowMs: number): void {
    const from = extensionOffset(m, at, EXT_ORIGIN) >>> 2
    const bytes = HEADER_BYTES + bodyOffset(m, at) - 4 * from
    if (this.#used + bytes > HEAD_LOG_BYTES) this.#turn()
    const { words, halves } = this.#young
    const place = this.#used >>> 2
    for (let i = 0; i < AGE; i++) words[place + i] = m.words[(at >>> 2) + i]!
    words[place + LENGTH] = bytes
    halves[2 * place + EXTENSIONS] = EXT_ORIGIN
    words[place + AGE] = nowMs
    const timed = (readExtensions(m, at) & EXT_DEADLINE) !== 0
    words[place + REMAINING] = timed ? m.words[extensionOffset(m, at, EXT_DEADLINE) >>> 2]! : NO_DEADLINE
    for (let i = HEADER_BYTES >>> 2, j = 0; i < bytes >>> 2; i++) words[place + i] = m.words[from + j++]!
    this.#used += bytes
  }

  /** All of them, oldest first. */
  take(nowMs: number): Uint8Array {
    const old = this.#old?.bytes.subarray(0, this.#oldUsed) ?? NOTHING
    const all = frameMemory(old.length + this.#used)
    all.bytes.set(old)
    all.bytes.set(this.#young.bytes.subarray(0, this.#used), old.length)
    for (let at = 0; at < all.bytes.length; at += all.words[(at >>> 2) + LENGTH]!) {
      all.words[(at >>> 2) + AGE] = Math.floor(nowMs) - all.words[(at >>> 2) + AGE]!
    }
    this.#used = this.#oldUsed = 0
    return all.bytes
  }

  #turn(): void {
    const next = this.#old ?? frameMemory(HEAD_LOG_BYTES)
    this.#old = this.#young
    this.#oldUsed = this.#used
    this.#young = next
    this.#used = 0
  }
}

const NOTHING = new Uint8Array(0)

/** Those of `heads` that somebody may still wait for the answer to, as frames. `heads` starts a buffer of its own. */
export function* awaited(heads: Uint8Array): Iterable<{ m: FrameMemory; at: number }> {
  const { buffer } = heads
  const m: FrameMemory = { bytes: heads, halves: new Uint16Array(buffer), words: new Uint32Array(buffer) }
  for (let at = 0; at + HEADER_BYTES <= heads.length; at += m.words[(at >>> 2) + LENGTH]!) {
    if (m.words[(at >>> 2) + AGE]! < m.words[(at >>> 2) + REMAINING]!) yield { m, at }
  }
}
