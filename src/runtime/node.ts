/** A member of a ring: the public `ChordNode`. */
import type {
  BorrowedBatch,
  ChordNode,
  Events,
  Incoming,
  Key,
  Member,
  MessageType,
  Metrics,
  NodeOptions,
  NodeState,
  Service,
  StreamHandler,
  Wait,
} from '../api.ts'
import type { ChordNode as Core } from '../core/chord-node.ts'
import { DEFAULT_LEAVE_MS, type NodeSettings, nodeSettings } from '../core/config.ts'
import { ChordError } from '../core/errors.ts'
import { Id } from '../core/id.ts'
import { inspectable } from '../services/inspect.ts'
import { isWildcard, parseAddress } from './address.ts'
import { BaseCaller } from './caller.ts'
import { Deferred } from './deferred.ts'
import { type Environment, systemEnvironment } from './environment.ts'
import { Emitter } from './events.ts'
import type { Exchange } from './exchange.ts'
import { Host } from './host.ts'
import { KnownRanges } from './known.ts'
import { metricsOf } from './metrics.ts'
import { ownRanges } from './own-ranges.ts'
import { Services } from './services.ts'
import { Streams } from './streams/streams.ts'
import { idOfKey, timeoutOf } from './values.ts'
import { WALK, walkAnswer } from './walk.ts'

/**
 * Checks the options and makes a node that has opened nothing yet: register handlers and services, then `start`.
 * Errors: ERR_BAD_OPTION, ERR_BAD_ADDRESS, ERR_NATIVE_UNAVAILABLE.
 */
export function createNode(o: NodeOptions = {}): ChordNode {
  const settings = nodeSettings(o)
  return new RingNode(settings, systemEnvironment(settings.transport))
}

/** As {@link createNode}, in a world of the caller's: for tests and the simulator. */
export function createNodeWith(o: NodeOptions, environment: Environment): ChordNode {
  return new RingNode(nodeSettings(o), environment)
}

/** The virtual nodes of a node, once it has begun to start: for the simulator, which looks into them. */
export function coresOf(node: ChordNode): readonly Core[] {
  return node instanceof RingNode ? node.cores : []
}

/** Ends a simulated process: nothing of the node runs any more, nobody is told, and its own calls end with ERR_CLOSED. */
export function abandon(node: ChordNode): void {
  if (node instanceof RingNode) node.abandon()
}

class RingNode extends BaseCaller implements ChordNode {
  protected readonly exchange: Exchange
  protected readonly payloadBytesMax: number
  protected readonly known: KnownRanges
  protected readonly streams: Streams
  readonly closed: Promise<ChordError | undefined>
  readonly #environment: Environment
  readonly #emitter: Emitter
  readonly #services: Services
  readonly #host: Host
  #state: NodeState = 'new'
  #closing: Promise<void> | undefined
  #settleClosed!: (error: ChordError | undefined) => void

  constructor(settings: NodeSettings, environment: Environment) {
    super()
    checkAddresses(settings)
    const { clock, random } = environment
    this.#environment = environment
    this.#emitter = new Emitter(settings.logger)
    const warn = (error: ChordError) => this.#emitter.warn(error)
    this.#services = new Services({ clock, random, handoverMs: settings.timing.handoverMs, warn })
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve
    })
    this.streams = new Streams({
      links: () => this.#host.links,
      clock,
      limits: settings.limits,
      defer: (fn) => environment.defer(fn),
      purpose: 'reply',
      ring: {
        cores: () => this.cores,
        member: (index) => this.#host.members.view(index),
        isOurs: (address) => this.#host.isOurs(address),
      },
      refusal: () => this.refusal(),
      lookup: (key, wait) => this.lookup(key, wait),
      known: (key) => this.known.find(key),
    })
    this.#host = new Host({
      settings,
      environment,
      streams: this.streams,
      emitter: this.#emitter,
      services: this.#services,
      state: (state) => this.#setState(state),
      fatal: (error) => void this.#close(error),
    })
    this.exchange = this.#host.traffic.exchange
    this.payloadBytesMax = settings.limits.payloadBytes
    this.known = new KnownRanges(
      ownRanges(() => this.cores),
      this.#host.traffic.ranges,
    )
    inspectable(this)
    this.handle(WALK, async ({ body }) => {
      const owner = await this.lookup(Id.parse(body.key), { route: 'iterative', timeoutMs: body.timeoutMs })
      return walkAnswer(owner)
    })
  }

  get state(): NodeState {
    return this.#state
  }

  get cores(): readonly Core[] {
    return this.#host.booted ? this.#host.members.cores : []
  }

  get address(): string {
    return this.#host.address
  }

  get transport(): 'native' | 'tcp' {
    return this.#environment.kind
  }

  get members(): readonly Member[] {
    return this.#host.views()
  }

  handle<Q, R>(type: MessageType<Q, R>, fn: (message: Incoming<Q>) => R | Promise<R>): Disposable {
    return this.#host.traffic.delivery.handlers.handle(type as never, fn as never)
  }

  handleBatch(name: string, fn: (batch: BorrowedBatch) => void): Disposable {
    return this.#host.traffic.delivery.handlers.handleBatch(name, fn)
  }

  handleStream(name: string, fn: StreamHandler): Disposable {
    return this.streams.handle(name, fn)
  }

  use(service: Service): this {
    if (this.#state !== 'new') throw new ChordError('ERR_STATE', 'services are added before start')
    this.#services.add(service)
    return this
  }

  on<E extends keyof Events>(event: E, fn: (e: Events[E]) => void): this {
    this.#emitter.on(event, fn)
    return this
  }

  off<E extends keyof Events>(event: E, fn: (e: Events[E]) => void): this {
    this.#emitter.off(event, fn)
    return this
  }

  async start(o?: Wait): Promise<this> {
    if (this.#state !== 'new') throw new ChordError('ERR_STATE', `a node starts once; this one is ${this.#state}`)
    const timeoutMs = timeoutOf(o)
    this.#setState('joining')
    const { fallback } = this.#environment
    if (fallback !== undefined) {
      this.#emitter.warn(new ChordError('ERR_NATIVE_UNAVAILABLE', `using the portable transport: ${fallback}`))
    }
    try {
      this.#services.start(this)
      await this.#host.start(timeoutMs, o?.signal)
    } catch (error) {
      await this.#close(error instanceof ChordError ? error : undefined)
      throw error
    }
    return this
  }

  async leave(o?: Wait): Promise<void> {
    const timeoutMs = timeoutOf(o, undefined, DEFAULT_LEAVE_MS)
    if (this.#closing !== undefined) return this.#closing
    if (this.#state === 'leaving') return void (await this.closed)
    if (this.#state === 'member' || this.#state === 'isolated') {
      this.#setState('leaving')
      await this.#host.leave(timeoutMs, o?.signal)
    }
    await this.#close(undefined)
  }

  close(): Promise<void> {
    return this.#close(undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  abandon(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#closing ??= Promise.resolve()
    void this.#host.close(new ChordError('ERR_CLOSED', 'the process of this node was killed'))
  }

  owns(key: Key): Member | undefined {
    const id = idOfKey(key)
    return this.#state === 'closed' ? undefined : this.#host.owns(id)
  }

  metrics(): Metrics {
    return metricsOf(this.#state, this.#environment.kind, this.#host, this.streams)
  }

  ref(): this {
    this.#environment.hold(true)
    this.#host.ref()
    return this
  }

  unref(): this {
    this.#environment.hold(false)
    this.#host.unref()
    return this
  }

  protected nowMs(): number {
    return this.#environment.clock.nowMs()
  }

  protected refusal(): ChordError | undefined {
    if (this.#state === 'closed') return new ChordError('ERR_CLOSED', 'this node has been closed')
    if (this.#state === 'new' || !this.#host.booted) return new ChordError('ERR_STATE', 'this node has not started yet')
    return undefined
  }

  #setState(current: NodeState): void {
    const previous = this.#state
    if (previous === current || previous === 'closed') return
    // Once it leaves, what its members go through is part of that.
    if (previous === 'leaving' && current !== 'closed') return
    this.#state = current
    this.#emitter.emit('state', { previous, current })
  }

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
    const reason = new ChordError('ERR_CLOSED', 'this node has been closed', { cause: error })
    const closed = this.#host.close(reason)
    await this.#services.stop()
    await closed
    this.#settleClosed(error)
  }
}

function checkAddresses({ listen, advertise, join }: NodeSettings): void {
  for (const [name, text] of [['listen', listen], ['advertise', advertise], ...join.map((one) => ['join', one])]) {
    if (text === undefined) continue
    const parsed = parseAddress(text)
    if (!parsed.ok) throw new ChordError(parsed.code, `${name}: ${parsed.message}`)
    if (name !== 'join' && parsed.value.dns) throw new ChordError('ERR_BAD_ADDRESS', `${name} cannot be dns://`)
    if (name === 'join' && parsed.value.port === 0) throw new ChordError('ERR_BAD_ADDRESS', 'join: port 0 is nobody')
    if (name === 'advertise' && isWildcard(parsed.value.host)) {
      throw new ChordError('ERR_BAD_ADDRESS', `advertise: nobody can reach ${text}`)
    }
  }
}
