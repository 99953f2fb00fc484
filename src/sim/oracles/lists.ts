/**
 * Successor lists: in ring order from their owner on, without it, without repetition, over no more other processes than r
 * and no more entries than 4 r, and nothing behind the r-th process. (Rule 3 of the protocol; Zave 2017, OrderedSuccessorLists
 * and NoDuplicates. That they are long enough is part of the ideal state.) Also: nobody is its own predecessor.
 */
import type { Peer } from '../../core/messages.ts'
import { LIST, type Oracle, PREDECESSOR, type Report, type World } from './oracle.ts'
import { type Seen, short } from './view.ts'

export class ListOracle implements Oracle {
  readonly name = 'lists'
  readonly #report: Report
  readonly #distinct: number

  constructor(world: World, report: Report) {
    this.#report = report
    this.#distinct = world.config.successors
  }

  changed(seen: Seen, what: number): void {
    if ((what & PREDECESSOR) !== 0 && seen.predecessor?.id.equals(seen.id)) {
      this.#report('lists', [seen], 'its own predecessor')
    }
    if ((what & LIST) === 0) return
    const flaw = flawOf(seen.self, seen.successors, this.#distinct)
    if (flaw !== undefined) this.#report('lists', [seen], flaw)
  }
}

function flawOf(self: Peer, list: readonly Peer[], distinct: number): string | undefined {
  if (list.length > 4 * distinct) return `a list of ${list.length} entries`
  const processes = new Set<string>()
  let previous = self.id
  for (const peer of list) {
    if (processes.size === distinct) return `its list goes on behind ${distinct} other processes`
    if (peer.id.equals(self.id)) return 'its list names its owner'
    if (peer.id.equals(previous)) return `its list names ${short(peer.id)} twice`
    if (!peer.id.isBetween(previous, self.id)) return `its list is out of order at ${short(peer.id)}`
    previous = peer.id
    if (peer.address !== self.address) processes.add(peer.address)
  }
  return undefined
}
