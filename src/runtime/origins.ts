/**
 * Originators of routed frames. A node hears from the same ones over and over, so the extension is decoded once for each
 * and then only compared: bytes that are the same mean the same originator.
 */
import type { Peer } from '../api.ts'
import type { Id } from '../core/id.ts'
import { type FrameMemory, readAscii, readExtensions, readId, readIncarnation } from '../wire/frames.ts'
import { extensionOffset } from '../wire/framing.ts'
import {
  ADDRESS_BYTES_MAX,
  EXT_ORIGIN,
  ORIGIN_ADDRESS,
  ORIGIN_FIXED_BYTES,
  ORIGIN_ID,
  ORIGIN_INCARNATION,
  ORIGIN_ROLE,
  ORIGIN_VNODE,
  padded,
  ROLE_CLIENT,
} from '../wire/layout.ts'

/** Who sent a frame in the first place. */
export interface Origin {
  readonly address: string
  readonly index: number
  readonly client: boolean
  readonly incarnation: bigint
  readonly id: Id
  /** The same as a public object, made when somebody first asks. */
  peer: Peer | undefined
}

interface Known {
  readonly words: Uint32Array
  readonly origin: Origin
}

/** A power of two. Two originators that fall on one place take turns there, which costs time and nothing else. */
const PLACES = 1_024

export class Origins {
  readonly #known: (Known | undefined)[] = new Array(PLACES).fill(undefined)

  /** Undefined if the frame names none: it came straight from who sent it. */
  read(m: FrameMemory, at: number): Origin | undefined {
    if ((readExtensions(m, at) & EXT_ORIGIN) === 0) return undefined
    const p = extensionOffset(m, at, EXT_ORIGIN)
    const start = p >>> 2
    const addressBytes = m.halves[p >>> 1]!
    // No node has such an address; whoever sends many must not fill our memory with them.
    if (addressBytes > ADDRESS_BYTES_MAX) return decode(m, p)
    const length = (ORIGIN_FIXED_BYTES + padded(addressBytes)) >>> 2
    // Ids are hashes, a client's are random: any of their words will do.
    const place = (m.words[(p + ORIGIN_ID) >>> 2]! ^ m.words[(p + ORIGIN_INCARNATION) >>> 2]!) & (PLACES - 1)
    const found = this.#known[place]
    if (found !== undefined && isSame(found.words, m.words, start, length)) return found.origin
    const origin = decode(m, p)
    this.#known[place] = { words: m.words.slice(start, start + length), origin }
    return origin
  }
}

function isSame(words: Uint32Array, theirs: Uint32Array, start: number, length: number): boolean {
  if (words.length !== length) return false
  for (let i = 0; i < length; i++) if (words[i] !== theirs[start + i]) return false
  return true
}

function decode(m: FrameMemory, p: number): Origin {
  return {
    address: readAscii(m.bytes, p + ORIGIN_ADDRESS, m.halves[p >>> 1]!),
    index: m.halves[(p + ORIGIN_VNODE) >>> 1]!,
    client: m.words[(p + ORIGIN_ROLE) >>> 2] === ROLE_CLIENT,
    incarnation: readIncarnation(m, p + ORIGIN_INCARNATION),
    id: readId(m, p + ORIGIN_ID),
    peer: undefined,
  }
}
