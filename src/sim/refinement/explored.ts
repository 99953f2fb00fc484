/** The check of every step of a node in a bounded exploration. */
import type { NodeInput, StepCheck } from '../explore/steps.ts'
import { copyOf, stateOf } from './abstract.ts'
import type { StepInput } from './model.ts'
import { complaintOf, explain } from './step.ts'

export const refines: StepCheck = (node, input) => {
  const before = copyOf(stateOf(node))
  return (outputs) => {
    const complaint = complaintOf(before, stepInputOf(input, before.giving?.token ?? 0), outputs, stateOf(node))
    return complaint && explain(complaint)
  }
}

/** All times are NOW_MS there: timers fire because they were chosen. */
function stepInputOf(input: NodeInput, token: number): StepInput {
  switch (input.kind) {
    case 'timer':
    case 'silent':
    case 'self':
      return { kind: 'timeout', expired: [] }
    case 'deadline':
      return { kind: 'timeout', expired: [input.request] }
    case 'lost':
      return { kind: 'connectionLost', address: input.address }
    case 'services':
      return { kind: 'handedOver', token }
    case 'refused':
    case 'departed':
      return { kind: input.kind, address: input.address }
    default:
      return input
  }
}
