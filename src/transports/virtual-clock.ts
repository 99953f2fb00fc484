/** Time and chance that a run can repeat exactly. */
import type { Clock, Random } from '../api.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  fn: (() => void) | undefined
}

/** Time that passes only when told to. Timers of one instant fire in the order in which they were set. */
export class VirtualClock implements Clock {
  /** A binary heap: earliest first. */
  readonly #heap: Timer[] = []
  #nowMs: number
  #order = 0

  /** Default: starts at a fixed instant of wall-clock size, since incarnations are made from it. */
  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  setTimer(afterMs: number, fn: () => void): Disposable {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, afterMs), order: this.#order++, fn }
    this.#push(timer)
    return {
      [Symbol.dispose]() {
        timer.fn = undefined
      },
    }
  }

  /** When the next timer is due, if any is set. */
  nextMs(): number | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.fn === undefined) this.#pop()
    return this.#heap[0]?.atMs
  }

  /** Fires the next timer if it is due by `untilMs`, moving time to it. */
  step(untilMs: number): boolean {
    const nextMs = this.nextMs()
    if (nextMs === undefined || nextMs > untilMs) return false
    const timer = this.#pop()
    this.#nowMs = Math.max(this.#nowMs, nextMs)
    const { fn } = timer
    timer.fn = undefined
    fn?.()
    return true
  }

  /** Fires all that is due by then; nothing that promises do in between is waited for. */
  runUntil(untilMs: number): void {
    while (this.step(untilMs));
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  runFor(ms: number): void {
    this.runUntil(this.#nowMs + ms)
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(timer)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isEarlier(timer, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = timer
  }

  #pop(): Timer {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isEarlier(heap[child + 1]!, heap[child]!)) child++
      if (!isEarlier(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function isEarlier(a: Timer, b: Timer): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order
}

/** Bits from a seed (xoshiro128**): the same seed gives the same run. */
export class SeededRandom implements Random {
  readonly #state = new Uint32Array(4)

  constructor(seed: number) {
    // splitmix32, so that seeds that are close give states that are not.
    let x = seed >>> 0
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0
      let z = x
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
      this.#state[i] = z ^ (z >>> 16)
    }
  }

  nextUint32(): number {
    const s = this.#state
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0
    const t = s[1]! << 9
    s[2]! ^= s[0]!
    s[3]! ^= s[1]!
    s[1]! ^= s[2]!
    s[0]! ^= s[3]!
    s[2]! ^= t
    s[3] = rotate(s[3]!, 11)
    return result
  }

  nextFloat(): number {
    return this.nextUint32() / 0x1_0000_0000
  }

  /** A generator of its own, so that what one part draws does not shift what another gets. */
  fork(): SeededRandom {
    return new SeededRandom(this.nextUint32())
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}
