/**
 * Random numbers from a seed, in streams that do not disturb each other: every node, link and fault draws from its own, so
 * that a run without one fault gives all others the same draws. (After Steele, Lea and Flood, Fast Splittable Pseudorandom
 * Number Generators, 2014; on 32-bit words, so that every engine computes the same.)
 */
import type { CoreRandom } from '../core/state.ts'

export type Label = string | number

const GOLDEN = 0x9e3779b9
const PER_CENT = 0x1_0000_0000 / 100

/** Its n-th number depends on its labels and n alone. */
export class Stream implements CoreRandom {
  readonly #high: number
  readonly #low: number
  #drawn = 0

  constructor(high: number, low: number) {
    this.#high = high
    this.#low = low
  }

  nextUint32(): number {
    return this.at(0, this.#drawn++)
  }

  /** Number `n` of sub-stream `lane`, whatever has been drawn. Lane 0 is the stream itself. */
  at(lane: number, n: number): number {
    let z = (this.#low + Math.imul(n, GOLDEN)) | 0
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z ^= this.#high + Math.imul(lane, 0x632be5ab)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    z = Math.imul(z ^ (z >>> 16), 0x27d4eb2f)
    return (z ^ (z >>> 15)) >>> 0
  }

  /** In [0, n). */
  below(n: number): number {
    return Math.floor((this.nextUint32() / 0x1_0000_0000) * n)
  }

  /** True so many times in a hundred. */
  chance(percent: number): boolean {
    return isBelow(this.nextUint32(), percent)
  }

  /** In [min, max), not only whole numbers. */
  between(min: number, max: number): number {
    return min + (this.nextUint32() / 0x1_0000_0000) * (max - min)
  }

  /** Independent of how much was drawn from this one: the same labels give the same stream. */
  split(...labels: readonly Label[]): Stream {
    let high = this.#high
    let low = this.#low
    for (const label of labels) {
      const word = typeof label === 'number' ? label : hashOf(label)
      low = mix(low ^ word, 0x85ebca6b)
      high = mix(
        (high + low + (typeof label === 'number' ? Math.floor(label / 0x1_0000_0000) : label.length)) | 0,
        GOLDEN,
      )
    }
    return new Stream(high, low)
  }
}

export function streamOf(seed: number, ...labels: readonly Label[]): Stream {
  return new Stream(mix(seed, GOLDEN), mix(Math.floor(seed / 0x1_0000_0000) ^ 0x5bd1e995, 0xc2b2ae35)).split(
    seed,
    ...labels,
  )
}

/** Whether a drawn number counts as one of so many in a hundred. */
export function isBelow(drawn: number, percent: number): boolean {
  return drawn < percent * PER_CENT
}

/** FNV-1a over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

function mix(word: number, by: number): number {
  let z = Math.imul(word ^ (word >>> 16), by | 1)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return z ^ (z >>> 16)
}
