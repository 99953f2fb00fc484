/**
 * The virtual nodes of one process: their cores, what the cores want done, their one timer. Messages between them skip
 * the socket. Nothing here recurses: inputs that outputs cause wait in a queue.
 */
import type { Clock, Member, Peer, Random } from '../api.ts'
import { ChordNode, type CoreConfig } from '../core/chord-node.ts'
import type { Message } from '../core/messages.ts'
import type { CoreEvent, Output } from '../core/output.ts'

export type Handover = Output & { kind: 'handover' }

export interface MembersHandler {
  /** A message for another process. */
  transmit(index: number, to: Peer, request: number, message: Message): void
  event(index: number, event: CoreEvent): void
  handover(index: number, handover: Handover): void
  /** A question to a member of another life at our own address: call `past`, unless another process lives there. */
  askPast(index: number, to: Peer, request: number): void
  seeds(index: number): void
  /** All that there was to do has been done. */
  settled(): void
}

interface LocalMessage {
  readonly from: Peer
  readonly to: Peer
  readonly request: number
  readonly message: Message
}

/** Messages between our own members in one go; more wait for the next turn, so that other work is not kept waiting. */
const LOCAL_MESSAGES_MAX = 4_096

export class Members {
  readonly cores: ChordNode[]
  readonly #handler: MembersHandler
  readonly #clock: Clock
  readonly #local: LocalMessage[] = []
  readonly #views: (Member | undefined)[]
  #draining = false
  #timer: Disposable | undefined
  #timerMs = Number.POSITIVE_INFINITY
  #stopped = false

  /** `make`: cores of another make, such as those that are recorded. */
  constructor(
    peers: readonly Peer[],
    config: CoreConfig,
    random: Random,
    clock: Clock,
    handler: MembersHandler,
    make?: (peers: readonly Peer[], config: CoreConfig) => ChordNode[],
  ) {
    this.cores = make?.(peers, config) ?? peers.map((self) => new ChordNode({ self, config, random }))
    this.#handler = handler
    this.#clock = clock
    this.#views = new Array(peers.length).fill(undefined)
  }

  /** The member with that id, if it is one of ours. */
  find(peer: Peer): ChordNode | undefined {
    return this.cores.find((core) => core.self.incarnation === peer.incarnation && core.self.id.equals(peer.id))
  }

  /** Gives inputs to cores; afterwards everything that they want has been done. */
  input(give: (nowMs: number) => void): void {
    if (this.#stopped) return
    give(this.#clock.nowMs())
    this.#drain()
  }

  /** The same, without a closure, for what arrives most. */
  message(core: ChordNode, from: Peer, request: number, message: Message, nowMs: number): void {
    if (this.#stopped) return
    core.handleMessage(from, request, message, nowMs)
    this.#drain()
  }

  /** As applications see it; the same object until something changes. */
  view(index: number): Member {
    const known = this.#views[index]
    if (known !== undefined) return known
    const core = this.cores[index]!
    const { id, address, incarnation } = core.self
    const view: Member = { id, address, incarnation, successors: [...core.successors], epoch: core.epoch }
    if (core.predecessor !== undefined) view.predecessor = core.predecessor
    if (core.range !== undefined) view.range = core.range
    this.#views[index] = view
    return view
  }

  /** Who was asked belonged to an earlier life of this process. */
  past(index: number, to: Peer, request: number): void {
    const message: Message = { type: 'notMember', joining: false }
    this.#local.push({ from: to, to: this.cores[index]!.self, request, message })
    if (!this.#draining) this.#drain()
  }

  stop(): void {
    this.#stopped = true
    this.#disarm()
  }

  #drain(): void {
    if (this.#draining) return
    this.#draining = true
    try {
      this.#views.fill(undefined)
      let local = 0
      while (!this.#stopped) {
        this.#poll()
        const next = local++ < LOCAL_MESSAGES_MAX ? this.#local.shift() : undefined
        if (next === undefined) break
        const core = this.cores.find((one) => one.self.id.equals(next.to.id))
        this.#views.fill(undefined)
        core?.handleMessage(next.from, next.request, next.message, this.#clock.nowMs())
      }
    } finally {
      this.#draining = false
    }
    if (this.#stopped) return
    this.#arm()
    this.#handler.settled()
  }

  /** Until no core wants anything more. */
  #poll(): void {
    for (let busy = true; busy && !this.#stopped; ) {
      busy = false
      for (let index = 0; index < this.cores.length; index++) {
        for (let out = this.cores[index]!.poll(); out !== undefined; out = this.cores[index]!.poll()) {
          busy = true
          this.#do(index, out)
          if (this.#stopped) return
        }
      }
    }
  }

  #do(index: number, out: Output): void {
    switch (out.kind) {
      case 'send': {
        const from = this.cores[index]!.self
        if (out.to.address !== from.address) this.#handler.transmit(index, out.to, out.request, out.message)
        else this.#sendLocal(index, out)
        return
      }
      case 'event':
        this.#views[index] = undefined
        return this.#handler.event(index, out.event)
      case 'handover':
        return this.#handler.handover(index, out)
      case 'seeds':
        return this.#handler.seeds(index)
      default:
        out satisfies never
    }
  }

  #sendLocal(index: number, out: Output & { kind: 'send' }): void {
    const { to, request, message } = out
    const from = this.cores[index]!.self
    if (this.find(to) !== undefined) this.#local.push({ from, to, request, message })
    else if (request !== 0) this.#handler.askPast(index, to, request)
  }

  #arm(): void {
    let nextMs = this.#local.length > 0 ? 0 : Number.POSITIVE_INFINITY
    for (const core of this.cores) nextMs = Math.min(nextMs, core.nextTimeout())
    // A timer that fires too early costs less than setting another.
    if (nextMs >= this.#timerMs) return
    this.#disarm()
    this.#timerMs = nextMs
    this.#timer = this.#clock.setTimer(Math.max(0, nextMs - this.#clock.nowMs()), this.#onTimer)
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#timerMs = Number.POSITIVE_INFINITY
    this.input((nowMs) => {
      for (const core of this.cores) if (core.nextTimeout() <= nowMs) core.handleTimeout(nowMs)
    })
  }

  #disarm(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#timerMs = Number.POSITIVE_INFINITY
  }
}
