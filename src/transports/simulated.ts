/** A network in memory on a virtual clock: the transport that the whole runtime is tested over in milliseconds. */
import type { Clock } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { drive } from './drive.ts'
import { SimulatedTransport } from './simulated-transport.ts'
import type { TransportOptions } from './transport.ts'
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
  /** In place of the bounds above, and of `partition` and `heal`. */
  paths?: Paths
}

/** What the network does between two hosts at the moment. */
export interface Paths {
  /** How long what is sent now takes. */
  delayMs(from: string, to: string): number
  /** Over a path that is `cut` nothing arrives; on one that is `clogged` everything waits until `resume` is called. */
  passage(from: string, to: string): 'open' | 'cut' | 'clogged'
  /** Bytes of a connection as they arrive. Those given must not be changed. */
  carry(from: string, to: string, bytes: Uint8Array): Uint8Array
}

/** Hosts, listeners and the paths between them. Everything happens in `run`, one event after another. */
export class SimulatedNetwork {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  /** Told of all bytes that arrive, before whoever they are for. */
  onBytes: ((from: string, to: string, bytes: Uint8Array) => void) | undefined
  readonly paths: Paths
  /** Until an operation over a dead path fails. */
  readonly silenceMs: number
  readonly #transports = new Set<SimulatedTransport>()
  readonly #listeners = new Map<string, SimulatedTransport>()
  /** Side of a partition by host; all others are on side 0. */
  #sides = new Map<string, number>()
  #clogged: (() => void)[] = []
  #nextPort = 49_152

  constructor(options: SimulatedNetworkOptions = {}) {
    this.clock = new VirtualClock()
    this.random = new SeededRandom(options.seed ?? 1)
    this.silenceMs = options.silenceMs ?? 30_000
    this.paths = options.paths ?? this.#plainPaths(options.delayMinMs ?? 0.2, options.delayMaxMs ?? 1)
  }

  /**
   * A transport on `host` (any numeric address, such as `10.0.0.1`): give it to what runs there. `clock` is that of the
   * process, if it has one of its own; the network's goes on when a process stops.
   */
  createTransport(host: string, options: TransportOptions, clock: Clock = this.clock): SimulatedTransport {
    const transport = new SimulatedTransport(this, host, options, clock)
    this.#transports.add(transport)
    return transport
  }

  /**
   * Passes `ms` of virtual time. After each event, promises settle before the next, so that applications' async code
   * runs as it would, and always in the same order.
   */
  run(ms: number): Promise<void> {
    return drive(this.clock, this.clock.nowMs() + ms, () => false)
  }

  /** Runs until the promise settles, at most `capMs` of virtual time; its value. Throws at the cap. */
  async settle<T>(promise: Promise<T>, capMs = 60_000): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    await drive(this.clock, this.clock.nowMs() + capMs, () => settled)
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
    this.end(transport, options.silent === true)
  }

  /** The same for one transport, whether or not it listens. */
  end(transport: SimulatedTransport, silent: boolean): void {
    transport.die(silent)
    if (!silent) this.#forget(transport)
  }

  /** Only hosts of one group reach each other; those that are not named are one more group. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#sides = new Map(groups.flatMap((hosts, index) => hosts.map((host) => [host, index + 1] as const)))
  }

  /** Ends the partition. Connections that said something meanwhile may have broken. */
  heal(): void {
    this.#sides = new Map()
  }

  /** Breaks all connections between two hosts, at both ends at once: what is under way is lost. */
  reset(host: string, other: string): void {
    for (const transport of [...this.#transports]) if (transport.host === host) transport.sever(other)
  }

  /** Paths are no longer clogged, or not all of them: what waits tries again. */
  resume(): void {
    const waiting = this.#clogged
    this.#clogged = []
    for (const fn of waiting) fn()
  }

  /** @internal Called at the next `resume`. */
  whenResumed(fn: () => void): void {
    this.#clogged.push(fn)
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

  #plainPaths(delayMinMs: number, delayMaxMs: number): Paths {
    return {
      delayMs: () => delayMinMs + (delayMaxMs - delayMinMs) * this.random.nextFloat(),
      passage: (from, to) => ((this.#sides.get(from) ?? 0) === (this.#sides.get(to) ?? 0) ? 'open' : 'cut'),
      carry: (_from, _to, bytes) => bytes,
    }
  }

  #forget(transport: SimulatedTransport): void {
    this.unbind(transport)
    this.#transports.delete(transport)
  }
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
