/**
 * SHA-1 (FIPS 180-4) without node:crypto, for the pure core: one call on a short key costs less than a crossing into
 * OpenSSL. It places keys on a ring; it protects nothing.
 */

/** Copies of these would be garbage for each key; nothing here awaits or re-enters, so one set serves all calls. */
const schedule = new Int32Array(80)
const state = new Int32Array(5)
const tail = new Uint8Array(128)

export const SHA1_BYTES = 20

/** The 20 bytes of the hash of `bytes[start .. end)`. */
export function sha1(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  const hash = new Uint8Array(SHA1_BYTES)
  writeSha1(bytes, start, end, hash, 0)
  return hash
}

/** Writes the hash of `bytes[start .. end)` to `out[at .. at + 20)`, without allocating. */
export function writeSha1(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): void {
  const words = sha1Words(bytes, start, end)
  for (let i = 0; i < 5; i++) {
    const word = words[i]!
    out[at++] = word >>> 24
    out[at++] = word >>> 16
    out[at++] = word >>> 8
    out[at++] = word
  }
}

/** The hash as five signed 32-bit words, most significant first: a scratch array that the next call overwrites. */
export function sha1Words(bytes: Uint8Array, start: number, end: number): Int32Array {
  state[0] = 0x67452301
  state[1] = 0xefcdab89
  state[2] = 0x98badcfe
  state[3] = 0x10325476
  state[4] = 0xc3d2e1f0
  let at = start
  for (; at + 64 <= end; at += 64) compress(bytes, at)
  const left = end - at
  const tailBytes = left < 56 ? 64 : 128
  for (let i = 0; i < left; i++) tail[i] = bytes[at + i]!
  tail[left] = 0x80
  tail.fill(0, left + 1, tailBytes - 8)
  writeBitLength(end - start, tailBytes)
  compress(tail, 0)
  if (tailBytes === 128) compress(tail, 64)
  return state
}

function writeBitLength(bytes: number, tailBytes: number): void {
  const high = Math.floor(bytes / 0x20000000)
  const low = bytes << 3
  for (let i = 0; i < 4; i++) {
    tail[tailBytes - 8 + i] = high >>> (24 - 8 * i)
    tail[tailBytes - 4 + i] = low >>> (24 - 8 * i)
  }
}

/** One block of 64 bytes into `state`. Unrolling it further would gain a fifth; batches go to C++ anyway. */
function compress(bytes: Uint8Array, at: number): void {
  const w = schedule
  for (let i = 0; i < 16; i++, at += 4) {
    w[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }
  for (let i = 16; i < 80; i++) {
    const mixed = w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!
    w[i] = (mixed << 1) | (mixed >>> 31)
  }
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  for (let i = 0; i < 20; i++) {
    const next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + 0x5a827999 + w[i]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (let i = 20; i < 40; i++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + w[i]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (let i = 40; i < 60; i++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + 0x8f1bbcdc + w[i]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (let i = 60; i < 80; i++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + w[i]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  state[0] = (state[0]! + a) | 0
  state[1] = (state[1]! + b) | 0
  state[2] = (state[2]! + c) | 0
  state[3] = (state[3]! + d) | 0
  state[4] = (state[4]! + e) | 0
}
