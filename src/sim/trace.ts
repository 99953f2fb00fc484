/** What happens in a simulation, a line for each message and event, for people who read a failure. */
import { Id } from '../core/id.ts'
import type { Peer, Range } from '../core/messages.ts'
import type { CoreEvent } from '../core/output.ts'
import type { EndedLookup, Fault, Flight, Observer, SimMember } from './observer.ts'

export class Trace implements Observer {
  readonly #clock: { readonly nowMs: number }
  readonly #write: (line: string) => void

  /** Of the simulation that `clock` is. */
  constructor(clock: { readonly nowMs: number }, write: (line: string) => void) {
    this.#clock = clock
    this.#write = write
  }

  started({ node }: SimMember): void {
    this.#line(`${name(node.self)} starts as ${node.self.incarnation}`)
  }

  stopped({ node }: SimMember, how: 'crashed' | 'left'): void {
    this.#line(`${name(node.self)} is gone: ${how}`)
  }

  fault({ kind, addresses }: Fault): void {
    this.#line(`! ${kind} ${addresses.join(' ')}`)
  }

  landed(flight: Flight, how: 'delivered' | 'lost'): void {
    const lost = how === 'lost' ? '  (lost)' : ''
    this.#line(`${name(flight.from)} → ${name(flight.to)}  ${show(flight.message)}${lost}`)
  }

  event({ node }: SimMember, event: CoreEvent): void {
    this.#line(`${name(node.self)}: ${show(event)}`)
  }

  lookup({ originator, key, answer, failure, hops, attempts }: EndedLookup): void {
    const end = answer === undefined ? failure : `${name(answer.owner)} in ${hops} hops, attempt ${attempts}`
    this.#line(`${originator} asked for ${short(key)}: ${end}`)
  }

  #line(text: string): void {
    this.#write(`${this.#clock.nowMs.toFixed(2).padStart(12)}  ${text}`)
  }
}

/** Address and the first digits of the id: short, and different enough. */
export function name(peer: Peer): string {
  return `${peer.address}.${short(peer.id)}`
}

/** Ids of scenarios are small numbers. */
function short(id: Id): string {
  const text = String(id)
  return text.startsWith('00000000') ? text.replace(/^0+(?=.)/, '') : text.slice(0, 4)
}

/** `{ type: 'notify', … }` as `notify …`. */
export function show(value: { readonly type: string }): string {
  const { type, ...fields } = value
  const shown = Object.entries(fields).map(([key, field]) => `${key} ${showField(field)}`)
  return [type, ...shown].join(' ')
}

function showField(value: unknown): string {
  if (value === undefined) return '-'
  if (value instanceof Id) return short(value)
  if (Array.isArray(value)) return `[${value.map(showField).join(' ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  if ('incarnation' in value) return name(value as Peer)
  if ('upTo' in value) return `(${short((value as Range).after)}, ${short((value as Range).upTo)}]`
  return `{${Object.entries(value)
    .map(([key, field]) => `${key} ${showField(field)}`)
    .join(' ')}}`
}
