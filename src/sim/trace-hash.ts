/**
 * One number for all that happened in a run: every message, event, input and fault, when and to whom. Two runs that differ
 * anywhere nearly surely have different hashes. Only 32-bit integer arithmetic, so that every engine computes the same.
 */
import type { Id } from '../core/id.ts'
import type { Message, Peer, Range } from '../core/messages.ts'
import type { CoreEvent } from '../core/output.ts'
import type { Input } from './input.ts'
import type { EndedLookup, Fault, Flight, Observer, SimMember } from './observer.ts'

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

export class TraceHash implements Observer {
  #a = 0x2545f491
  #b = 0x6c078965
  readonly #clock: { readonly nowMs: number }
  readonly #texts = new Map<string, number>()

  /** Of what `clock`, a simulation, shows the time of. */
  constructor(clock: { readonly nowMs: number }) {
    this.#clock = clock
  }

  /** 16 hex digits: of all up to now. */
  get digest(): string {
    return hex(this.#a ^ (this.#b << 7)) + hex(this.#b)
  }

  started({ node, process, index }: SimMember): void {
    this.#begin('started')
    this.#text(process.address)
    this.#word(index)
    this.#peer(node.self)
    this.#float(Number(node.self.incarnation))
  }

  stopped({ node }: SimMember, how: 'crashed' | 'left'): void {
    this.#begin(how)
    this.#id(node.self.id)
  }

  fault(fault: Fault): void {
    this.#begin(fault.kind)
    for (const address of fault.addresses) this.#text(address)
  }

  sent(flight: Flight): void {
    this.#begin('sent')
    this.#word(flight.id)
    this.#word(flight.request)
    this.#peer(flight.from)
    this.#peer(flight.to)
    this.#message(flight.message)
  }

  landed(flight: Flight, how: 'delivered' | 'lost'): void {
    this.#begin(how)
    this.#word(flight.id)
  }

  input({ node }: SimMember, input: Input, nowMs: number): void {
    this.#begin(input.kind)
    this.#id(node.self.id)
    this.#float(nowMs)
  }

  event({ node }: SimMember, event: CoreEvent): void {
    this.#begin(event.type)
    this.#id(node.self.id)
    switch (event.type) {
      case 'range':
        this.#range(event.range)
        this.#text(event.cause)
        return
      case 'predecessor':
      case 'successor':
        return this.#maybe(event.current)
      case 'state':
        return this.#text(event.current)
      case 'staleIncarnation':
        return this.#word(Number(event.known))
      default:
        return this.#peer(event.peer)
    }
  }

  lookup(ended: EndedLookup): void {
    this.#begin(ended.failure ?? 'found')
    this.#id(ended.key)
    this.#text(ended.originator)
    this.#word(ended.hops)
    this.#word(ended.attempts)
    this.#maybe(ended.answer?.owner)
  }

  #begin(what: string): void {
    this.#text(what)
    this.#float(this.#clock.nowMs)
  }

  #message(message: Message): void {
    this.#text(message.type)
    switch (message.type) {
      case 'neighbors':
        this.#maybe(message.predecessor)
        this.#word(message.leaving ? 1 : 0)
        return this.#peers(message.successors)
      case 'closest':
        this.#word(message.joiner ? 1 : 0)
        return this.#id(message.key)
      case 'closestKnown':
        this.#word(message.done ? 1 : 0)
        this.#maybe(message.conflict)
        this.#peers(message.next)
        return this.#peers(message.successors)
      case 'grant':
      case 'handOver':
        if (message.after !== undefined) this.#id(message.after)
        this.#maybe(message.boundary.peer)
        return this.#word(message.boundary.dead ? 1 : 0)
      case 'granted':
        return this.#word(message.accepted ? 1 : 0)
      case 'handedOver':
        return this.#word((message.accepted ? 1 : 0) | (message.leaving ? 2 : 0))
      case 'left':
        return this.#peers(message.successors)
      case 'notMember':
        return this.#word(message.joining ? 1 : 0)
      case 'notify':
        return this.#word((message.hasRange ? 1 : 0) | (message.skips ? 2 : 0))
      case 'meet':
      case 'claim':
        return this.#peer(message.peer)
      default:
    }
  }

  #peers(peers: readonly Peer[]): void {
    this.#word(peers.length)
    for (const peer of peers) this.#peer(peer)
  }

  #maybe(peer: Peer | undefined): void {
    if (peer === undefined) this.#word(0)
    else this.#peer(peer)
  }

  /** Which life of it: said when that began. */
  #peer(peer: Peer): void {
    this.#id(peer.id)
  }

  #range(range: Range | undefined): void {
    if (range === undefined) return this.#word(0)
    this.#id(range.after)
    this.#id(range.upTo)
  }

  /** All its bits, in two words. */
  #id(id: Id): void {
    this.#word(id.w0 ^ Math.imul(id.w2, 0x9e3779b1))
    this.#word(id.w1 ^ Math.imul(id.w3, 0x85ebca6b) ^ id.w4)
  }

  /** Names come again and again. */
  #text(text: string): void {
    let hash = this.#texts.get(text)
    if (hash === undefined) {
      hash = hashOf(text)
      this.#texts.set(text, hash)
    }
    this.#word(hash)
  }

  #float(value: number): void {
    float[0] = value
    this.#word(words[0] as number)
    this.#word(words[1] as number)
  }

  #word(word: number): void {
    const a = Math.imul(this.#a ^ word, 0x9e3779b1)
    this.#a = (a << 15) | (a >>> 17)
    const b = Math.imul(this.#b + word, 0x85ebca6b)
    this.#b = ((b << 13) | (b >>> 19)) ^ this.#a
  }
}

/** One hash of many, in their order. */
export function combineHashes(hashes: readonly string[]): string {
  return hex(hashOf(hashes.join(' '))) + hex(hashOf(`again ${[...hashes].reverse().join(' ')}`))
}

/** FNV-1a over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

function hex(word: number): string {
  let z = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return ((z ^ (z >>> 16)) >>> 0).toString(16).padStart(8, '0')
}
