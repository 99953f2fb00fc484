/** What `chordite node` prints of nodes, their members and their events. */
import type { ChordNode, Events, Member } from '../index.ts'
import { print, printJson } from './output.ts'
import { type PlainMember, plainMember, plainPeer, plainRange, share } from './plain.ts'

type Line = Record<string, unknown>

/** Each as the fields of a line of JSON. */
const LINES: { [E in keyof Events]: (e: Events[E]) => Line } = {
  state: (change) => ({ ...change }),
  warning: ({ code, message }) => ({ code, message }),
  range: ({ member, epoch, cause, range, gained, lost, from, to }) => ({
    id: member.id,
    epoch,
    cause,
    ...(range ? { range: plainRange(range) } : {}),
    gained: gained.map(plainRange),
    lost: lost.map(plainRange),
    ...(from ? { from: plainPeer(from) } : {}),
    ...(to ? { to: plainPeer(to) } : {}),
  }),
  predecessor: neighbor,
  successor: neighbor,
  'peer:up': (peer) => ({ peer: plainPeer(peer) }),
  'peer:down': ({ peer, reason }) => ({ peer: plainPeer(peer), reason }),
  'ring:split': ({ member, peer }) => ({ id: member.id, peer: plainPeer(peer) }),
  'ring:merged': ({ member, peer }) => ({ id: member.id, peer: plainPeer(peer) }),
}

export const EVENTS = Object.keys(LINES) as (keyof Events)[]

export function describedEvent<E extends keyof Events>(event: E, value: Events[E]): Line {
  return { event, ...LINES[event](value) }
}

export function describedMembers(members: readonly Member[]): (PlainMember & { share: number })[] {
  return members.map((member) => {
    const plain = plainMember(member)
    return { ...plain, share: share(plain.range) }
  })
}

/** Of a node, or of one worker of several. */
export function printReady(
  { address, transport }: Pick<ChordNode, 'address' | 'transport'>,
  members: readonly Member[],
  json: boolean,
  worker?: number,
): void {
  const described = describedMembers(members)
  if (json) {
    const of = worker === undefined ? {} : { worker }
    return printJson({ event: 'ready', ...of, address, transport, pid: process.pid, members: described })
  }
  const of = worker === undefined ? '' : `, worker ${worker}`
  const points = described.length === 1 ? `id ${described[0]!.id}` : `${described.length} virtual nodes`
  print(`ready ${address} (${transport} transport${of}, ${points})`)
}

function neighbor({ member, previous, current }: Events['predecessor']): Line {
  return {
    id: member.id,
    ...(previous ? { previous: plainPeer(previous) } : {}),
    ...(current ? { current: plainPeer(current) } : {}),
  }
}
