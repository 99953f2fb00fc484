/** Checks every step of every core of a simulated ring against the model. Slow: for small runs. */
import type { Output } from '../../core/output.ts'
import type { Input } from '../input.ts'
import type { Observer, SimMember } from '../observer.ts'
import { copyOf, type NodeState, stateOf } from './abstract.ts'
import type { StepInput } from './model.ts'
import { complaintOf, explain } from './step.ts'

interface UnderWay {
  readonly before: NodeState
  readonly input: Input
  readonly nowMs: number
  readonly outputs: Output[]
}

export class Refinement implements Observer {
  /** Steps that were checked. */
  steps = 0
  /** At most this many are kept. */
  static readonly MAX = 10
  readonly violations: { readonly address: string; readonly step: string; readonly what: string }[] = []
  readonly #underWay = new Map<SimMember, UnderWay>()

  input(member: SimMember, input: Input, nowMs: number): void {
    this.#underWay.delete(member)
    // To be put somewhere in the middle of life is no step.
    if (input.kind === 'placed') return
    this.#underWay.set(member, { before: copyOf(stateOf(member.node)), input, nowMs, outputs: [] })
  }

  output(member: SimMember, output: Output): void {
    this.#underWay.get(member)?.outputs.push(output)
  }

  stepped(member: SimMember): void {
    const step = this.#underWay.get(member)
    if (step === undefined) return
    this.#underWay.delete(member)
    this.steps++
    const after = stateOf(member.node)
    const complaint = complaintOf(step.before, stepInputOf(step, after), step.outputs, after)
    if (complaint === undefined || this.violations.length >= Refinement.MAX) return
    const { kind } = step.input
    const name = step.input.kind === 'message' ? `${step.input.message.type} from ${step.input.from.address}` : kind
    this.violations.push({ address: member.process.address, step: name, what: explain(complaint) })
  }
}

/** A deadline that was moved, since we were stalled ourselves, has not passed. */
function stepInputOf({ before, input, nowMs }: UnderWay, after: NodeState): StepInput {
  if (input.kind !== 'timeout') return input as StepInput
  const due = [...before.asked].filter(([, asked]) => asked.deadlineMs <= nowMs)
  const expired = due.filter(([request, { excused }]) => excused || !after.asked.get(request)?.excused)
  return { kind: 'timeout', expired: expired.map(([request]) => request) }
}
