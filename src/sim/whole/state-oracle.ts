/** What must hold of a member by itself, after every event. */
import type { ChordNode } from '../../core/chord-node.ts'
import type { Peer, Range } from '../../core/messages.ts'

interface Seen {
  successors: readonly Peer[]
  range: Range | undefined
  epoch: bigint
}

const seen = new WeakMap<ChordNode, Seen>()

/** What is wrong with one of them, if anything is. Costs next to nothing for those that have not changed. */
export function checkState(cores: readonly ChordNode[]): string | undefined {
  for (const core of cores) {
    const before = seen.get(core)
    if (before?.successors === core.successors && before.range === core.range && before.epoch === core.epoch) continue
    const wrong = wrongWith(core, before)
    if (wrong !== undefined) return `member ${String(core.self.id).slice(0, 8)}: ${wrong}`
    seen.set(core, { successors: core.successors, range: core.range, epoch: core.epoch })
  }
  return undefined
}

function wrongWith(core: ChordNode, before: Seen | undefined): string | undefined {
  const { self, successors, predecessor, range, epoch } = core
  let previous = self.id
  for (const peer of successors) {
    if (!peer.id.isBetween(previous, self.id)) return `its list is out of order at ${peer.address}`
    previous = peer.id
  }
  if (predecessor?.id.equals(self.id)) return 'it precedes itself'
  if (range !== undefined && !range.upTo.equals(self.id)) return 'its range ends elsewhere'
  if (before === undefined) return undefined
  if (epoch < before.epoch) return `its epoch goes back from ${before.epoch} to ${epoch}`
  if (range !== before.range && epoch === before.epoch) return 'its range changes within an epoch'
  return undefined
}
