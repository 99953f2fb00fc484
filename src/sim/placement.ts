/** Rings that are there at once: in whatever state is wanted, right or wrong; or ideal, however large. */
import type { ChordNode } from '../core/chord-node.ts'
import { ID_BITS, type Id } from '../core/id.ts'
import type { Peer } from '../core/messages.ts'
import type { SimMember } from './observer.ts'
import type { Simulation } from './simulation.ts'

/** What a node believes when the simulation begins. */
export interface Placement {
  readonly id: Id
  readonly address: string
  /** Default: 1. */
  readonly incarnation?: bigint
  readonly successors: readonly Id[]
  /** None for a node that takes itself for the ring. */
  readonly predecessor?: Id
  readonly remembered: readonly Id[]
}

/** As given. */
export function placeRing(simulation: Simulation, placements: readonly Placement[]): SimMember[] {
  const peers = new Map<string, Peer>()
  for (const { id, address, incarnation } of placements)
    peers.set(String(id), { id, address, incarnation: incarnation ?? 1n })
  const peer = (id: Id) => peers.get(String(id)) as Peer
  return placements.map((placement) => {
    const self = peer(placement.id)
    return simulation.put(self, (node, nowMs) => {
      const { core } = node
      core.setStatus('joining')
      core.follow(placement.successors.map(peer), nowMs)
      own(node, placement.predecessor === undefined ? undefined : peer(placement.predecessor))
      for (const id of placement.remembered) core.remembered.add(peer(id), true)
      // It has lived like that for long.
      core.changedMs = Number.NEGATIVE_INFINITY
      wind(node, nowMs)
    })
  })
}

export interface IdealOptions {
  /** Of processes and their virtual nodes. */
  readonly nodes: readonly { readonly id: Id; readonly address: string }[]
  /** False: no timer is set, so that nothing is asked or mended before somebody comes or goes. Default: true. */
  readonly upkeep?: boolean
}

/** Everybody knows everybody they should: neighbors, lists, ranges, fingers. In ring order. */
export function placeIdeal(simulation: Simulation, o: IdealOptions): SimMember[] {
  const peers = o.nodes.map(({ id, address }): Peer => ({ id, address, incarnation: 1n }))
  peers.sort((a, b) => a.id.compare(b.id))
  return peers.map((self, index) =>
    simulation.put(self, (node, nowMs) => {
      node.core.setStatus('joining')
      node.core.follow(followers(peers, index, simulation.config.successors), nowMs)
      own(node, peers.length === 1 ? undefined : at(peers, index - 1))
      point(node, peers)
      if (o.upkeep !== false) return wind(node, nowMs)
      for (const timer of Object.keys(node.core.timers) as (keyof typeof node.core.timers)[]) {
        node.core.timers[timer] = Number.POSITIVE_INFINITY
      }
    }),
  )
}

/** Enough that the list is full, whichever of them are virtual nodes of one process. */
function followers(peers: readonly Peer[], index: number, successors: number): Peer[] {
  const count = Math.min(4 * successors + 1, peers.length)
  return Array.from({ length: count }, (_, i) => at(peers, index + 1 + i))
}

/** `(predecessor, self]`; everything without one. */
function own({ core, self }: ChordNode, predecessor: Peer | undefined): void {
  core.sole = predecessor === undefined
  core.setPredecessor(predecessor, true)
  core.boundary = { peer: predecessor ?? self, dead: false }
  const range = { after: (predecessor ?? self).id, upTo: self.id }
  core.setRange(range, { gained: range, cause: 'create' })
}

/** Not all nodes at the same instant. */
function wind({ core }: ChordNode, nowMs: number): void {
  const { timers, config, random } = core
  const within = (ms: number) => nowMs + (random.nextUint32() % Math.ceil(ms))
  timers.stabilizeMs = within(config.stabilizeMinMs)
  timers.neighborsMs = within(config.stabilizeMaxMs / 2)
  timers.selfLookupMs = within(config.selfLookupMs)
}

/** Every finger, where it belongs. One search serves all that point to the same owner. */
function point({ core, self }: ChordNode, peers: readonly Peer[]): void {
  for (let bit = 0; bit < ID_BITS; ) {
    const index = ownerIndex(peers, self.id.addPowerOfTwo(bit))
    bit = core.fingers.cover(at(peers, index - 1).id, at(peers, index), bit)
  }
  core.tableVersion++
}

function ownerIndex(peers: readonly Peer[], key: Id): number {
  let low = 0
  let high = peers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (at(peers, middle).id.compare(key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Around the ring. */
function at(peers: readonly Peer[], index: number): Peer {
  return peers[(index + peers.length) % peers.length] as Peer
}
