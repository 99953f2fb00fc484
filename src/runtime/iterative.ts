/** Look-ups that ask the way themselves, step by step: on request, and when routing by others does not get there. */
import type { Clock, Peer } from '../api.ts'
import { ITERATIVE_STEPS_MAX } from '../core/config.ts'
import type { Id } from '../core/id.ts'
import type { Message } from '../core/messages.ts'
import type { Call } from './calls.ts'
import { RUNTIME_QUESTIONS } from './maintenance.ts'

export interface IterativeOptions {
  clock: Clock
  ask(to: Peer, request: number, message: Message): void
  /** Where to begin: the nodes we know that precede the key most closely. */
  start(key: Id): readonly Peer[]
  /** This is whom to ask for the range. */
  found(call: Call, owner: Peer, nowMs: number): void
  /** Nobody is left to ask. */
  lost(call: Call, nowMs: number): void
}

interface Walk {
  readonly call: Call
  readonly high: number
  readonly key: Id
  readonly asked: Set<string>
  candidates: Peer[]
  steps: number
  request: number
  timer: Disposable | undefined
}

/** How long one node is given for its answer. */
const QUESTION_MS = 400
const CANDIDATES_MAX = 16

export class Iterative {
  readonly #o: IterativeOptions
  readonly #walks = new Map<number, Walk>()
  #next = 0

  constructor(o: IterativeOptions) {
    this.#o = o
  }

  start(call: Call, key: Id, nowMs: number): void {
    const walk: Walk = {
      call,
      high: call.high,
      key,
      asked: new Set(),
      candidates: [...this.#o.start(key)],
      steps: 0,
      request: 0,
      timer: undefined,
    }
    call.state = 'elsewhere'
    this.#step(walk, nowMs)
  }

  answer(from: Peer, request: number, message: Message): void {
    const walk = this.#walks.get(request)
    if (walk === undefined) return
    this.#end(walk)
    if (walk.call.high !== walk.high || walk.call.state !== 'elsewhere') return
    const nowMs = this.#o.clock.nowMs()
    if (message.type !== 'closestKnown') return this.#step(walk, nowMs)
    if (message.done) {
      walk.call.steps = walk.steps
      return this.#o.found(walk.call, message.successors[0] ?? from, nowMs)
    }
    for (const peer of message.next) {
      if (!walk.asked.has(nameOf(peer))) walk.candidates.push(peer)
    }
    const { key } = walk
    walk.candidates.sort((a, b) => a.id.distanceTo(key).compare(b.id.distanceTo(key)))
    walk.candidates.length = Math.min(walk.candidates.length, CANDIDATES_MAX)
    this.#step(walk, nowMs)
  }

  stop(): void {
    for (const walk of this.#walks.values()) walk.timer?.[Symbol.dispose]()
    this.#walks.clear()
  }

  #step(walk: Walk, nowMs: number): void {
    const next = walk.candidates.find((peer) => !walk.asked.has(nameOf(peer)))
    if (next === undefined || ++walk.steps > ITERATIVE_STEPS_MAX) return this.#o.lost(walk.call, nowMs)
    walk.asked.add(nameOf(next))
    walk.request = RUNTIME_QUESTIONS + this.#next
    this.#next = (this.#next + 1) % RUNTIME_QUESTIONS
    this.#walks.set(walk.request, walk)
    walk.timer = this.#o.clock.setTimer(QUESTION_MS, () => {
      this.#end(walk)
      if (walk.call.high === walk.high && walk.call.state === 'elsewhere') this.#step(walk, this.#o.clock.nowMs())
    })
    this.#o.ask(next, walk.request, { type: 'closest', key: walk.key, joiner: false })
  }

  #end(walk: Walk): void {
    this.#walks.delete(walk.request)
    walk.timer?.[Symbol.dispose]()
  }
}

function nameOf(peer: Peer): string {
  return `${peer.id} ${peer.incarnation}`
}
