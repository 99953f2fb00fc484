/** Members and ranges as plain JSON values, and what is computed from them. */
import type { Member, Peer, Range } from '../index.ts'

export interface PlainPeer {
  id: string
  address: string
  incarnation: string
}

export interface PlainRange {
  after: string
  upTo: string
}

/** One virtual node as the service `chordite.inspect` describes it. */
export interface PlainMember extends PlainPeer {
  predecessor?: PlainPeer
  successors: PlainPeer[]
  range?: PlainRange
  epoch: string
}

export function plainPeer(peer: Peer): PlainPeer {
  return { id: String(peer.id), address: peer.address, incarnation: String(peer.incarnation) }
}

export function plainRange(range: Range): PlainRange {
  return { after: String(range.after), upTo: String(range.upTo) }
}

export function plainMember(member: Member): PlainMember {
  return {
    ...plainPeer(member),
    ...(member.predecessor ? { predecessor: plainPeer(member.predecessor) } : {}),
    successors: member.successors.map(plainPeer),
    ...(member.range ? { range: plainRange(member.range) } : {}),
    epoch: String(member.epoch),
  }
}

/** The part of the ring that a range covers, 0 to 1. 52 bits are plenty for a percentage. */
export function share(range: PlainRange | undefined): number {
  if (!range) return 0
  if (range.after === range.upTo) return 1
  const part = position(range.upTo) - position(range.after)
  return part < 0 ? part + 1 : part
}

/** Where an id lies on the ring, 0 to 1. */
function position(id: string): number {
  return Number.parseInt(id.slice(0, 13), 16) / 2 ** 52
}
