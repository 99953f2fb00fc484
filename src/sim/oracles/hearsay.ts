/**
 * What a node is told of others is followed only as far as it can be right: behind an entry that is out of order, a list that
 * somebody sent was made for another place on the ring, or by somebody who is mistaken, and nothing of the rest is taken (rule 3
 * of the protocol: cut, not filtered). So whoever takes up a neighbor's list has in its own, besides that neighbor and those
 * before it that it skips, what came in order. That holds whatever arrives, corrupted messages too.
 */
import type { Peer } from '../../core/messages.ts'
import type { Input } from '../input.ts'
import type { SimMember } from '../observer.ts'
import { LIST, type Oracle, type Report } from './oracle.ts'
import { isOneOf, type Seen, showList, type View } from './view.ts'

interface Told {
  readonly seen: Seen
  readonly by: Peer
  /** What is in order from the listener on, the teller first. */
  readonly inOrder: readonly Peer[]
  readonly list: readonly Peer[]
}

export class HearsayOracle implements Oracle {
  readonly name = 'hearsay'
  readonly #view: View
  readonly #report: Report
  /** A list out of order that a core is being given. */
  #told: Told | undefined
  #disordered = 0

  constructor(view: View, report: Report) {
    this.#view = view
    this.#report = report
  }

  input(member: SimMember, input: Input): void {
    this.#told = undefined
    if (input.kind !== 'message' || input.message.type !== 'neighbors') return
    const { from: by, message } = input
    if (endOfOrder(by, message.successors) === message.successors.length) return
    this.#disordered++
    const seen = this.#view.of(member)
    // Whoever said goodbye is left out before anything else.
    const list = [by, ...message.successors].filter((peer) => !seen.core.detector.hasDeparted(peer))
    this.#told = { seen, by, inOrder: list.slice(0, endOfOrder(seen.self, list)), list }
  }

  changed(seen: Seen, what: number): void {
    const told = this.#told
    this.#told = undefined
    if (told?.seen !== seen || (what & LIST) === 0 || seen.status === 'left') return
    const { successors, successorsBefore } = seen
    // It was taken up if it begins the list; a joiner follows what it was told earlier.
    if (successorsBefore.length === 0 || !isOneOf(told.by, successors)) return
    for (const peer of successors) {
      if (isOneOf(peer, told.inOrder)) continue
      if (peer.id.isBetween(seen.id, told.by.id) && isOneOf(peer, successorsBefore)) continue
      const lists = [told.list, successors].map((list) => showList(list, this.#view))
      return this.#report('hearsay', [seen], `${seen} was told ${lists[0]}, out of order, and took ${lists[1]}`)
    }
  }

  summary(): Record<string, number> {
    return { listsOutOfOrder: this.#disordered }
  }
}

/** How many entries follow each other, from `self` on around the ring to it. */
function endOfOrder(self: Peer, list: readonly Peer[]): number {
  let previous = self.id
  for (let i = 0; i < list.length; i++) {
    const { id } = list[i] as Peer
    if (!id.isBetween(previous, self.id)) return i
    previous = id
  }
  return list.length
}
