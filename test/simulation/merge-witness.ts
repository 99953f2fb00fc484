/**
 * Who must have reported another ring, and who must not. A node has seen one when it asked for its own place and was named an
 * owner that is neither itself nor in its table, while its list had been the same for a period of self look-ups and nobody had
 * called as its new predecessor: otherwise it may only be that somebody joined. Taken from the messages that it got, not from what it made of them.
 */
import type { Peer } from '../../src/core/messages.ts'
import { samePeer } from '../../src/core/messages.ts'
import type { CoreEvent } from '../../src/core/output.ts'
import { sameList } from '../../src/core/successor-list.ts'
import type { Input } from '../../src/sim/input.ts'
import type { Flight, Observer, SimMember } from '../../src/sim/observer.ts'
import type { Simulation } from '../../src/sim/simulation.ts'

interface Eyes {
  readonly member: SimMember
  saw: number
  split: number
  merged: number
  changedMs: number
  successors: readonly Peer[]
  predecessor: Peer | undefined
  /** Its latest input, if that was a message: of what type. */
  got: string
  /** Questions of self look-ups that have not been answered. */
  readonly asked: Set<number>
}

export class Witness implements Observer {
  readonly #eyes = new Map<SimMember, Eyes>()
  readonly #simulation: Simulation

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  get saw(): number {
    return [...this.#eyes.values()].filter(({ saw }) => saw > 0).length
  }

  /** Splits reported by those who live, and not yet reported as merged. */
  get open(): number {
    return [...this.#eyes.values()].reduce((sum, { split, merged }) => sum + split - merged, 0)
  }

  check(): void {
    for (const { member, saw, split, merged } of this.#eyes.values()) {
      const { id } = member.node.self
      if (saw > 0 !== split > 0) throw new Error(`${id} saw ${saw} strangers, and reported ${split} splits`)
      if (split > saw || merged !== split) throw new Error(`${id} saw ${saw}: ${split} splits, ${merged} merged`)
    }
  }

  started(member: SimMember): void {
    const asked = new Set<number>()
    const changedMs = Number.NEGATIVE_INFINITY
    const nothing = { saw: 0, split: 0, merged: 0, changedMs, successors: [], predecessor: undefined, got: '' }
    this.#eyes.set(member, { member, asked, ...nothing })
  }

  stopped(member: SimMember): void {
    this.#eyes.delete(member)
  }

  sent({ from, request, message }: Flight): void {
    if (message.type !== 'closest' || message.joiner || !message.key.equals(from.id)) return
    for (const member of this.#simulation.at(from.address)) {
      if (samePeer(member.node.self, from)) this.#eyes.get(member)?.asked.add(request)
    }
  }

  input(member: SimMember, input: Input): void {
    const eyes = this.#eyes.get(member)
    if (eyes === undefined || input.kind !== 'message') return
    const { message, from, request } = input
    eyes.got = message.type
    // Others number their questions as well.
    if (message.type !== 'closestKnown' || !eyes.asked.delete(request) || !message.done) return
    const owner = message.successors[0] ?? from
    const isQuiet = this.#simulation.nowMs - eyes.changedMs >= this.#simulation.config.selfLookupMs
    const isStranger = !samePeer(owner, member.node.self) && !tableOf(member).some((peer) => samePeer(peer, owner))
    if (isQuiet && isStranger) eyes.saw++
  }

  event(member: SimMember, { type }: CoreEvent): void {
    const eyes = this.#eyes.get(member)
    if (eyes !== undefined && (type === 'split' || type === 'merged')) eyes[type]++
  }

  stepped(member: SimMember, cause: string): void {
    const eyes = this.#eyes.get(member)
    if (eyes === undefined) return
    const { successors, predecessor } = member.node.core
    const called = eyes.got === 'notify' && !samePeer(predecessor, eyes.predecessor)
    const isSame = sameList(successors, eyes.successors) && !called
    eyes.successors = successors
    eyes.predecessor = predecessor
    eyes.got = ''
    if (!isSame && cause !== 'start') eyes.changedMs = this.#simulation.nowMs
  }
}

function tableOf({ node }: SimMember): Peer[] {
  const { predecessor, successors } = node.core
  return predecessor === undefined ? [...successors] : [predecessor, ...successors]
}
