/** What an explorer needs of a model: where it starts, and every step that can be taken from a state. */
import type { Nodes, Ring } from './nodes.ts'

export interface Model {
  readonly nodes: Nodes
  initial(): Ring
  steps(ring: Ring, visit: Visit): void
}

/** A step and the state after it. `other` is whom the step involves beside `at`; `NONE` if nobody. */
export type Visit = (next: Ring, name: StepName, at: number, other: number) => void

export type StepName =
  | 'fail'
  | 'join'
  | 'stabilize'
  | 'adopt'
  | 'rectify'
  // The original protocol's.
  | 'flush'
  | 'update'
  | 'reconcile'

/** A model's bounds. */
export interface Bounds {
  /** Ids 0 … nodes − 1. */
  readonly nodes: number
  /** Entries of a successor list. */
  readonly successors: number
  /** The ideal ring to start from. */
  readonly initial: readonly number[]
  /** Nobody fails if fewer principals than that were left; 0: anybody may whose failure leaves every list a live entry. */
  readonly principals: number
}

/** The bounds of the published counts: with lists of two, Zave's invariant asks for three principals. */
export const PUBLISHED: Bounds = { nodes: 5, successors: 2, initial: [0, 2, 4], principals: 3 }
