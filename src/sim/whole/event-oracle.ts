/** What the events of one life of a node must be, in their order: each begins where the one before has ended. */
import type { ChordNode, Member, NodeState, Peer, Range, RangeChange } from '../../api.ts'

interface Told {
  range: Range | undefined
  epoch: bigint
  predecessor: Peer | undefined
  successor: Peer | undefined
}

export type Complain = (what: string) => void

const RING = 1n << 160n

export class EventOracle {
  readonly #complain: Complain
  readonly #told = new Map<string, Told>()
  #state: NodeState

  constructor(node: ChordNode, complain: Complain) {
    this.#complain = complain
    this.#state = node.state
    node.on('state', ({ previous, current }) => {
      if (previous !== this.#state) complain(`the state was ${this.#state}, and changes from ${previous}`)
      if (previous === current) complain(`the state changes from ${previous} to itself`)
      this.#state = current
    })
    node.on('range', (change) => this.#ranged(change))
    for (const kind of ['predecessor', 'successor'] as const) {
      node.on(kind, ({ member, previous, current }) => this.#neighbor(kind, member, previous, current))
    }
  }

  #ranged(change: RangeChange): void {
    const told = this.#of(change.member)
    const { range, epoch, gained, lost, cause } = change
    if (epoch !== told.epoch + 1n) this.#complain(`epoch ${epoch} after ${told.epoch}`)
    if (gained.length + lost.length === 0) this.#complain(`a change of range (${cause}) without a gain or a loss`)
    const expected = widthOf(told.range) + sumOf(gained) - sumOf(lost)
    if (widthOf(range) !== expected) this.#complain(`gains and losses (${cause}) do not add up to the range`)
    told.range = range
    told.epoch = epoch
  }

  #neighbor(kind: 'predecessor' | 'successor', member: Member, previous?: Peer, current?: Peer): void {
    const told = this.#of(member)
    if (!same(told[kind], previous))
      this.#complain(`the ${kind} was ${show(told[kind])}, and changes from ${show(previous)}`)
    if (same(previous, current)) this.#complain(`the ${kind} changes from ${show(previous)} to itself`)
    told[kind] = current
  }

  /** A node that starts again above a later life has members of another incarnation. */
  #of(member: Member): Told {
    const key = `${member.id}/${member.incarnation}`
    let told = this.#told.get(key)
    if (told === undefined) {
      told = { range: undefined, epoch: 0n, predecessor: undefined, successor: undefined }
      this.#told.set(key, told)
    }
    return told
  }
}

function widthOf(range: Range | undefined): bigint {
  if (range === undefined) return 0n
  const width = BigInt(`0x${range.upTo}`) - BigInt(`0x${range.after}`)
  return width > 0n ? width : width + RING
}

function sumOf(ranges: readonly Range[]): bigint {
  return ranges.reduce((sum, range) => sum + widthOf(range), 0n)
}

function same(a: Peer | undefined, b: Peer | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.incarnation === b.incarnation && a.id.equals(b.id)
}

function show(peer: Peer | undefined): string {
  return peer === undefined ? 'nobody' : `${peer.address} of ${peer.incarnation}`
}
