/** What `chordite check core` explores: small rings, each with a few things that may happen, in any order. */
import type { Exploration } from './explorer.ts'

export interface Row {
  readonly name: string
  /** Takes a minute or more: only if asked for. */
  readonly large: boolean
  readonly exploration: Exploration
}

const NOTHING = {
  ...{ joins: 0, crashes: 0, leaves: 0, losses: 0, duplicates: 0, late: 0, selfLookups: false, refuses: true },
  ...{ successors: 2, evictAfterMisses: 2, onIsolated: 'wait' as const, fairEvery: 50 },
} as const

type Given = Partial<Exploration> & Pick<Exploration, 'nodes' | 'ring' | 'inFlight'>

export const ROWS: readonly Row[] = [
  row('one joins two', { nodes: 3, ring: [0, 1], inFlight: 1, joins: 1 }),
  row('one joins two', { nodes: 3, ring: [0, 1], inFlight: 2, joins: 1 }),
  row('one joins two', { nodes: 3, ring: [0, 1], inFlight: 3, joins: 1 }),
  row('one joins two, and all look themselves up', {
    nodes: 3,
    ring: [0, 1],
    inFlight: 1,
    joins: 1,
    selfLookups: true,
  }),
  row('two join one', { nodes: 3, ring: [0], inFlight: 1, joins: 2 }),
  row('two join two', { nodes: 4, ring: [0, 2], inFlight: 1, joins: 2 }),
  row('one joins two, a message is lost', { nodes: 3, ring: [0, 1], inFlight: 1, joins: 1, losses: 1 }),
  row('one joins two, a message comes twice', { nodes: 3, ring: [0, 1], inFlight: 1, joins: 1, duplicates: 1 }),
  row('one joins two, an answer is late', { nodes: 3, ring: [0, 1], inFlight: 1, joins: 1, late: 1 }),
  row('one of three crashes', { nodes: 3, ring: [0, 1, 2], inFlight: 1, crashes: 1 }),
  row('one of three vanishes', { nodes: 3, ring: [0, 1, 2], inFlight: 1, crashes: 1, refuses: false }),
  row('one of three crashes and comes back', { nodes: 3, ring: [0, 1, 2], inFlight: 1, crashes: 1, joins: 1 }),
  row('one joins two, one crashes', { nodes: 3, ring: [0, 1], inFlight: 1, joins: 1, crashes: 1 }),
  row('two of three leave', { nodes: 3, ring: [0, 1, 2], inFlight: 1, leaves: 2 }),
  row('one joins two, one leaves', { nodes: 3, ring: [0, 1], inFlight: 1, joins: 1, leaves: 1 }),
  row('one joins one, one leaves', { nodes: 3, ring: [0], inFlight: 1, joins: 1, leaves: 1 }),
  row('one joins one, one crashes', { nodes: 3, ring: [0], inFlight: 1, joins: 1, crashes: 1 }),
  large('one of three crashes', { nodes: 3, ring: [0, 1, 2], inFlight: 2, crashes: 1 }),
  large('two join one', { nodes: 3, ring: [0], inFlight: 2, joins: 2 }),
  large('two join two', { nodes: 4, ring: [0, 2], inFlight: 2, joins: 2 }),
  large('two join one, one leaves', { nodes: 3, ring: [0], inFlight: 1, joins: 2, leaves: 1 }),
  large('one joins two, two leave', { nodes: 3, ring: [0, 1], inFlight: 1, joins: 1, leaves: 2 }),
  large('one of three leaves, one crashes', { nodes: 3, ring: [0, 1, 2], inFlight: 1, leaves: 1, crashes: 1 }),
  large('all of three leave', { nodes: 3, ring: [0, 1, 2], inFlight: 1, leaves: 3 }),
  large('one joins two, one crashes, a message is lost', {
    nodes: 3,
    ring: [0, 1],
    inFlight: 1,
    joins: 1,
    crashes: 1,
    losses: 1,
  }),
  large('two of three leave, a message is lost', { nodes: 3, ring: [0, 1, 2], inFlight: 1, leaves: 2, losses: 1 }),
  large('one joins three, one crashes', { nodes: 4, ring: [0, 1, 2], inFlight: 1, joins: 1, crashes: 1 }),
  large('one joins two, an answer is late', { nodes: 3, ring: [0, 1], inFlight: 2, joins: 1, late: 1 }),
]

function row(name: string, given: Given): Row {
  return { name, large: false, exploration: { ...NOTHING, limit: 2_000_000, ...given } }
}

function large(name: string, given: Given): Row {
  return { ...row(name, { limit: 5_000_000, fairEvery: 500, ...given }), large: true }
}
