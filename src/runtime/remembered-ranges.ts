/**
 * Ranges of other processes that answers told of, and what they are good for: a key in one of them goes straight to its owner, if there is
 * a connection to that. Nobody relies on them: an owner that has changed passes on what comes, and its answer says so.
 */
import type { Clock, Limits, Owner, Peer, Timing } from '../api.ts'
import type { ChordNode } from '../core/chord-node.ts'
import { SHORTCUT_AVOID_MS, SHORTCUT_OPEN_MS, SHORTCUT_REPLACE_MS, SHORTCUTS_AVOIDED_MAX } from '../core/config.ts'
import type { Id } from '../core/id.ts'
import { RangeCache } from '../core/range-cache.ts'
import type { Shortcuts } from '../core/router.ts'
import type { Call } from './calls.ts'
import type { Remembered } from './known.ts'
import type { Links } from './links.ts'
import type { Session } from './session.ts'

export interface RememberedRangesOptions {
  links: () => Links
  /** Empty for a client. */
  cores: () => readonly ChordNode[]
  clock: Clock
  limits: Pick<Limits, 'cachedRanges' | 'replyConnections'>
  timing: Pick<Timing, 'cachedMs'>
}

const SWEEPS_PER_AGE = 4

export class RememberedRanges implements Remembered, Shortcuts {
  readonly cache: RangeCache
  readonly stats = { hits: 0, misses: 0, stale: 0 }
  readonly #o: RememberedRangesOptions
  #sweeper: Disposable | undefined
  #isStopped = false
  #openedMs = Number.NEGATIVE_INFINITY
  /** Owners that nothing goes straight to for now, and what ends that; the first to be avoided is first. */
  readonly #avoided = new Map<string, Disposable>()

  constructor(o: RememberedRangesOptions) {
    this.#o = o
    this.cache = new RangeCache(o.limits.cachedRanges)
  }

  get version(): number {
    return this.cache.version
  }

  find(key: Id): Owner | undefined {
    return this.cache.find(key)
  }

  owners(): readonly Owner[] {
    return this.cache.all
  }

  /** The remembered owner, if it is connected. */
  next(key: Id): Peer | undefined {
    if (this.#reach(key) === undefined || this.#isOurs(key)) return undefined
    return this.cache.find(key)?.owner
  }

  /** A session to it, for a key that is not ours. */
  session(key: Id): Session | undefined {
    const session = this.#reach(key)
    if (session !== undefined) this.stats.hits++
    return session
  }

  #reach(key: Id): Session | undefined {
    const known = this.cache.find(key)
    if (known === undefined) return undefined
    const { address } = known.owner
    return this.#avoided.size > 0 && this.#avoided.has(address) ? undefined : this.#o.links().session(address)
  }

  /** It cannot be reached, or says nothing: for a while nothing goes straight there, and nobody dials it for that. */
  avoid(address: string): void {
    if (this.#isStopped || this.#avoided.has(address)) return
    if (this.#avoided.size >= SHORTCUTS_AVOIDED_MAX) this.reached(this.#avoided.keys().next().value!)
    this.#avoided.set(
      address,
      this.#o.clock.setTimer(SHORTCUT_AVOID_MS, () => void this.#avoided.delete(address)),
    )
  }

  /** There is a new connection to it. */
  reached(address: string): void {
    this.#avoided.get(address)?.[Symbol.dispose]()
    this.#avoided.delete(address)
  }

  /** An owner has said so. */
  learn({ owner, range, epoch }: Pick<Owner, 'owner' | 'range' | 'epoch'>, nowMs: number): void {
    if (owner.address === this.#o.cores()[0]?.self.address) return
    if (this.cache.learn(owner, range, epoch, nowMs)) this.#arm()
  }

  /**
   * The answer to the call says who owns its key: not who was asked, if the first attempt was answered, by more hops than `straight`.
   */
  answered(call: Call, owner: Owner, straight: number, isRepeated: boolean, nowMs: number): void {
    if (call.straight && !isRepeated && owner.hops > straight) this.stats.stale++
    this.learn(owner, nowMs)
  }

  /** Whoever was thought to own the call's key does not, or does not answer. */
  doubted({ key, straight }: Call): void {
    if (straight) this.stats.stale++
    if (key !== undefined) this.cache.forgetKey(key)
  }

  /** A key had to be routed. If its owner is remembered, let there be a connection the next time. */
  missed(key: Id, nowMs: number): void {
    this.stats.misses++
    const known = this.cache.find(key)
    if (known === undefined || nowMs - this.#openedMs < SHORTCUT_OPEN_MS) return
    const links = this.#o.links()
    if (links.session(known.owner.address) !== undefined || this.#avoided.has(known.owner.address)) return
    const isFull = links.counts().reply >= this.#o.limits.replyConnections
    if (isFull && nowMs - this.#openedMs < SHORTCUT_REPLACE_MS) return
    this.#openedMs = nowMs
    links.open(known.owner.address, 'reply')
  }

  stop(): void {
    this.#isStopped = true
    this.#sweeper?.[Symbol.dispose]()
    this.#sweeper = undefined
    for (const address of [...this.#avoided.keys()]) this.reached(address)
  }

  #isOurs(key: Id): boolean {
    for (const core of this.#o.cores()) if (core.owns(key)) return true
    return false
  }

  #arm(): void {
    if (this.#isStopped || this.#sweeper !== undefined) return
    const { clock } = this.#o
    const { cachedMs } = this.#o.timing
    this.#sweeper = clock.setTimer(cachedMs / SWEEPS_PER_AGE, () => {
      this.#sweeper = undefined
      this.cache.expire(clock.nowMs() - cachedMs)
      if (this.cache.size > 0) this.#arm()
    })
  }
}
