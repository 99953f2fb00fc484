/** Walks a ring along its first successors, asking each process to describe its members, and notes what is wrong. */
import { type Caller, ChordError, Id, json, type MessageType } from '../index.ts'
import type { PlainMember, PlainPeer } from './plain.ts'

interface Description extends PlainMember {
  /** Every virtual node of the process that answers. */
  members: PlainMember[]
}

const INSPECT: MessageType<Record<string, never>, Description> = {
  name: 'chordite.inspect',
  request: json(),
  reply: json(),
}

export interface Walk {
  /** In the order of the ring, from the member that was asked first. */
  members: PlainMember[]
  /** One sentence for each thing that an ideal ring would not show. */
  breaks: string[]
}

export async function walk(caller: Caller, contacts: readonly string[], timeoutMs: number): Promise<Walk> {
  const known = new Map<string, PlainMember>()
  const ask = async (peer: string | PlainPeer): Promise<PlainMember> => {
    const seen = typeof peer === 'string' ? undefined : known.get(peer.id)
    if (seen) return seen
    const answer = await caller.requestTo(toPeer(peer), INSPECT, {}, { timeoutMs, idempotent: true })
    for (const member of answer.members) known.set(member.id, member)
    return answer
  }

  const breaks: string[] = []
  const first = await askAny(contacts, ask)
  const members = [first]
  const visited = new Set([first.id])
  for (let at = first; ; ) {
    const next = await nextAfter(at, ask, breaks)
    if (!next) break
    compare(at, next, breaks)
    if (next.id === first.id) break
    if (visited.has(next.id)) {
      breaks.push(`the walk from ${name(first)} never comes back to it: it runs into a circle at ${name(next)}`)
      break
    }
    visited.add(next.id)
    members.push(next)
    at = next
  }
  return { members, breaks }
}

async function askAny(contacts: readonly string[], ask: (at: string) => Promise<PlainMember>): Promise<PlainMember> {
  let failure: unknown
  for (const contact of contacts) {
    try {
      return await ask(contact)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** The first successor that answers; itself for a ring of one. */
async function nextAfter(
  at: PlainMember,
  ask: (peer: PlainPeer) => Promise<PlainMember>,
  breaks: string[],
): Promise<PlainMember | undefined> {
  if (at.successors.length === 0) return at
  for (const successor of at.successors) {
    try {
      return await ask(successor)
    } catch (error) {
      if (!(error instanceof ChordError)) throw error
      breaks.push(`${name(successor)}, a successor of ${name(at)}, does not answer: ${error.message} (${error.code})`)
    }
  }
  breaks.push(`no successor of ${name(at)} answers`)
  return undefined
}

function compare(at: PlainMember, next: PlainMember, breaks: string[]): void {
  if (at.id === next.id) return
  const behind = next.predecessor
  if (behind?.id !== at.id) {
    breaks.push(
      `${name(at)} has the successor ${name(next)}, whose predecessor is ${behind ? name(behind) : 'unknown'}`,
    )
  }
  if (!next.range) breaks.push(`${name(next)} owns no range`)
  else if (next.range.after !== at.id || next.range.upTo !== next.id) {
    breaks.push(`${name(next)} owns (${next.range.after}, ${next.range.upTo}], not all from its predecessor to itself`)
  }
}

function name(peer: PlainPeer): string {
  return `${peer.address} (${peer.id.slice(0, 8)})`
}

function toPeer(peer: string | PlainPeer) {
  if (typeof peer === 'string') return peer
  return { id: Id.parse(peer.id), address: peer.address, incarnation: BigInt(peer.incarnation) }
}
