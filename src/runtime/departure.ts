/**
 * How a process ends its connections in order. What others sent before they heard of it is still on its way, and must
 * not be lost:
 *
 *     we  ── goodbye ──▶  peer    which routes by others from now on
 *     we  ◀── frames ───  peer    sent before: answered or passed on as ever
 *     we  ◀── goodbye ──  peer    nothing more will come
 *
 * When all have said goodbye, and what waited for a connection has left too, everything closes.
 */
import type { Clock } from '../api.ts'
import type { Transport } from '../transports/transport.ts'
import type { LinkSession } from './link-session.ts'

export interface DepartureOptions {
  transport: Transport
  clock: Clock
  /** For everybody to say goodbye; then we close anyway. */
  patienceMs: number
  /** Every connection that has not closed. */
  open: ReadonlySet<LinkSession>
  isDialing(): boolean
  /** Says goodbye. False: it cannot be told, and is closed. */
  tell(session: LinkSession): boolean
}

export class Departure {
  readonly #o: DepartureOptions
  readonly #heard = new Set<LinkSession>()
  #state: 'staying' | 'leaving' | 'closing' = 'staying'
  #done: (() => void) | undefined

  constructor(o: DepartureOptions) {
    this.#o = o
  }

  get isLeaving(): boolean {
    return this.#state !== 'staying'
  }

  /** Nothing may be opened any more. */
  get isClosing(): boolean {
    return this.#state === 'closing'
  }

  /** Resolves when everything has closed, or patience has ended. */
  begin(): Promise<void> {
    this.#state = 'leaving'
    const { transport, clock, patienceMs, open } = this.#o
    for (const session of open) {
      if (session.greeted) this.opened(session)
      else if (session.dial === undefined) transport.close(session.link, true)
    }
    return new Promise((resolve) => {
      const timer = clock.setTimer(patienceMs, () => this.stop())
      this.#done = () => {
        timer[Symbol.dispose]()
        resolve()
      }
      this.changed()
    })
  }

  /** A connection for what we still have to say. */
  opened(session: LinkSession): void {
    session.cause = 'local'
    if (session.up && !this.#o.tell(session)) this.#o.transport.close(session.link)
  }

  /** It said goodbye. */
  heard(session: LinkSession): void {
    this.#heard.add(session)
    this.changed()
  }

  /** A connection closed, or an attempt to open one ended. */
  changed(): void {
    const { transport, open, isDialing } = this.#o
    if (this.#state === 'staying' || (this.#state === 'leaving' && isDialing())) return
    for (const session of open) {
      if (this.#state === 'leaving' && session.up && session.link.open && !this.#heard.has(session)) return
    }
    this.#state = 'closing'
    for (const session of open) if (session.link.open) transport.close(session.link)
    if (open.size === 0) this.stop()
  }

  /** Waits no longer. */
  stop(): void {
    if (this.#state === 'staying') return
    this.#state = 'closing'
    this.#done?.()
  }
}
