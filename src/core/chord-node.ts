/** SKELETON: the signatures that the runtime codes against. LEAD fills this in. */
import type { Id } from './id.ts'
import type { Message, Peer, Range } from './messages.ts'
import type { CoreStatus, Output } from './output.ts'

export interface CoreConfig {
  successors: number
  onIsolated: 'wait' | 'serve'
  stabilizeMinMs: number
  stabilizeMaxMs: number
  probeMinMs: number
  probeMaxMs: number
  evictAfterMisses: number
  fingersMinMs: number
  fingersMaxMs: number
  selfLookupMs: number
  rejoinMinMs: number
  rejoinMaxMs: number
  handoverMs: number
  rememberedPeers: number
}

/** Where a routed frame goes. Decided by `route` in `router.ts` over all members of a process. */
export type Decision =
  | { readonly kind: 'deliver'; readonly member: ChordNode }
  | { readonly kind: 'forward'; readonly to: Peer; readonly final: boolean; readonly finalSteps: number }
  | { readonly kind: 'unsettled' }
  | { readonly kind: 'isolated' }

export declare class ChordNode {
  readonly self: Peer
  constructor(o: { self: Peer; config: CoreConfig; random: { nextUint32(): number } })

  // Inputs. After each, drain `poll()`.
  create(nowMs: number): void
  /** Join through contacts; more can be given by `contact` at any time. */
  join(contacts: readonly Peer[], nowMs: number): void
  contact(peer: Peer, nowMs: number): void
  leave(nowMs: number): void
  handleMessage(from: Peer, request: number, message: Message, nowMs: number): void
  handleTimeout(nowMs: number): void
  /** Nobody listens at the address any more, or a process of another incarnation does: every peer there is dead. */
  refused(address: string, nowMs: number): void
  /** A connection to the address broke without a goodbye: probe at once. */
  connectionLost(address: string, nowMs: number): void
  /** The process at the address said that it leaves for good. */
  departed(address: string, nowMs: number): void
  handedOver(token: number, nowMs: number): void

  // Outputs.
  poll(): Output | undefined
  /** When `handleTimeout` wants to be called next; Infinity for never. */
  nextTimeout(): number

  // Views.
  readonly status: CoreStatus
  readonly predecessor: Peer | undefined
  readonly successors: readonly Peer[]
  readonly range: Range | undefined
  readonly epoch: bigint
  owns(key: Id): boolean
  /** Peers to remember across restarts, most recently alive first. */
  remembered(): Peer[]
  /** Addresses that it routes by: successors, predecessor, fingers. */
  routingAddresses(): Set<string>
}

/** `attempt` n avoids the n best next hops, for retries by another way. */
export declare function route(
  members: readonly ChordNode[],
  key: Id,
  final: boolean,
  finalSteps: number,
  attempt: number,
): Decision
