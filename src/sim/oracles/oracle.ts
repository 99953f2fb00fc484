/**
 * What every oracle is: a part that is told what has changed, and reports what must not be. Costs follow changes, not
 * events: an event that changes no list, pointer, range or status costs a handful of comparisons for all of them together.
 */

import type { CoreEvent } from '../../core/output.ts'
import type { Core, CoreConfig } from '../../core/state.ts'
import type { Input } from '../input.ts'
import type { Cause, EndedLookup, Fault, Flight, SimMember } from '../observer.ts'
import type { Gone, Seen } from './view.ts'

export const ORACLES = [
  'lists',
  'invariant',
  'ring',
  'ranges',
  'ideal',
  'lookups',
  'events',
  'mace',
  'hearsay',
] as const
export type OracleName = (typeof ORACLES)[number]

/** Something that must never be. */
export interface Violation {
  readonly oracle: OracleName
  readonly atMs: number
  /** Number of the event after which it was seen. */
  readonly event: number
  /** Ids of the members concerned. */
  readonly members: readonly string[]
  readonly text: string
}

/** What oracles need to know of a simulation. */
export interface World {
  readonly nowMs: number
  /** How many events there have been. */
  readonly events: number
  readonly config: CoreConfig
  /** Addresses that processes find when they look their seeds up. */
  readonly seeds?: readonly string[]
}

/** Of a member, what is not as it was before its last input. */
export const LIST = 1
export const PREDECESSOR = 2
export const RANGE = 4
export const STATUS = 8
export const HANDOVER = 16

/** All optional; within one event called in this order. */
export interface Oracle {
  readonly name: OracleName
  fault?(fault: Fault): void
  started?(seen: Seen): void
  sent?(flight: Flight): void
  landed?(flight: Flight): void
  /** Its core is about to be given that. */
  input?(member: SimMember, input: Input): void
  event?(seen: Seen, event: CoreEvent): void
  /** It has become a live member, or is none any more. */
  joined?(seen: Seen): void
  gone?(seen: Seen, how: Gone): void
  /** `what`: bits of LIST, PREDECESSOR, ... */
  changed?(seen: Seen, what: number): void
  /** Its process ended; nothing comes from it any more. */
  stopped?(seen: Seen): void
  /** The event is over. `cause` is 'stopped' when a member ended without an input. */
  settled?(seen: Seen, cause: Cause | 'stopped'): void
  lookup?(ended: EndedLookup): void
  /** The quiet phase is over. */
  end?(): void
  /** Numbers to add up over runs; those that end in `Max` are not added. */
  summary?(): Readonly<Record<string, number>>
}

export type Report = (oracle: OracleName, members: readonly Seen[], text: string) => void

export function coreOf(member: SimMember): Core {
  return member.node.core
}
