/** What runs on top of a node. */
import type { ChordNode, NodeState, RangeChange } from './node.ts'
import type { Member } from './ring.ts'

/** A clock that a service must use instead of `Date` and timers, so that it also runs under the simulator. */
export interface Clock {
  nowMs(): number
  setTimer(afterMs: number, fn: () => void): Disposable
}

/** Randomness that a service must use, so that a simulated run can be repeated. */
export interface Random {
  /** 32 uniform random bits as an unsigned number. */
  nextUint32(): number
  /** Uniform in [0, 1). */
  nextFloat(): number
}

/** What a service sees of the node that it runs on. */
export type ServiceNode = Pick<
  ChordNode,
  | 'lookup'
  | 'lookupMany'
  | 'send'
  | 'sendMany'
  | 'request'
  | 'requestMany'
  | 'sendTo'
  | 'requestTo'
  | 'openStream'
  | 'openStreamTo'
  | 'handle'
  | 'handleBatch'
  | 'handleStream'
  | 'owns'
> & { readonly members: readonly Member[]; readonly address: string; readonly state: NodeState }

/** Lives on a node or in the simulator; told before and while ranges move. */
export interface Service {
  name: string
  start(context: { node: ServiceNode; clock: Clock; random: Random }): void
  stop(): Promise<void>
  /** A range is about to be given away (`change.lost`, to `change.to`): get ready. Still served here. */
  prepare?(change: RangeChange): Promise<void>
  /**
   * Move the data. The new owner does not serve yet; this node still does. Once this resolves the new owner may serve at any time, and
   * this node still receives what is meant for the owner until `commit`: whoever must not answer from old data asks `change.to` first.
   */
  transfer?(change: RangeChange): Promise<void>
  /** The change has happened: called on who lost and on who gained, before the `range` event. */
  commit?(change: RangeChange): void
}
