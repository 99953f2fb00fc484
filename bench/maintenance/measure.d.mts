import type { CoreConfig } from '../../src/core/chord-node.ts'
import type { Id } from '../../src/core/id.ts'
import type { Cost, CostClass, MaintenanceCost } from '../../src/sim/cost.ts'
import type { placeIdeal } from '../../src/sim/placement.ts'
import type { streamOf } from '../../src/sim/random.ts'
import type { Simulation } from '../../src/sim/simulation.ts'

export interface Modules {
  Simulation: typeof Simulation
  placeIdeal: typeof placeIdeal
  streamOf: typeof streamOf
  MaintenanceCost: typeof MaintenanceCost
  Id: typeof Id
}

export class Upkeep {
  constructor(modules: Modules, o: { nodes: number; rate?: number; halfLife?: number; config?: Partial<CoreConfig> })
  readonly simulation: Simulation
  readonly cost: MaintenanceCost
  measure(warmUp: number, seconds: number): Record<CostClass, Cost>
}
