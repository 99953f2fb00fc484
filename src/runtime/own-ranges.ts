/** What this process owns, in the form of answers. */
import type { Owner } from '../api.ts'
import type { ChordNode } from '../core/chord-node.ts'

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
