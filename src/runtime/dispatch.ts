/** How the calls of our own callers leave: to ourselves, to who is remembered, by routing, step by step, or straight to one node. */
import type { Id, Owner, Peer, Result } from '../api.ts'
import type { ChordNode } from '../core/chord-node.ts'
import { LOST_ATTEMPTS, RECURSIVE_ATTEMPTS } from '../core/config.ts'
import { ChordError } from '../core/errors.ts'
import { decide } from '../core/router.ts'
import { FAIL_ISOLATED, FAIL_UNSETTLED } from '../wire/answers.ts'
import { FRAME_BYTES_MAX } from '../wire/layout.ts'
import type { Call } from './calls.ts'
import type { Exchange } from './exchange.ts'
import type { Iterative } from './iterative.ts'
import type { OwnFrames } from './own-frames.ts'
import type { RememberedRanges } from './remembered-ranges.ts'
import { OriginBlock, requestBytes, writeRequest } from './requests.ts'

export interface DispatchOptions {
  exchange: () => Exchange
  cores: () => readonly ChordNode[]
  ranges: RememberedRanges
  iterative: () => Iterative
  isOurs(address: string): boolean
  isSettling(nowMs: number): boolean
  own: OwnFrames
  nowMs(): number
}

export class Dispatch {
  readonly #o: DispatchOptions
  #origin: OriginBlock | undefined

  constructor(o: DispatchOptions) {
    this.#o = o
  }

  /** Sends the call on its way, by another one at each attempt. */
  send(call: Call, nowMs: number): void {
    const { ranges } = this.#o
    const exchange = this.#o.exchange()
    if (call.key === undefined) {
      if (this.#o.isOurs(call.address)) return this.#ours(call, nowMs)
      return exchange.sendVia(call, call.address, 'reply', undefined, false, 0, nowMs)
    }
    if (call.owner !== undefined) return this.straightTo(call, call.owner, true, nowMs)
    if (call.attempt === 0 && !call.iterative && this.#toRemembered(call, call.key, nowMs)) return
    const cores = this.#o.cores()
    const decision = decide(cores, call.key, false, 0, call.attempt % RECURSIVE_ATTEMPTS)
    if (decision.kind === 'deliver') return this.#ours(call, nowMs)
    if (decision.kind === 'isolated') {
      if (this.#o.isSettling(nowMs)) return exchange.pause(call, FAIL_ISOLATED, nowMs)
      const text = 'no node that this one knew answers, and the key is not its own'
      return exchange.fail(call, new ChordError('ERR_ISOLATED', text))
    }
    if (decision.kind !== 'forward') return exchange.pause(call, FAIL_UNSETTLED, nowMs)
    if (call.attempt === 0) ranges.missed(call.key, nowMs)
    const origin = this.#originator()
    if (requestBytes(call, origin) > FRAME_BYTES_MAX) return this.#findOwner(call, call.key, nowMs)
    const tired = call.wants === 'found' && (call.attempt >= RECURSIVE_ATTEMPTS || call.timeouts >= LOST_ATTEMPTS)
    if ((call.iterative || tired) && !decision.final) return this.#o.iterative().start(call, call.key, nowMs)
    const { to, final, finalSteps } = decision
    exchange.sendVia(call, to.address, 'routing', final ? undefined : origin, final, finalSteps, nowMs)
  }

  /** Once more, by the best way that is not the one it has taken, and whose connection is up. False: there is none. */
  hedge(call: Call, nowMs: number): boolean {
    const cores = this.#o.cores()
    const exchange = this.#o.exchange()
    for (let other = 0; other < RECURSIVE_ATTEMPTS; other++) {
      const decision = decide(cores, call.key!, false, 0, other)
      if (decision.kind !== 'forward') return false
      const session = exchange.session(decision.to.address)
      if (session === undefined || session === call.session) continue
      const origin = decision.final ? undefined : this.#originator()
      return exchange.sendBeside(call, session, origin, decision.final, decision.finalSteps, nowMs)
    }
    return false
  }

  /** To one node, which is thought to own the key, or to know the way. */
  straightTo(call: Call, to: Peer, final: boolean, nowMs: number): void {
    if (this.#o.isOurs(to.address)) return this.#ours(call, nowMs)
    this.#o.exchange().sendVia(call, to.address, 'reply', final ? undefined : this.#originator(), final, 0, nowMs)
  }

  /** To be handled here, in another turn. */
  toOurselves(call: Call, remainingMs: number): void {
    const { own } = this.#o
    const bytes = requestBytes(call, undefined)
    const memory = own.add(bytes)
    writeRequest(memory, own.at, bytes, call, undefined, false, 0, remainingMs)
  }

  /** The first nodes to ask on the way to a key: the best that routing knows, by several ways. */
  stepsTowards(key: Id): Peer[] {
    const steps: Peer[] = []
    for (let attempt = 0; attempt < RECURSIVE_ATTEMPTS; attempt++) {
      const decision = decide(this.#o.cores(), key, false, 0, attempt)
      if (decision.kind === 'forward' && !steps.includes(decision.to)) steps.push(decision.to)
    }
    return steps
  }

  /** Straight to the owner that is remembered. False: none is, or there is no connection to it. */
  #toRemembered(call: Call, key: Id, nowMs: number): boolean {
    const { ranges } = this.#o
    const owner = ranges.next(key)
    if (owner === undefined) return false
    ranges.stats.hits++
    call.straight = true
    if (requestBytes(call, this.#originator()) > FRAME_BYTES_MAX) call.owner = owner
    this.#o.exchange().sendVia(call, owner.address, 'reply', undefined, true, 0, nowMs)
    return true
  }

  /** Too large to be passed on: look up the owner, then send straight to it. */
  #findOwner(call: Call, key: Id, nowMs: number): void {
    const exchange = this.#o.exchange()
    const search = exchange.table.take()
    if (search === undefined) return exchange.pause(call, 0, nowMs)
    const { high } = call
    search.wants = 'found'
    search.key = key
    search.timeoutMs = call.deadlineMs - nowMs
    search.done = (result: Result<unknown>) => {
      if (call.high !== high || call.state !== 'elsewhere') return
      if (!result.ok) return exchange.fail(call, result.error)
      call.owner = (result.value as Owner).owner
      this.send(call, this.#o.nowMs())
    }
    call.state = 'elsewhere'
    exchange.begin(search, nowMs)
  }

  #ours(call: Call, nowMs: number): void {
    this.toOurselves(call, call.deadlineMs - nowMs)
    this.#o.exchange().sent(call, undefined, nowMs)
  }

  #originator(): OriginBlock {
    const { self } = this.#o.cores()[0]!
    if (this.#origin?.peer !== self) this.#origin = new OriginBlock(self)
    return this.#origin
  }
}
