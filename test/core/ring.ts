/** Small helpers to write rings down in tests: ids, and processes with one virtual node each. */
import type { ChordNode } from '../../src/core/chord-node.ts'
import { Id } from '../../src/core/id.ts'
import type { CoreConfig } from '../../src/core/state.ts'
import type { Stream } from '../../src/sim/random.ts'
import { Simulation } from '../../src/sim/simulation.ts'

export function smallId(n: number): Id {
  return new Id(0, 0, 0, 0, n)
}

export function randomId(random: Stream): Id {
  const word = () => random.nextUint32()
  return new Id(word(), word(), word(), word(), word())
}

/** A process with one virtual node that makes a ring, or joins through the process at `via`. */
export function add(ring: Simulation, id: Id, via?: string): ChordNode {
  const address = `n${ring.processes.size}`
  const [member] = ring.start({ address, ids: [id], ...(via !== undefined && { via }) })
  return member!.node
}

/** So many nodes that have joined one after the other, at one instant. */
export function joined(seed: number, nodes: number, config: Partial<CoreConfig> = {}): Simulation {
  const ring = new Simulation({ seed, config, conditions: { delay: { kind: 'uniform', minMs: 1, maxMs: 3 } } })
  const random = ring.stream('ids')
  const first = add(ring, randomId(random))
  for (let i = 1; i < nodes; i++) add(ring, randomId(random), first.self.address)
  return ring
}

/** The same, when the ring is ideal. */
export function formed(seed: number, nodes: number, config: Partial<CoreConfig> = {}): Simulation {
  const ring = joined(seed, nodes, config)
  ring.settle(20_000)
  return ring
}

/** In ring order. */
export function nodesOf(ring: Simulation): ChordNode[] {
  return ring.sorted().map(({ node }) => node)
}
