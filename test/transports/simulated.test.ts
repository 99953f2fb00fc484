import { conformance } from './conformance.ts'
import { SimulatedHarness } from './harness.ts'

conformance('simulated', () => new SimulatedHarness())
