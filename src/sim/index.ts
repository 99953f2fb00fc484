/** Everything that `chordite/sim` offers: whole nodes in simulated worlds, the simulator of cores, the model checker. */

// Whole nodes, for those who write services.
export type { Delay } from './conditions.ts'
export type { Label } from './random.ts'
export { Stream, streamOf } from './random.ts'
export type { Memory } from './whole/disk.ts'
export type { Handover, HandoverStep } from './whole/handover.ts'
export { playWhole, type WholeOutcome } from './whole/play.ts'
export type { SetUp, WorldNode } from './whole/process.ts'
export type { ClockFault } from './whole/process-clock.ts'
export type { Who } from './whole/processes.ts'
export { type SwarmOptions, type SwarmSummary, swarm } from './whole/swarm.ts'
export { FAULTS, type FaultName, type TroubleOptions } from './whole/trouble.ts'
export { type CalmOptions, World, type WorldOptions } from './whole/world.ts'

// What real nodes recorded.

export { readRecordings } from './record/files.ts'
export {
  type Deviation,
  type Recording,
  type Replayed,
  type ReplayOptions,
  replay,
  type Step as ReplayStep,
} from './record/replay.ts'

// Rings of cores, for those who test the protocol or measure it.

export { type Conditions, DEFAULT_CONDITIONS } from './conditions.ts'
export type { Input } from './input.ts'
export type { Start } from './lives.ts'
export type {
  Cause,
  EndedLookup,
  Fault,
  FaultKind,
  Flight,
  LookupFailure,
  Observer,
  SimMember,
} from './observer.ts'
export { type IdealOptions, type Placement, placeIdeal, placeRing } from './placement.ts'
export type { Phase } from './process.ts'
export { Simulation, type SimulationOptions } from './simulation.ts'
export { Trace } from './trace.ts'
export { combineHashes, TraceHash } from './trace-hash.ts'
export type { LookupOptions } from './traffic.ts'

// Plans, drawn from seeds, and scenarios: what `chordite sim` plays.

export type { Action, Plan, Settings } from './plan.ts'
export { type Outcome as PlanOutcome, play as playPlan } from './play.ts'
export { playScenario } from './scenario.ts'
export { planToText } from './scenario-text.ts'
export { type ShrinkOptions, shrink as shrinkPlan } from './shrink.ts'
export { planOf } from './swarm.ts'

// What upkeep costs.

export { COST_CLASSES, type Cost, type CostClass, MaintenanceCost } from './cost.ts'

// The model checker: what `chordite check` runs.

export { CHECKS } from './checks.ts'
export type { Check, CheckOptions, Counterexample, Outcome, Report } from './model/outcome.ts'
