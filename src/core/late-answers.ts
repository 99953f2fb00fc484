/**
 * Questions whose deadline has passed. Their answers come too late to be used, but without their round trips a far peer
 * would be asked with the same short patience for ever, and never be heard in time.
 */
import { type Peer, samePeer } from './messages.ts'
import type { PendingQuestion } from './state.ts'

/** The oldest is forgotten beyond this many. */
const QUESTIONS_MAX = 256
/** A peer that was merely stalled must not make us patient for long: of how long we waited, no more counts. */
const GROWTH_MAX = 2

export class LateAnswers {
  readonly #questions = new Map<number, PendingQuestion>()

  add(question: PendingQuestion): void {
    this.#questions.set(question.request, question)
    if (this.#questions.size <= QUESTIONS_MAX) return
    const oldest = this.#questions.keys().next().value
    if (oldest !== undefined) this.#questions.delete(oldest)
  }

  /** Oldest first. */
  dump(): readonly PendingQuestion[] {
    return [...this.#questions.values()]
  }

  restore(questions: readonly PendingQuestion[]): void {
    this.#questions.clear()
    for (const question of questions) this.#questions.set(question.request, question)
  }

  /** The round trip of an answer from `from`, as far as it counts; undefined if nothing is known of the question. */
  take(request: number, from: Peer, nowMs: number): number | undefined {
    const question = this.#questions.get(request)
    if (question === undefined || !samePeer(question.to, from)) return undefined
    this.#questions.delete(request)
    const { sentMs, deadlineMs } = question
    return Math.min(nowMs - sentMs, GROWTH_MAX * (deadlineMs - sentMs))
  }
}
