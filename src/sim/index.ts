/** Everything that `chordite/sim` offers: whole nodes in simulated worlds, the simulator of cores, the model checker. */

// Whole nodes, for those who write services.
export type { Delay } from './conditions.ts'
export type { Label } from './random.ts'
export { Stream, streamOf } from './random.ts'
export type { Memory } from './whole/disk.ts'
export type { Handover, HandoverStep } from './whole/handover.ts'
export type { SetUp, WorldNode } from './whole/process.ts'
export type { ClockFault } from './whole/process-clock.ts'
export type { Who } from './whole/processes.ts'
export { World, type WorldOptions } from './whole/world.ts'
