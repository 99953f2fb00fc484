/** Look-ups that ask the way themselves, step by step: on request, and when routing by others does not get there. */
import type { Clock, Peer } from '../api.ts'
import { ATTEMPT_MAX_MS, ITERATIVE_STEPS_MAX } from '../core/config.ts'
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
  /** All who seem to be nearer are silent, and this one may know who follows them. */
  through(call: Call, nearest: Peer, nowMs: number): void
  /** Nobody is left to ask, and nobody has answered. */
  lost(call: Call, nowMs: number): void
}

interface Walk {
  readonly call: Call
  readonly high: number
  readonly key: Id
  readonly startMs: number
  readonly asked: Set<string>
  candidates: Peer[]
  /** Of those that answered. */
  nearest: Peer | undefined
  steps: number
  /** Questions that may still be answered, the last one last. */
  readonly requests: number[]
  /** For any answer: everybody has been asked. */
  isWaiting: boolean
  timer: Disposable | undefined
}

/** After this long another is asked as well; an answer that comes later still counts. */
const QUESTION_MS = 200
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
      startMs: nowMs,
      asked: new Set(),
      candidates: [...this.#o.start(key)],
      nearest: undefined,
      steps: 0,
      requests: [],
      isWaiting: false,
      timer: undefined,
    }
    call.state = 'elsewhere'
    this.#step(walk, nowMs)
  }

  answer(from: Peer, request: number, message: Message): void {
    const walk = this.#walks.get(request)
    if (walk === undefined) return
    this.#walks.delete(request)
    if (!isOn(walk)) return this.#end(walk)
    const isLast = walk.isWaiting || request === walk.requests.at(-1)
    const nowMs = this.#o.clock.nowMs()
    if (message.type !== 'closestKnown') return isLast ? this.#step(walk, nowMs) : undefined
    if (message.done) {
      this.#end(walk)
      walk.call.steps = walk.steps
      return this.#o.found(walk.call, message.successors[0] ?? from, nowMs)
    }
    if (isNearer(from, walk.nearest, walk.key)) walk.nearest = from
    for (const peer of message.next) {
      if (!walk.asked.has(nameOf(peer))) walk.candidates.push(peer)
    }
    const { key } = walk
    walk.candidates.sort((a, b) => a.id.distanceTo(key).compare(b.id.distanceTo(key)))
    walk.candidates.length = Math.min(walk.candidates.length, CANDIDATES_MAX)
    if (isLast) this.#step(walk, nowMs)
  }

  stop(): void {
    for (const walk of this.#walks.values()) walk.timer?.[Symbol.dispose]()
    this.#walks.clear()
  }

  #step(walk: Walk, nowMs: number): void {
    const { call, asked, nearest, key } = walk
    walk.timer?.[Symbol.dispose]()
    const next = walk.candidates.find((peer) => !asked.has(nameOf(peer)) && isNearer(peer, nearest, key))
    const leftMs = walk.startMs + ATTEMPT_MAX_MS - nowMs
    if (next === undefined && nearest === undefined && leftMs > 0 && this.#mayBeAnswered(walk)) {
      walk.isWaiting = true
      return this.#after(walk, leftMs)
    }
    if (next === undefined || ++walk.steps > ITERATIVE_STEPS_MAX) {
      this.#end(walk)
      call.steps = walk.steps
      return nearest === undefined ? this.#o.lost(call, nowMs) : this.#o.through(call, nearest, nowMs)
    }
    walk.isWaiting = false
    walk.asked.add(nameOf(next))
    const request = RUNTIME_QUESTIONS + this.#next
    this.#next = (this.#next + 1) % RUNTIME_QUESTIONS
    walk.requests.push(request)
    this.#walks.set(request, walk)
    this.#after(walk, QUESTION_MS)
    this.#o.ask(next, request, { type: 'closest', key, joiner: false })
  }

  #mayBeAnswered({ requests }: Walk): boolean {
    return requests.some((request) => this.#walks.has(request))
  }

  #after(walk: Walk, ms: number): void {
    walk.timer = this.#o.clock.setTimer(ms, () => {
      if (isOn(walk)) this.#step(walk, this.#o.clock.nowMs())
      else this.#end(walk)
    })
  }

  #end(walk: Walk): void {
    for (const request of walk.requests) this.#walks.delete(request)
    walk.timer?.[Symbol.dispose]()
  }
}

/** Its call may have ended, or have turned to something else. */
function isOn({ call, high }: Walk): boolean {
  return call.high === high && call.state === 'elsewhere'
}

function isNearer(peer: Peer, than: Peer | undefined, key: Id): boolean {
  return than === undefined || peer.id.distanceTo(key).compare(than.id.distanceTo(key)) < 0
}

function nameOf(peer: Peer): string {
  return `${peer.id} ${peer.incarnation}`
}
