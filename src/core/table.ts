/** What a node routes by: successors and fingers in one sorted list, without the suspect. */
import type { Id } from './id.ts'
import type { Peer } from './messages.ts'
import { RoutingTable } from './routing-table.ts'
import type { Core } from './state.ts'

interface Table {
  version: number
  /** In ring order from self on, each once. */
  peers: Peer[]
  /** Successors that are not suspect: neighbouring entries delimit ranges. */
  successors: Peer[]
  /** How often it has been searched, and what is prepared for more of it. */
  searches: number
  prepared: RoutingTable | undefined
}

/** A table that changes soon again is not worth preparing: that costs as much as a few hundred searches. */
const SEARCHES_UNPREPARED = 256

const tables = new WeakMap<Core, Table>()

function tableOf(core: Core): Table {
  const known = tables.get(core)
  const version = core.tableVersion + core.detector.dropped
  if (known?.version === version) return known
  const live = (peer: Peer) => !core.detector.isSuspect(peer)
  const successors = core.successors.filter(live)
  const peers = [...successors]
  for (const finger of core.fingers.distinct()) {
    if (live(finger) && !peers.some((peer) => peer.id.equals(finger.id))) peers.push(finger)
  }
  const { id } = core.self
  peers.sort((a, b) => (a.id.isBetween(id, b.id) ? -1 : 1))
  const table = { version, peers, successors, searches: 0, prepared: undefined }
  tables.set(core, table)
  return table
}

/** Up to `count` known nodes in (self, key), nearest to the key first (paper, `closest_preceding_node`). */
export function closestPreceding(core: Core, key: Id, count: number): Peer[] {
  const { peers } = tableOf(core)
  const end = precedingCount(core, key)
  const out: Peer[] = []
  for (let i = end - 1; i >= 0 && out.length < count; i--) out.push(peers[i] as Peer)
  return out
}

/** Number of table entries in (self, key). */
function precedingCount(core: Core, key: Id): number {
  const table = tableOf(core)
  const { peers } = table
  if (table.prepared === undefined && ++table.searches > SEARCHES_UNPREPARED) {
    table.prepared = new RoutingTable(
      core.self.id,
      peers.map(({ id }) => id),
    )
  }
  if (table.prepared !== undefined) return table.prepared.precedingIndex(key) + 1
  let low = 0
  let high = peers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((peers[middle] as Peer).id.isBetween(core.self.id, key)) low = middle + 1
    else high = middle
  }
  return low
}

export interface NextHop {
  readonly to: Peer
  /** We believe that it owns the key. */
  readonly final: boolean
}

/**
 * The owner, if the key lies among our successors; otherwise the closest preceding node. `attempt` n passes over the n
 * best of the latter, for another try by another way.
 */
export function nextHop(core: Core, key: Id, attempt: number): NextHop | undefined {
  const { peers, successors } = tableOf(core)
  const first = successors[0]
  if (first === undefined) return undefined
  if (key.isBetweenOrEnd(core.self.id, first.id)) return { to: first, final: true }
  if (attempt === 0) {
    for (let i = 1; i < successors.length; i++) {
      const peer = successors[i] as Peer
      if (key.isBetweenOrEnd((successors[i - 1] as Peer).id, peer.id)) return { to: peer, final: true }
    }
  }
  const preceding = precedingCount(core, key)
  const to = peers[Math.max(0, preceding - 1 - attempt)]
  return to === undefined ? undefined : { to, final: false }
}
