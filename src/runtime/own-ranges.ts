/** What this process owns, in the form of answers. */
import type { Owner } from '../api.ts'
import type { ChordNode } from '../core/chord-node.ts'
import { type FrameMemory, isIdBetweenOrEnd } from '../wire/frames.ts'

/** Which of our members owns the key at `p` of a frame; -1 if none does. As `route` of `core/router.ts` decides it first of all. */
export function ownerAt(cores: readonly ChordNode[], m: FrameMemory, p: number): number {
  for (let index = 0; index < cores.length; index++) {
    const { range } = cores[index]!.core
    if (range !== undefined && isIdBetweenOrEnd(m, p, range.after, range.upTo)) return index
  }
  return -1
}

/** The same array as long as no range or epoch changes. */
export function ownRanges(cores: () => readonly ChordNode[]): () => readonly Owner[] {
  let last: readonly Owner[] = []
  return () => {
    const owning = cores().filter((core) => core.range !== undefined)
    const isSame =
      owning.length === last.length &&
      owning.every(
        (core, i) => core.range === last[i]!.range && core.epoch === last[i]!.epoch && core.self === last[i]!.owner,
      )
    if (!isSame) last = owning.map((core) => ({ owner: core.self, range: core.range!, epoch: core.epoch, hops: 0 }))
    return last
  }
}
