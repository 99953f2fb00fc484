/** What can be checked of one core alone, after whatever it was told: its list, and that its range events are one story. */
import type { ChordNode } from '../../core/chord-node.ts'
import type { Range } from '../../core/messages.ts'
import type { CoreEvent } from '../../core/output.ts'

type RangeEvent = CoreEvent & { readonly type: 'range' }

/** Watches one core from its present state on. */
export class Rules {
  readonly #node: ChordNode
  #range: Range | undefined
  #epoch: bigint

  constructor(node: ChordNode) {
    this.#node = node
    this.#range = node.range
    this.#epoch = node.epoch
  }

  /** After an input that led to these events. Returns what is wrong. */
  check(events: readonly CoreEvent[]): string | undefined {
    for (const event of events) {
      const wrong = event.type === 'range' ? this.#changed(event) : undefined
      if (wrong !== undefined) return wrong
    }
    if (!sameRange(this.#range, this.#node.range) || this.#epoch !== this.#node.epoch) {
      return 'its range changed without an event'
    }
    return listFlaw(this.#node)
  }

  #changed({ range, epoch, gained, lost }: RangeEvent): string | undefined {
    const before = this.#range
    if (epoch !== this.#epoch + 1n) return `epoch ${epoch} follows ${this.#epoch}`
    this.#range = range
    this.#epoch = epoch
    if (range !== undefined && !range.upTo.equals(this.#node.self.id)) return 'its range does not end at itself'
    const parts = gained.length + lost.length
    if (parts > 1) return 'a range event names more than one change'
    if (parts === 0) return undefined
    const [from, to] = gained.length > 0 ? [before, range] : [range, before]
    const part = (gained[0] ?? lost[0]) as Range
    // Nothing, or what ends here, and `part` before it make the longer one.
    const end = from?.after ?? this.#node.self.id
    if (to?.after.equals(part.after) && part.upTo.equals(end)) return undefined
    return `its range event does not lead from one range to the other`
  }
}

function listFlaw({ self, successors }: ChordNode): string | undefined {
  let previous = self.id
  for (const peer of successors) {
    if (!peer.id.isBetween(previous, self.id)) return `its list is out of order at ${peer.id}`
    previous = peer.id
  }
  return undefined
}

function sameRange(a: Range | undefined, b: Range | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.after.equals(b.after) && a.upTo.equals(b.upTo))
}
