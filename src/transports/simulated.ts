/** A network in memory on a virtual clock: the transport that the whole runtime is tested over in milliseconds. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ChordError } from '../core/errors.ts'
import { SimulatedTransport } from './simulated-transport.ts'
import type { Transport, TransportOptions } from './transport.ts'
import { SeededRandom, VirtualClock } from './virtual-clock.ts'

export { SeededRandom, VirtualClock } from './virtual-clock.ts'

export interface SimulatedNetworkOptions {
  /** The same seed gives the same run. Default 1. */
  seed?: number
  /** Bounds of the one-way delay, drawn anew for each flush; order within a connection is kept. Defaults 0.2 and 1. */
  delayMinMs?: number
  delayMaxMs?: number
  /** Until an operation over a dead path fails with `unreachable` or `reset`. Default 30,000. */
  silenceMs?: number
}

/** Hosts, listeners and the paths between them. Everything happens in `run`, one event after another. */
export class SimulatedNetwork {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly #options: Required<SimulatedNetworkOptions>
  readonly #transports = new Set<SimulatedTransport>()
  readonly #listeners = new Map<string, SimulatedTransport>()
  /** Side of a partition by host; all others are on side 0. */
  #sides = new Map<string, number>()
  #nextPort = 49_152

  constructor(options: SimulatedNetworkOptions = {}) {
    this.#options = { seed: 1, delayMinMs: 0.2, delayMaxMs: 1, silenceMs: 30_000, ...options }
    this.clock = new VirtualClock()
    this.random = new SeededRandom(this.#options.seed)
  }

  /** A transport on `host` (any numeric address, such as `10.0.0.1`): give it to what runs there. */
  createTransport(host: string, options: TransportOptions): Transport {
    const transport = new SimulatedTransport(this, host, options)
    this.#transports.add(transport)
    return transport
  }

  /**
   * Passes `ms` of virtual time. After each event, promises settle before the next, so that applications' async code
   * runs as it would, and always in the same order.
   */
  async run(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs() + ms
    await nextTurn()
    while (this.clock.step(untilMs)) await nextTurn()
    this.clock.runUntil(untilMs)
  }

  /** Runs until the promise settles, at most `capMs` of virtual time; its value. Throws at the cap. */
  async settle<T>(promise: Promise<T>, capMs = 60_000): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    const untilMs = this.clock.nowMs() + capMs
    await nextTurn()
    while (!settled && this.clock.step(untilMs)) await nextTurn()
    if (!settled) throw new Error(`not settled after ${capMs} ms of virtual time`)
    return promise
  }

  /**
   * Ends the process that listens at `address`, as SIGKILL would: its connections are reset and later dials refused. With
   * `silent` its host vanishes: nothing is closed, nothing answers.
   */
  kill(address: string, options: { silent?: boolean } = {}): void {
    const transport = this.#listeners.get(address)
    if (transport === undefined) throw new Error(`nobody listens at ${address}`)
    transport.die(options.silent === true)
    if (options.silent !== true) this.#forget(transport)
  }

  /** Only hosts of one group reach each other; those that are not named are one more group. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#sides = new Map(groups.flatMap((hosts, index) => hosts.map((host) => [host, index + 1] as const)))
  }

  /** Ends the partition. Connections that said something meanwhile may have broken. */
  heal(): void {
    this.#sides = new Map()
  }

  /** @internal */
  isReachable(from: string, to: string): boolean {
    return (this.#sides.get(from) ?? 0) === (this.#sides.get(to) ?? 0)
  }

  /** @internal */
  delayMs(): number {
    const { delayMinMs, delayMaxMs } = this.#options
    return delayMinMs + (delayMaxMs - delayMinMs) * this.random.nextFloat()
  }

  /** @internal */
  get silenceMs(): number {
    return this.#options.silenceMs
  }

  /** @internal */
  bind(transport: SimulatedTransport, host: string, port: number): number {
    const free = port === 0 ? this.#nextPort++ : port
    const address = endpoint(host, free)
    if (this.#listeners.get(address)?.dead === false) {
      throw new ChordError('ERR_ADDRESS_IN_USE', `cannot listen on ${address}: the port is taken`)
    }
    this.#listeners.set(address, transport)
    return free
  }

  /** @internal */
  unbind(transport: SimulatedTransport): void {
    for (const [address, other] of this.#listeners) if (other === transport) this.#listeners.delete(address)
  }

  /** @internal */
  listener(host: string, port: number): SimulatedTransport | undefined {
    return this.#listeners.get(endpoint(host, port))
  }

  /** @internal */
  ephemeralPort(): number {
    return this.#nextPort++
  }

  #forget(transport: SimulatedTransport): void {
    this.unbind(transport)
    this.#transports.delete(transport)
  }
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
