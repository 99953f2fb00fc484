/** Who lives, as far as a plan knows before it is played. */
import type { Stream } from './random.ts'
import { pick, type Shape } from './swarm.ts'

/** A process and the ids of its virtual nodes, 40 digits or fewer. */
export interface Part {
  readonly name: string
  readonly ids: readonly string[]
}

const DIGITS = 40

export class Cast {
  /** In the order of their first ids. */
  living: Part[] = []
  readonly dead: Part[] = []
  readonly #shape: Shape
  readonly #random: Stream
  readonly #paused = new Set<Part>()
  readonly #taken = new Set<string>()
  readonly #centers: string[]
  #count = 0

  constructor(shape: Shape, random: Stream) {
    this.#shape = shape
    this.#random = random
    this.#centers = Array.from({ length: 1 + random.below(3) }, () => hex(random, DIGITS - 2))
  }

  add(): Part {
    const ids = Array.from({ length: this.#shape.virtualNodes }, () => this.#freshId())
    const part = { name: this.stranger(), ids }
    this.#insert(part)
    return part
  }

  /** A name that nobody has had. No hexadecimal number begins with a p. */
  stranger(): string {
    return `p${this.#count++}`
  }

  any(): Part {
    return this.maybe() as Part
  }

  maybe(): Part | undefined {
    return this.living[this.#random.below(Math.max(1, this.living.length))]
  }

  other(part: Part): Part | undefined {
    const others = this.living.filter((one) => one !== part)
    return others[this.#random.below(Math.max(1, others.length))]
  }

  some(count: number): Part[] {
    const left = [...this.living]
    const some: Part[] = []
    while (some.length < count && left.length > 0) some.push(...left.splice(this.#random.below(left.length), 1))
    return some
  }

  adjacent(count: number): Part[] {
    const { length } = this.living
    const from = this.#random.below(Math.max(1, length))
    return Array.from({ length: Math.min(count, length) }, (_, i) => this.living[(from + i) % length] as Part)
  }

  remove(part: Part, comesBack: boolean): void {
    this.living = this.living.filter((one) => one !== part)
    this.#paused.delete(part)
    if (comesBack) this.dead.push(part)
  }

  revive(): Part | undefined {
    const [part] = this.dead.splice(this.#random.below(Math.max(1, this.dead.length)), 1)
    if (part !== undefined) this.#insert(part)
    return part
  }

  /** Whether it stands still now; otherwise it goes on. */
  pause(part: Part): boolean {
    if (this.#paused.delete(part)) return false
    this.#paused.add(part)
    return true
  }

  resumeAll(): Part[] {
    const paused = [...this.#paused]
    this.#paused.clear()
    return paused
  }

  #insert(part: Part): void {
    const first = (one: Part) => (one.ids[0] as string).padStart(DIGITS, '0')
    const at = this.living.findIndex((one) => first(one) > first(part))
    this.living.splice(at < 0 ? this.living.length : at, 0, part)
  }

  #freshId(): string {
    for (;;) {
      const id = this.#drawId()
      if (this.#taken.has(id)) continue
      this.#taken.add(id)
      return id
    }
  }

  #drawId(): string {
    const { space, processes, virtualNodes } = this.#shape
    const random = this.#random
    if (space === 'dense') return random.below(4 * processes * virtualNodes + 40).toString(16)
    if (space === 'full') return hex(random, DIGITS)
    const center = this.#centers[random.below(this.#centers.length)] as string
    // Some at the very ends, where the ring closes.
    return pick(random, [center, center, '0'.repeat(DIGITS - 2), 'f'.repeat(DIGITS - 2)]) + hex(random, 2)
  }
}

function hex(random: Stream, digits: number): string {
  let text = ''
  while (text.length < digits) text += random.nextUint32().toString(16).padStart(8, '0')
  return text.slice(0, digits)
}
