/** Frames of one link that have to wait: by class the most urgent first, within a class in order. The twin of `native/output_queue.h`. */
import { CLASSES, padded } from '../wire/layout.ts'
import { classOfFrame } from './classes.ts'

export class OutputQueue {
  /** Of each class runs of whole frames. */
  readonly #classes: Uint8Array[][] = Array.from({ length: CLASSES }, () => [])
  readonly #bytes: number[] = new Array(CLASSES).fill(0)
  size = 0

  /** What waits in this class and the more urgent ones. */
  ahead(trafficClass: number): number {
    let bytes = 0
    for (let i = 0; i <= trafficClass; i++) bytes += this.#bytes[i]!
    return bytes
  }

  /** Whole frames, which must stay as they are. */
  append(frames: Uint8Array): void {
    for (let start = 0, end = 0; start < frames.length; start = end) {
      const trafficClass = classOfFrame(frames, start)
      do end += frameBytes(frames, end)
      while (end < frames.length && classOfFrame(frames, end) === trafficClass)
      this.#classes[trafficClass]!.push(frames.subarray(start, end))
      this.#bytes[trafficClass]! += end - start
    }
    this.size += frames.length
  }

  /** The next frames, whole: at most so many bytes, but the first one in any case. */
  take(most: number): Uint8Array[] {
    const taken: Uint8Array[] = []
    let room = most
    for (let i = 0; i < CLASSES; i++) {
      const runs = this.#classes[i]!
      for (let run = runs[0]; run !== undefined; run = runs[0]) {
        const cut = cutOf(run, room, taken.length === 0)
        if (cut === 0) return taken
        taken.push(run.subarray(0, cut))
        room -= cut
        this.#bytes[i]! -= cut
        this.size -= cut
        if (cut === run.length) runs.shift()
        else runs[0] = run.subarray(cut)
      }
    }
    return taken
  }

  clear(): void {
    for (const runs of this.#classes) runs.length = 0
    this.#bytes.fill(0)
    this.size = 0
  }
}

/** Where a run is cut so that its first part fits into `room`: behind a frame; behind the first one in any case if there must be one. */
function cutOf(run: Uint8Array, room: number, atLeastOne: boolean): number {
  if (run.length <= room) return run.length
  let cut = atLeastOne ? frameBytes(run, 0) : 0
  while (cut < run.length) {
    const next = cut + frameBytes(run, cut)
    if (next > room) break
    cut = next
  }
  return cut
}

function frameBytes(frames: Uint8Array, at: number): number {
  return padded(frames[at]! | (frames[at + 1]! << 8) | (frames[at + 2]! << 16))
}
