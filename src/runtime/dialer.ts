/** Attempts to reach addresses: names are resolved, their hosts tried one after the other, each within its time. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock } from '../api.ts'
import type { Transport } from '../transports/transport.ts'
import { parseAddress } from './address.ts'
import { type Dial, LinkSession, newDial, noteFailure } from './link-session.ts'

export interface DialerOptions {
  transport: Transport
  clock: Clock
  connectMs: number
  resolve: ((host: string) => Promise<readonly string[]>) | undefined
  /** A link was dialed: say hello. */
  attempt(session: LinkSession): void
  /** No host is left. Never called from inside `begin`. */
  failed(dial: Dial): void
}

export class Dialer {
  readonly dials = new Map<string, Dial>()
  readonly #options: DialerOptions
  readonly #resolve: (host: string) => Promise<readonly string[]>

  constructor(options: DialerOptions) {
    this.#options = options
    this.#resolve = options.resolve ?? systemResolve
  }

  count(purpose: 'routing' | 'reply'): number {
    let count = 0
    for (const dial of this.dials.values()) if (dial.purpose === purpose) count++
    return count
  }

  /** Starts, unless it is being dialed already. */
  begin(address: string, purpose: 'routing' | 'reply'): Dial {
    const known = this.dials.get(address)
    if (known !== undefined) {
      if (purpose === 'routing') known.purpose = purpose
      return known
    }
    const dial = newDial(address, purpose)
    this.dials.set(address, dial)
    const parsed = parseAddress(address)
    if (!parsed.ok || parsed.value.port === 0) {
      dial.cause = 'unreachable'
      this.#options.clock.setTimer(0, () => this.next(dial))
      return dial
    }
    const { host, port } = parsed.value
    dial.port = port
    if (isIP(host) !== 0) {
      dial.hosts = [host]
      this.next(dial)
    } else {
      this.#resolveThenNext(dial, host)
    }
    return dial
  }

  /** Tries the next host, or gives up. */
  next(dial: Dial): void {
    if (this.dials.get(dial.address) !== dial) return
    const host = dial.hosts.shift()
    dial.session = undefined
    if (host === undefined) {
      this.dials.delete(dial.address)
      this.#options.failed(dial)
      return
    }
    const { transport, clock, connectMs } = this.#options
    const session = new LinkSession(transport.dial(host, dial.port), dial.purpose, dial)
    dial.session = session
    session.link.session = session
    session.timer = clock.setTimer(connectMs, () => transport.close(session.link, true))
    this.#options.attempt(session)
  }

  /** The hello to come says something else than the one that was sent: the attempts under way are made anew. */
  restart(): void {
    for (const dial of this.dials.values()) {
      if (dial.session === undefined) continue
      dial.hosts.unshift(dial.session.link.remoteHost)
      this.#options.transport.close(dial.session.link, true)
    }
  }

  /** Gives up all attempts; nobody is told. */
  stop(): void {
    const dials = [...this.dials.values()]
    this.dials.clear()
    for (const { session } of dials) if (session !== undefined) this.#options.transport.close(session.link, true)
  }

  #resolveThenNext(dial: Dial, host: string): void {
    const { clock, connectMs } = this.#options
    let settled = false
    const settle = (hosts: readonly string[]) => {
      if (settled) return
      settled = true
      timer[Symbol.dispose]()
      if (hosts.length === 0) noteFailure(dial, 'unreachable', undefined)
      dial.hosts = [...hosts]
      this.next(dial)
    }
    const timer = clock.setTimer(connectMs, () => settle([]))
    const resolving = (async () => this.#resolve(host))()
    resolving.then(settle, () => settle([]))
  }
}

async function systemResolve(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true })
  return found.map((entry) => entry.address)
}
