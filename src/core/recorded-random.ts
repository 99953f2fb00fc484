/** A generator whose state can be written down, for cores that are recorded (sfc32 of PractRand: 128 bits, well tested). */
import type { CoreRandom } from './state.ts'

export type RandomState = readonly [number, number, number, number]

export class RecordedRandom implements CoreRandom {
  #a: number
  #b: number
  #c: number
  #count: number

  constructor([a, b, c, count]: RandomState) {
    this.#a = a | 0
    this.#b = b | 0
    this.#c = c | 0
    this.#count = count | 0
  }

  get state(): RandomState {
    return [this.#a, this.#b, this.#c, this.#count]
  }

  nextUint32(): number {
    const sum = (this.#a + this.#b + this.#count) | 0
    this.#count = (this.#count + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}
