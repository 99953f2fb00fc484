/** Contacts: resolved anew each time they are wanted, dialed, and told to the members that look for a ring. */
import type { Clock } from '../api.ts'
import type { ChordNode } from '../core/chord-node.ts'
import type { PeerBook } from '../wire/codec.ts'
import { type Address, formatAddress, parseAddress } from './address.ts'
import type { Links } from './links.ts'
import type { Session } from './session.ts'

/** Members of a session that are told to a core that looks for a ring; one is enough, if it lives. */
const CONTACTS_MAX = 4

export interface SeedsOptions {
  seeds: readonly string[]
  links: () => Links
  clock: Clock
  resolve(host: string): Promise<readonly string[]>
  /** Our own address, once it is known. */
  address(): string
  /** Member `index` wanted contacts, and here is one. */
  contact(index: number, session: Session): void
  /** Every contact there is turned out to be ourselves. */
  alone(): void
}

/** How long a member that asked is told of contacts that turn up. */
const INTEREST_MS = 5_000

export class Seeds {
  readonly #o: SeedsOptions
  readonly #seeds: readonly Address[]
  /** Other names of our own process. */
  readonly #ourNames = new Set<string>()
  /** Addresses to try besides the seeds: those remembered from an earlier life. */
  readonly #remembered: string[] = []
  /** The remembered may still turn up. */
  #isPatient = true
  readonly #wanting = new Map<number, number>()

  constructor(o: SeedsOptions) {
    this.#o = o
    this.#seeds = o.seeds.map((seed) => {
      const parsed = parseAddress(seed)
      if (!parsed.ok) throw new Error(parsed.message)
      return parsed.value
    })
  }

  remember(addresses: readonly string[]): void {
    for (const address of addresses) if (!this.isOurs(address)) this.#remembered.push(address)
  }

  /** Nothing to try, as far as can be told without resolving names. */
  get none(): boolean {
    if (this.#remembered.length > 0) return false
    return this.#seeds.every((seed) => !seed.dns && this.isOurs(formatAddress(seed.host, seed.port)))
  }

  isOurs(address: string): boolean {
    return address === this.#o.address() || this.#ourNames.has(address)
  }

  /** Those remembered have had their time; they are still tried. */
  waitNoLonger(): void {
    this.#isPatient = false
    void this.dial()
  }

  /** Member `index` looks for a ring, or for another than it knows. */
  want(index: number): void {
    this.#wanting.set(index, this.#o.clock.nowMs() + INTEREST_MS)
    void this.dial()
  }

  /** Opens connections to all seeds. Those that are up already count as found. */
  async dial(): Promise<void> {
    for (const address of this.#remembered) this.#open(address)
    const resolved = await Promise.all(this.#seeds.map((seed) => this.#addresses(seed)))
    const addresses = resolved.flat()
    for (const address of addresses) this.#open(address)
    const complete = resolved.every((list) => list.length > 0)
    const waits = this.#remembered.length > 0 && this.#isPatient
    if (complete && !waits && addresses.every((one) => this.isOurs(one))) this.#o.alone()
  }

  sessionUp(session: Session): void {
    if (session.role !== 'member') return
    const nowMs = this.#o.clock.nowMs()
    for (const [index, untilMs] of this.#wanting) {
      if (untilMs < nowMs) this.#wanting.delete(index)
      else this.#o.contact(index, session)
    }
  }

  /** A dial found that the other end is this process. */
  ours(address: string): void {
    this.#ourNames.add(address)
    if (this.#wanting.size > 0) void this.dial()
  }

  #open(address: string): void {
    if (this.isOurs(address)) return
    const links = this.#o.links()
    const session = links.session(address)
    if (session === undefined) links.open(address, 'routing')
    else this.sessionUp(session)
  }

  /** Empty if the name cannot be resolved now. */
  async #addresses(seed: Address): Promise<string[]> {
    if (!seed.dns) return [formatAddress(seed.host, seed.port)]
    try {
      const hosts = await this.#o.resolve(seed.host)
      return hosts.map((host) => formatAddress(host, seed.port))
    } catch {
      return []
    }
  }
}

/** Who is at the other end of a connection, for a core that looks for a ring. */
export function tellContacts(core: ChordNode, session: Session, book: PeerBook, nowMs: number): void {
  for (const [at, seen] of session.peers.slice(0, CONTACTS_MAX).entries()) {
    const peer = book.peer(seen.address, at, seen.incarnation)
    if (peer === undefined) continue
    if (at === 0) core.compareRings(peer, nowMs)
    else core.contact(peer, nowMs)
  }
}
