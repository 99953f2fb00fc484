/** The few peers that a bounded exploration has, and values that hold peers and ids as text that compares equal. */
import { Id } from '../../core/id.ts'
import type { Peer } from '../../core/messages.ts'

/** Node `slot` has id `slot`; a life of it is an incarnation. */
export class Universe {
  readonly nodes: number
  readonly #peers: Peer[] = []
  readonly #ids: Id[] = []

  constructor(nodes: number, lives: number) {
    this.nodes = nodes
    for (let slot = 0; slot < nodes; slot++) this.#ids.push(new Id(0, 0, 0, 0, slot))
    for (let number = 0; number < nodes * lives; number++) {
      const slot = number % nodes
      const incarnation = BigInt(1 + Math.floor(number / nodes))
      this.#peers.push({ id: this.#ids[slot] as Id, address: `n${slot.toString(16)}`, incarnation })
    }
  }

  /** Always the same object for the same peer. */
  peer(slot: number, life: number): Peer {
    return this.numbered(slot + this.nodes * (life - 1))
  }

  /** How many there can be. */
  get peers(): number {
    return this.#peers.length
  }

  numbered(number: number): Peer {
    return this.#peers[number] as Peer
  }

  number(peer: Peer): number {
    return slotOf(peer) + this.nodes * (Number(peer.incarnation) - 1)
  }

  /** JSON, in which equal values are equal texts. */
  text(value: unknown): string {
    return JSON.stringify(this.#plain(value))
  }

  value<T>(text: string): T {
    return this.#rich(JSON.parse(text)) as T
  }

  #plain(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof Id) return `#${value.w4}`
    if ('incarnation' in value) return `@${this.number(value as Peer)}`
    if (Array.isArray(value)) return value.map((entry) => this.#plain(entry))
    if (value instanceof Set) return { set: [...value].sort() }
    const out: Record<string, unknown> = {}
    for (const name of Object.keys(value).sort()) {
      const entry = (value as Record<string, unknown>)[name]
      if (entry !== undefined) out[name] = this.#plain(entry)
    }
    return out
  }

  #rich(value: unknown): unknown {
    if (typeof value === 'string') {
      if (value.startsWith('@')) return this.numbered(Number(value.slice(1)))
      return value.startsWith('#') ? this.#ids[Number(value.slice(1))] : value
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map((entry) => this.#rich(entry))
    if ('set' in value) return new Set(value.set as string[])
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, this.#rich(entry)]))
  }
}

export function slotOf(peer: Peer): number {
  return peer.id.w4
}
