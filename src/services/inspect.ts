/** Built in and always on: a node describes itself, for `chordite ring` and for people. */
import type { Member, MessageType, Metrics, NodeState, Peer, ServiceNode } from '../api.ts'
import { json } from '../runtime/values.ts'

export interface InspectedPeer {
  id: string
  address: string
  incarnation: string
}

export interface InspectedMember extends InspectedPeer {
  predecessor?: InspectedPeer
  successors: InspectedPeer[]
  range?: { after: string; upTo: string }
  epoch: string
}

/** The member that was asked, and the process around it. */
export interface Inspection extends InspectedMember {
  state: NodeState
  transport: 'native' | 'tcp'
  members: InspectedMember[]
  metrics: Metrics
}

export const INSPECT: MessageType<Record<string, never>, Inspection> = {
  name: 'chordite.inspect',
  request: json(),
  reply: json(),
}

type Inspected = Pick<ServiceNode, 'handle' | 'members' | 'state'> & {
  readonly transport: 'native' | 'tcp'
  metrics(): Metrics
}

export function inspectable(node: Inspected): Disposable {
  return node.handle(INSPECT, ({ member }) => ({
    ...plainMember(member),
    state: node.state,
    transport: node.transport,
    members: node.members.map(plainMember),
    metrics: node.metrics(),
  }))
}

function plainMember(member: Member): InspectedMember {
  return {
    ...plainPeer(member),
    ...(member.predecessor === undefined ? {} : { predecessor: plainPeer(member.predecessor) }),
    successors: member.successors.map(plainPeer),
    ...(member.range === undefined
      ? {}
      : { range: { after: String(member.range.after), upTo: String(member.range.upTo) } }),
    epoch: String(member.epoch),
  }
}

function plainPeer(peer: Peer): InspectedPeer {
  return { id: String(peer.id), address: peer.address, incarnation: String(peer.incarnation) }
}
