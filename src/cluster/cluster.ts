/** Members in worker threads: the public `Cluster`. */
import type {
  Caller,
  Cluster,
  ClusterEvents,
  ClusterMetrics,
  ClusterOptions,
  Events,
  Key,
  Member,
  NodeState,
  Wait,
  WorkerView,
} from '../api.ts'
import { DEFAULT_LEAVE_MS } from '../core/config.ts'
import { ChordError } from '../core/errors.ts'
import { chooseTransport } from '../native/load.ts'
import { connect } from '../runtime/client.ts'
import { Deferred } from '../runtime/deferred.ts'
import { aborted, idOfKey, timeoutOf } from '../runtime/values.ts'
import { CallsThroughClient } from './calls.ts'
import { ClusterEmitter, NO_WORKER } from './emitter.ts'
import { totalOf } from './metrics.ts'
import { type ClusterSettings, clusterSettings, DEFAULT_METRICS_MS, DEFAULT_START_MS } from './options.ts'
import { Slot } from './slot.ts'

/**
 * Checks the options and makes a cluster that has started no thread yet. Errors: ERR_BAD_OPTION, ERR_BAD_ADDRESS,
 * ERR_NATIVE_UNAVAILABLE.
 */
export function createCluster(o: ClusterOptions = {}): Cluster {
  return new ThreadCluster(clusterSettings(o))
}

class ThreadCluster extends CallsThroughClient implements Cluster {
  readonly transport: 'native' | 'tcp'
  readonly #settings: ClusterSettings
  readonly #emitter: ClusterEmitter
  readonly #slots: readonly Slot[]
  readonly #closed = new Deferred<ChordError | undefined>()
  #state: NodeState = 'new'
  #client: Caller | undefined
  #hasStarted = false
  #closing: Promise<void> | undefined
  #holds = true

  constructor(settings: ClusterSettings) {
    super()
    this.#settings = settings
    this.transport = chooseTransport(settings.nodes[0]!.transport).kind
    this.#emitter = new ClusterEmitter(settings.logger)
    this.#slots = settings.nodes.map((_, worker) => this.#newSlot(worker))
  }

  get closed(): Promise<ChordError | undefined> {
    return this.#closed.promise
  }

  get state(): NodeState {
    return this.#state
  }

  get members(): readonly Member[] {
    return this.#slots.flatMap((slot) => slot.members)
  }

  get addresses(): readonly string[] {
    return this.#slots.map((slot) => slot.address).filter((address) => address !== '')
  }

  get workers(): readonly WorkerView[] {
    return this.#slots.map(({ worker, state, address, restarts, members }) => {
      return { worker, state, address, restarts, members }
    })
  }

  on<E extends keyof ClusterEvents>(event: E, fn: (e: ClusterEvents[E], worker: number) => void): this {
    this.#emitter.on(event, fn)
    return this
  }

  off<E extends keyof ClusterEvents>(event: E, fn: (e: ClusterEvents[E], worker: number) => void): this {
    this.#emitter.off(event, fn)
    return this
  }

  async start(o?: Wait): Promise<this> {
    if (this.#state !== 'new') throw new ChordError('ERR_STATE', `a cluster starts once; this one is ${this.#state}`)
    const timeoutMs = timeoutOf(o, undefined, DEFAULT_START_MS)
    this.#setState('joining')
    const cut = new Deferred<never>()
    const timer = setTimeout(() => cut.reject(this.#notUp(timeoutMs)), timeoutMs)
    const onAbort = () => cut.reject(aborted(o!.signal!))
    o?.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([this.#startAll(performance.now() + timeoutMs), cut.promise])
    } catch (error) {
      await this.#close(error instanceof ChordError ? error : undefined)
      throw error
    } finally {
      clearTimeout(timer)
      o?.signal?.removeEventListener('abort', onAbort)
    }
    return this
  }

  async leave(o?: Wait): Promise<void> {
    const timeoutMs = timeoutOf(o, undefined, DEFAULT_LEAVE_MS)
    if (this.#closing !== undefined) return this.#closing
    if (this.#state === 'leaving') return void (await this.closed)
    if (this.#hasStarted) {
      this.#setState('leaving')
      const left = Promise.all(this.#slots.map((slot) => slot.leave(timeoutMs)))
      if (o?.signal === undefined) await left
      else await Promise.race([left, fired(o.signal)])
    }
    await this.#close(undefined)
  }

  close(): Promise<void> {
    return this.#close(undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  owns(key: Key): Member | undefined {
    const id = idOfKey(key)
    return this.members.find(({ range }) => range !== undefined && id.isBetweenOrEnd(range.after, range.upTo))
  }

  async metrics(o?: Wait): Promise<ClusterMetrics> {
    const timeoutMs = timeoutOf(o, undefined, DEFAULT_METRICS_MS)
    const asked = Promise.all(this.#slots.map((slot) => slot.metrics(timeoutMs)))
    const signal = o?.signal
    const workers = await (signal === undefined
      ? asked
      : Promise.race([asked, fired(signal).then(() => aborting(signal))]))
    const answers = workers.flatMap(({ metrics }) => metrics ?? [])
    return { total: totalOf(answers, this.#state, this.transport), workers }
  }

  ref(): this {
    return this.#hold(true)
  }

  unref(): this {
    return this.#hold(false)
  }

  protected client(): Caller {
    if (this.#state === 'closed') throw new ChordError('ERR_CLOSED', 'this cluster has been closed')
    if (this.#client === undefined) throw new ChordError('ERR_STATE', 'this cluster has not started yet')
    return this.#client
  }

  #hold(holds: boolean): this {
    this.#holds = holds
    for (const slot of this.#slots) slot.hold(holds)
    if (holds) this.#client?.ref()
    else this.#client?.unref()
    return this
  }

  // Starting.

  /** Modules are loaded side by side; then one worker makes or finds the ring, and the others join together. */
  async #startAll(untilMs: number): Promise<void> {
    const leftMs = () => Math.max(1, untilMs - performance.now())
    const [first, ...others] = this.#slots
    await Promise.all(this.#slots.map(async (slot) => slot.load(leftMs())))
    await first!.start(this.#settings.nodes[0]!.join ?? [], leftMs())
    await Promise.all(others.map((slot) => slot.start([first!.address, ...this.#joinOf(slot)], leftMs())))
    const client = await this.#connect()
    if (this.#closing !== undefined) return client.close()
    this.#client = client
    this.#hasStarted = true
    this.#update()
  }

  async #connect(): Promise<Caller> {
    const { network, transport, timing, limits } = this.#settings.nodes[0]!
    const given = Object.entries({ network, transport, timing, limits }).filter(([, value]) => value !== undefined)
    const client = await connect({ to: this.addresses, ...Object.fromEntries(given) })
    return this.#holds ? client : client.unref()
  }

  #joinOf({ worker }: Slot): readonly string[] {
    return this.#settings.nodes[worker]!.join ?? []
  }

  #notUp(timeoutMs: number): ChordError {
    const late = this.#slots.filter((slot) => !slot.isUp).map(({ worker }) => worker)
    return new ChordError('ERR_JOIN_TIMEOUT', `no members after ${timeoutMs} ms: workers ${late.join(', ')}`)
  }

  /**
   * Whom a worker that is started again joins through: those that are up. If none is, the first one that is not gone does what the first
   * one did at the start, and the others wait for it.
   */
  #contactsOf(slot: Slot): readonly string[] {
    const others = this.#slots.filter((other) => other !== slot && !other.isGone)
    const up = others.filter((other) => other.isUp)
    if (up.length === 0 && others.every((other) => other.worker > slot.worker)) return this.#joinOf(slot)
    return [...(up.length > 0 ? up : others).map(({ address }) => address), ...this.#joinOf(slot)]
  }

  // From the workers.

  #newSlot(worker: number): Slot {
    const slot: Slot = new Slot({
      worker,
      workers: this.#settings.nodes.length,
      settings: this.#settings,
      event: (name, value) => this.#event(name, value, worker),
      up: () => this.#emitter.emit('worker:up', { worker, address: slot.address, restarts: slot.restarts }, worker),
      down: (error, restartMs) => this.#down(worker, error, restartMs),
      stuck: () => this.#emitter.warn(stuck(worker), worker),
      contacts: () => this.#contactsOf(slot),
    })
    return slot
  }

  #event<E extends keyof Events>(name: E, value: Events[E], worker: number): void {
    this.#emitter.emit(name, value as ClusterEvents[E], worker)
    if (name === 'state') this.#update()
  }

  #down(worker: number, error: ChordError | undefined, restartMs: number | undefined): void {
    const down = {
      worker,
      ...(error === undefined ? {} : { error }),
      ...(restartMs === undefined ? {} : { restartMs }),
    }
    this.#emitter.emit('worker:down', down, worker)
    this.#update()
    if (this.#hasStarted && this.#slots.every((slot) => slot.isGone)) void this.#close(error)
  }

  #update(): void {
    if (!this.#hasStarted || this.#state === 'leaving') return
    const running = this.#slots.filter((slot) => slot.isUp)
    const isMember = running.some((slot) => slot.state === 'member')
    this.#setState(isMember ? 'member' : running.length > 0 ? 'isolated' : 'joining')
  }

  #setState(current: NodeState): void {
    const previous = this.#state
    if (previous === current || previous === 'closed') return
    this.#state = current
    this.#emitter.emit('cluster:state', { previous, current }, NO_WORKER)
  }

  // Closing.

  #close(error: ChordError | undefined): Promise<void> {
    if (this.#closing === undefined) {
      // Set first: a listener that hears of it may close again.
      const closing = new Deferred<void>()
      this.#closing = closing.promise
      this.#closeNow(error).then(closing.resolve, closing.reject)
    }
    return this.#closing
  }

  async #closeNow(error: ChordError | undefined): Promise<void> {
    this.#setState('closed')
    await Promise.all([this.#client?.close(), ...this.#slots.map((slot) => slot.close())])
    this.#closed.resolve(error)
  }
}

function stuck(worker: number): ChordError {
  return new ChordError('ERR_WORKER', `worker ${worker} did not end in time and was terminated`)
}

function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function aborting(signal: AbortSignal): never {
  throw aborted(signal)
}
