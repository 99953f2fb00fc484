/** The sessions that are up: which one serves an address, and which ones have served their time. */
import type { LinkSession } from './link-session.ts'

/** An accepted connection is the dialer's to close; we do only if that forgot, or vanished without a word. */
const ACCEPTED_PATIENCE = 4

export class SessionTable {
  readonly all = new Set<LinkSession>()
  #uses = 0
  /** By advertised address and, if nobody advertises it, by the address dialed. */
  readonly #byAddress = new Map<string, LinkSession>()

  get(address: string): LinkSession | undefined {
    return this.#byAddress.get(address)
  }

  add(session: LinkSession): void {
    this.all.add(session)
    this.#name(session.address, session)
    this.#name(session.dialed, session)
  }

  /** Both ends may have dialed at once: then the other connection takes over. */
  remove(session: LinkSession): void {
    if (!this.all.delete(session)) return
    for (const address of [session.address, session.dialed]) {
      if (address === undefined || this.#byAddress.get(address) !== session) continue
      this.#byAddress.delete(address)
      for (const other of this.all) {
        if (other.address === address || other.dialed === address) this.#name(address, other)
      }
    }
  }

  counts(): { routing: number; reply: number; accepted: number } {
    const counts = { routing: 0, reply: 0, accepted: 0 }
    for (const session of this.all) counts[session.purpose]++
    return counts
  }

  used(session: LinkSession): void {
    session.lastUsed = ++this.#uses
  }

  /** `awaiting`: also one over which answers are to come. */
  leastRecentReply(awaiting: boolean): LinkSession | undefined {
    this.#notePassed()
    let found: LinkSession | undefined
    for (const session of this.all) {
      if (session.purpose !== 'reply' || session.large.length > 0 || session.streams > 0) continue
      if (!awaiting && session.awaited > 0) continue
      if (found === undefined || session.lastUsed < found.lastUsed) found = session
    }
    return found
  }

  /** Those that nobody has used for `idleMs`. Looks at use since the last sweep, so that using costs no clock. */
  sweep(nowMs: number, idleMs: number, keep: ReadonlySet<string>): LinkSession[] {
    this.#notePassed()
    const idle: LinkSession[] = []
    for (const session of this.all) {
      if (session.lastUsed !== session.sweptUse || isBusy(session) || this.#isKept(session, keep)) {
        session.sweptUse = session.lastUsed
        session.idleSinceMs = nowMs
        continue
      }
      const patience = session.purpose === 'accepted' ? ACCEPTED_PATIENCE * idleMs : idleMs
      if (nowMs - session.idleSinceMs >= patience) idle.push(session)
    }
    return idle
  }

  /** What the transport has passed on by itself is use, too. */
  #notePassed(): void {
    for (const session of this.all) if (session.takePassed()) this.used(session)
  }

  /** A second connection to an address is not: it goes when it is idle. */
  #isKept(session: LinkSession, keep: ReadonlySet<string>): boolean {
    if (session.purpose !== 'routing') return false
    return keep.has(session.address) && this.#byAddress.get(session.address) === session
  }

  #name(address: string | undefined, session: LinkSession): void {
    if (address === undefined || address === '' || this.#byAddress.has(address)) return
    this.#byAddress.set(address, session)
  }
}

function isBusy(session: LinkSession): boolean {
  return session.large.length > 0 || session.awaited > 0 || session.streams > 0
}
