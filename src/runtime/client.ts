/** A caller that is no member: it owns nothing and enters no table. */

import type { Caller, ClientOptions, Id, Owner } from '../api.ts'
import { type ClientSettings, clientSettings, SHORTCUT_OPEN_MS, SILENCE_MS } from '../core/config.ts'
import { ChordError } from '../core/errors.ts'
import { decodeFailure, decodeFound, FAIL_NOT_MEMBER, readOwner } from '../wire/answers.ts'
import { type FrameMemory, originBytes, readFlags, readHigh, readLow, readType } from '../wire/frames.ts'
import { bodyOffset } from '../wire/framing.ts'
import {
  FLAG_UNCACHED,
  FRAME_BYTES_MAX,
  TYPE_FAILURE,
  TYPE_FOUND,
  TYPE_REPLY,
  TYPE_REQUEST,
  TYPE_STREAM,
} from '../wire/layout.ts'
import { formatAddress, parseAddress } from './address.ts'
import { Answering } from './answering.ts'
import { BaseCaller } from './caller.ts'
import type { Call } from './calls.ts'
import { Deferred } from './deferred.ts'
import { type Environment, systemEnvironment } from './environment.ts'
import { Exchange } from './exchange.ts'
import { Holding } from './holding.ts'
import { KnownRanges } from './known.ts'
import { Links } from './links.ts'
import { Peers } from './peers.ts'
import { RememberedRanges } from './remembered-ranges.ts'
import { requestBytes } from './requests.ts'
import type { Down, Session } from './session.ts'
import { Silence } from './silence.ts'
import { Streams } from './streams/streams.ts'
import { ownerOf, WALK } from './walk.ts'

/**
 * Connects to a ring as a client; resolves when one of the members in `to` has answered.
 * Errors: ERR_BAD_OPTION, ERR_BAD_ADDRESS, ERR_NATIVE_UNAVAILABLE, ERR_UNREACHABLE.
 */
export async function connect(o: ClientOptions): Promise<Caller> {
  const settings = clientSettings(o)
  return connectWith(settings, systemEnvironment(settings.transport))
}

/** As {@link connect}, in a world of the caller's: for tests and the simulator. */
export async function connectWith(settings: ClientSettings, environment: Environment): Promise<Caller> {
  for (const text of settings.to) {
    const parsed = parseAddress(text)
    if (!parsed.ok) throw new ChordError(parsed.code, `to: ${parsed.message}`)
  }
  const client = new RingClient(settings, environment)
  await client.open()
  return client
}

/** The entry hop adds an origin with its own address, and that must fit into the frame. */
const ENTRY_ROOM = originBytes('x'.repeat(255))

/** Of a look-up that nobody waits for. */
const OWNER_MS = 1_000

const NO_RANGES: readonly Owner[] = []

class RingClient extends BaseCaller {
  protected readonly exchange: Exchange
  protected readonly payloadBytesMax: number
  protected readonly known: KnownRanges
  protected readonly streams: Streams
  readonly closed: Promise<ChordError | undefined>
  readonly #settings: ClientSettings
  readonly #environment: Environment
  readonly #book: Peers
  readonly #links: Links
  readonly #answering: Answering
  readonly #ranges: RememberedRanges
  readonly #silence: Silence
  /** Addresses that have been handed a frame after a silence, and have said nothing since. */
  readonly #silent = new Set<string>()
  #askedMs = Number.NEGATIVE_INFINITY
  /** Addresses of members that calls may enter the ring by. */
  #entries: string[] = []
  #turn = 0
  #connected = new Deferred<void>()
  readonly #refused = new Map<string, string>()
  #settleClosed!: (error: ChordError | undefined) => void
  #isClosed = false

  constructor(settings: ClientSettings, environment: Environment) {
    super()
    this.#settings = settings
    this.#environment = environment
    this.payloadBytesMax = settings.limits.payloadBytes
    this.#book = new Peers(environment.idOf)
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve
    })
    const { clock, random } = environment
    const links = () => this.#links
    const { limits, timing } = settings
    this.#ranges = new RememberedRanges({ links, cores: () => [], clock, limits, timing })
    this.known = new KnownRanges(() => NO_RANGES, this.#ranges)
    this.#silence = new Silence({
      clock,
      defer: (run) => environment.defer(run),
      ask: (addresses) => this.#listenTo(addresses),
    })
    this.exchange = new Exchange({
      links,
      clock,
      random,
      limits,
      isClient: true,
      dispatch: (call, nowMs) => this.#dispatch(call, nowMs),
      handed: (session) => this.#silence.handed(session),
      remembered: this.#ranges,
      hedge: (call, nowMs) => this.#hedge(call, nowMs),
      defer: (run) => environment.defer(run),
    })
    this.#answering = new Answering({
      links,
      book: this.#book,
      holding: new Holding({ links, clock, undeliverable: () => {} }),
      cores: () => [],
      address: () => '',
      own: undefined,
      payloadBytesMax: this.payloadBytesMax,
    })
    this.streams = new Streams({
      links,
      clock,
      limits,
      defer: (fn) => environment.defer(fn),
      purpose: 'routing',
      ring: undefined,
      refusal: () => this.refusal(),
      lookup: (key, wait) => this.lookup(key, wait),
      known: (key) => this.known.find(key),
    })
    this.#links = new Links({
      transport: (options) => environment.transport(options),
      handler: {
        peerFrame: (session, ring, at, length) => this.#frame(session, ring, at, length),
        sessionUp: (session) => this.#sessionUp(session),
        sessionDown: (down) => this.#sessionDown(down),
        sessionEnded: (session) => this.exchange.sessionEnded(session, this.nowMs()),
        drained: (session) => this.streams.drained(session),
        batchEnd: () => {},
      },
      clock,
      random,
      self: { role: 'client', network: settings.network, address: '', incarnations: [] },
      idOf: environment.idOf,
      limits: settings.limits,
      timing: settings.timing,
      resolve: (host) => environment.resolve(host),
    })
  }

  /** Resolves when the first entry hop is there. */
  async open(): Promise<void> {
    try {
      this.#entries = await this.#resolveEntries()
      for (const address of this.#entries) this.#links.open(address, 'routing')
      await this.#connected.promise
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      const error = new ChordError('ERR_CLOSED', 'this client has been closed')
      this.exchange.close(error)
      this.streams.close(error)
      this.#ranges.stop()
      this.#silence.stop()
      await this.#links.destroy()
      this.#settleClosed(undefined)
    }
    await this.closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  ref(): this {
    this.#environment.hold(true)
    this.#links.ref()
    return this
  }

  unref(): this {
    this.#environment.hold(false)
    this.#links.unref()
    return this
  }

  protected nowMs(): number {
    return this.#environment.clock.nowMs()
  }

  protected refusal(): ChordError | undefined {
    return this.#isClosed ? new ChordError('ERR_CLOSED', 'this client has been closed') : undefined
  }

  async #resolveEntries(): Promise<string[]> {
    const entries = await Promise.all(
      this.#settings.to.map(async (text) => {
        const parsed = parseAddress(text)
        if (!parsed.ok || !parsed.value.dns) return [text]
        const { host, port } = parsed.value
        try {
          return (await this.#environment.resolve(host)).map((one) => formatAddress(one, port))
        } catch (cause) {
          this.#refused.set(text, `cannot be resolved: ${(cause as Error).message}`)
          return []
        }
      }),
    )
    const all = [...new Set(entries.flat())]
    if (all.length === 0) throw this.#unreachable()
    return all
  }

  #sessionUp(session: Session): void {
    this.#silence.up(session)
    this.#ranges.reached(session.address)
    this.#connected.resolve()
    this.exchange.sessionUp(this.nowMs())
    this.streams.sessionUp()
  }

  #sessionDown(down: Down): void {
    const { address, session, cause } = down
    if (this.#entries.includes(address)) this.#refused.set(address, down.rejection ?? cause)
    if (session !== undefined) this.#silence.down(session)
    // Whom we cannot reach, our entry hop may.
    if (session === undefined) this.#ranges.avoid(address)
    else if (cause !== 'idle' && cause !== 'local') this.#ranges.cache.forgetAddress(address)
    if (this.#entries.every((address) => this.#refused.has(address))) this.#connected.reject(this.#unreachable())
    if (this.#entries.every((address) => this.#links.session(address) === undefined)) void this.#resolveAnew()
    this.exchange.sessionDown(down, this.nowMs())
    this.streams.sessionDown(down)
  }

  /** Nobody but us finds out that an owner cannot be heard any more. */
  #listenTo(addresses: readonly string[]): void {
    for (const address of addresses) this.#silent.add(address)
    this.#environment.clock.setTimer(SILENCE_MS, () => {
      for (const address of addresses) if (this.#silent.delete(address)) this.#ranges.avoid(address)
    })
  }

  /** All have gone; a name may stand for others by now. */
  async #resolveAnew(): Promise<void> {
    if (!this.#settings.to.some((text) => text.startsWith('dns://'))) return
    // While the name stands for nobody, those that it stood for are tried.
    const entries = await this.#resolveEntries().catch(() => this.#entries)
    if (!this.#isClosed) this.#entries = entries
  }

  #unreachable(): ChordError {
    const tried = [...this.#refused].map(([address, why]) => `${address} (${why})`).join(', ')
    return new ChordError('ERR_UNREACHABLE', `no member answers: ${tried}`)
  }

  #dispatch(call: Call, nowMs: number): void {
    if (call.key === undefined) {
      return this.exchange.sendVia(call, call.address, 'routing', undefined, false, 0, nowMs)
    }
    if (call.owner !== undefined) {
      return this.exchange.sendVia(call, call.owner.address, 'routing', undefined, true, 0, nowMs)
    }
    if (call.attempt === 0 && !call.iterative && this.#toRemembered(call, call.key, nowMs)) return
    const entry = this.#entry(call.attempt)
    if (requestBytes(call, undefined) + ENTRY_ROOM > FRAME_BYTES_MAX) return this.#findOwner(call)
    if (call.iterative) return this.#walk(call, entry)
    this.exchange.sendVia(call, entry, 'routing', undefined, false, 0, nowMs)
  }

  /** By another entry hop. */
  #hedge(call: Call, nowMs: number): boolean {
    for (const address of this.#entries) {
      const session = this.#links.session(address)
      if (session === undefined || session === call.session) continue
      return this.exchange.sendBeside(call, session, undefined, false, 0, nowMs)
    }
    return false
  }

  /** Straight to the owner that is remembered. False: none is, or there is no connection to it; there may be the next time. */
  #toRemembered(call: Call, key: Id, nowMs: number): boolean {
    const owner = this.#ranges.next(key)
    if (owner === undefined) {
      this.#ranges.missed(key, nowMs)
      if (call.wants !== 'found' && this.#ranges.find(key) === undefined) this.#askForOwner(key, nowMs)
      return false
    }
    this.#ranges.stats.hits++
    call.straight = true
    if (requestBytes(call, undefined) + ENTRY_ROOM > FRAME_BYTES_MAX) call.owner = owner
    this.exchange.sendVia(call, owner.address, 'reply', undefined, true, 0, nowMs)
    return true
  }

  /** An entry hop that knows the owner sends messages there, and nobody would tell us who that is. Now and then it is worth a look-up. */
  #askForOwner(key: Id, nowMs: number): void {
    if (this.#settings.limits.cachedRanges === 0 || nowMs - this.#askedMs < SHORTCUT_OPEN_MS) return
    this.#askedMs = nowMs
    this.#environment.defer(() => void this.lookup(key, { timeoutMs: OWNER_MS }).catch(() => {}))
  }

  /** Another one for each attempt; those that are connected first. */
  #entry(attempt: number): string {
    const up = this.#entries.filter((address) => this.#links.session(address) !== undefined)
    const entries = up.length > 0 ? up : this.#entries
    if (attempt === 0) this.#turn++
    return entries[(this.#turn + attempt) % entries.length]!
  }

  #findOwner(call: Call): void {
    const { high } = call
    call.state = 'elsewhere'
    this.lookup(call.key!, { timeoutMs: Math.max(1, call.deadlineMs - this.nowMs()) }).then(
      ({ owner }) => {
        if (call.high !== high) return
        call.owner = owner
        this.#dispatch(call, this.nowMs())
      },
      (error: ChordError) => {
        if (call.high === high) this.exchange.fail(call, error)
      },
    )
  }

  #walk(call: Call, entry: string): void {
    const { high } = call
    call.state = 'elsewhere'
    const timeoutMs = Math.max(1, call.deadlineMs - this.nowMs())
    this.requestTo(entry, WALK, { key: String(call.key), timeoutMs }, { timeoutMs, idempotent: true }, (result) => {
      if (call.high !== high) return
      if (!result.ok) return this.exchange.fail(call, result.error)
      this.exchange.succeed(call, ownerOf(result.value) satisfies Owner)
    })
  }

  #frame(session: Session, m: FrameMemory, at: number, length: number): void {
    this.#silence.heard(session)
    if (this.#silent.size > 0) this.#silent.delete(session.address)
    const low = readLow(m, at)
    const high = readHigh(m, at)
    const isRepeated = (readFlags(m, at) & FLAG_UNCACHED) !== 0
    const start = bodyOffset(m, at)
    const end = at + length
    switch (readType(m, at)) {
      case TYPE_FOUND: {
        const found = decodeFound(m.bytes, start, end, this.#book)
        if (found === undefined) return
        this.#learn(low, high, found, 1, isRepeated)
        return this.exchange.found(low, high, found, isRepeated, this.nowMs())
      }
      case TYPE_REPLY:
        this.#learn(low, high, readOwner(m, at, this.#book), 0, isRepeated)
        return this.exchange.replied(low, high, isRepeated, m.bytes, start, end)
      case TYPE_FAILURE: {
        const failure = decodeFailure(m.bytes, start, end)
        if (failure === undefined) return this.#links.refuse(session, 'failureBody')
        return this.exchange.refusedBy(low, high, failure.code, failure.message, isRepeated, this.nowMs())
      }
      case TYPE_STREAM:
        return this.streams.frame(session, m, at, length)
      case TYPE_REQUEST:
        return this.#answering.failure(
          this.#answering.path(session, m, at),
          0,
          FAIL_NOT_MEMBER,
          'a client takes no messages',
        )
      default:
        this.#links.refuse(session, 'type')
    }
  }

  /** As the answer to a call of ours says. */
  #learn(low: number, high: number, owner: Owner | undefined, straight: number, isRepeated: boolean): void {
    const call = owner === undefined ? undefined : this.exchange.table.find(low, high)
    if (call !== undefined) this.#ranges.answered(call, owner!, straight, isRepeated, this.nowMs())
  }
}
