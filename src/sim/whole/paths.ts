/** What lies between simulated hosts: each direction of each pair has conditions and random numbers of its own. */
import type { Paths } from '../../transports/simulated.ts'
import { type Delay, delayOf, LANE } from '../conditions.ts'
import { isBelow, type Stream } from '../random.ts'

class Path {
  readonly stream: Stream
  /** Draws so far, of delays and of corruption: one does not shift the other. */
  delays = 0
  carried = 0
  delay: Delay | undefined
  corruptPercent: number | undefined
  isCut = false
  isClogged = false

  constructor(stream: Stream) {
    this.stream = stream
  }

  mend(): void {
    this.isCut = this.isClogged = false
    this.delay = this.corruptPercent = undefined
  }
}

export class WorldPaths implements Paths {
  delay: Delay
  corruptPercent = 0
  /** How often bytes were changed. */
  corrupted = 0
  readonly #stream: Stream
  readonly #paths = new Map<string, Map<string, Path>>()
  /** Side of a partition by host; all others are on side 0. */
  #sides = new Map<string, number>()

  constructor(stream: Stream, delay: Delay) {
    this.#stream = stream
    this.delay = delay
  }

  /** The path in this direction. */
  of(from: string, to: string): Path {
    const paths = this.#paths.get(from) ?? new Map<string, Path>()
    if (paths.size === 0) this.#paths.set(from, paths)
    let path = paths.get(to)
    if (path === undefined) {
      path = new Path(this.#stream.split(from, to))
      paths.set(to, path)
    }
    return path
  }

  /** Hosts of different groups do not reach each other; those that are named in none are one more group. */
  divide(groups: readonly (readonly string[])[]): void {
    this.#sides = new Map(groups.flatMap((hosts, index) => hosts.map((host) => [host, index + 1] as const)))
  }

  /** No path is cut, clogged, slow or corrupting. */
  mendAll(): void {
    this.#sides = new Map()
    this.corruptPercent = 0
    for (const paths of this.#paths.values()) for (const path of paths.values()) path.mend()
  }

  delayMs(from: string, to: string): number {
    const path = this.of(from, to)
    return delayOf(path.delay ?? this.delay, path.stream, LANE.delay, path.delays++, from, to)
  }

  passage(from: string, to: string): 'open' | 'cut' | 'clogged' {
    const path = this.of(from, to)
    if (path.isCut || (this.#sides.get(from) ?? 0) !== (this.#sides.get(to) ?? 0)) return 'cut'
    return path.isClogged ? 'clogged' : 'open'
  }

  /** Flips one bit, now and then. */
  carry(from: string, to: string, bytes: Uint8Array): Uint8Array {
    const path = this.of(from, to)
    const n = path.carried++
    const percent = path.corruptPercent ?? this.corruptPercent
    if (percent === 0 || !isBelow(path.stream.at(LANE.corrupt, n), percent)) return bytes
    this.corrupted++
    const bit = path.stream.at(LANE.copy, n) % (8 * bytes.length)
    const copy = bytes.slice()
    copy[bit >> 3]! ^= 1 << (bit & 7)
    return copy
  }
}
