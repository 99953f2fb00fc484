/** All observers of a ring, sorted by what they want to see: what nobody watches costs nothing. */
import type { CoreEvent, Output } from '../core/output.ts'
import type { Input } from './input.ts'
import type { Cause, EndedLookup, Fault, Flight, Observer, SimMember } from './observer.ts'

type Listening<K extends keyof Observer> = Observer & Required<Pick<Observer, K>>

export class Watchers implements Required<Observer> {
  readonly #of: { readonly [K in keyof Observer]-?: Listening<K>[] } = {
    started: [],
    stopped: [],
    fault: [],
    sent: [],
    landed: [],
    input: [],
    output: [],
    event: [],
    stepped: [],
    lookup: [],
  }

  add(observer: Observer): void {
    for (const name of Object.keys(this.#of) as (keyof Observer)[]) {
      if (observer[name] !== undefined) (this.#of[name] as Observer[]).push(observer)
    }
  }

  started(member: SimMember): void {
    for (const one of this.#of.started) one.started(member)
  }

  stopped(member: SimMember, how: 'crashed' | 'left'): void {
    for (const one of this.#of.stopped) one.stopped(member, how)
  }

  fault(fault: Fault): void {
    for (const one of this.#of.fault) one.fault(fault)
  }

  sent(flight: Flight): void {
    for (const one of this.#of.sent) one.sent(flight)
  }

  landed(flight: Flight, how: 'delivered' | 'lost'): void {
    for (const one of this.#of.landed) one.landed(flight, how)
  }

  input(member: SimMember, input: Input, nowMs: number): void {
    for (const one of this.#of.input) one.input(member, input, nowMs)
  }

  output(member: SimMember, output: Output): void {
    for (const one of this.#of.output) one.output(member, output)
  }

  event(member: SimMember, event: CoreEvent): void {
    for (const one of this.#of.event) one.event(member, event)
  }

  stepped(member: SimMember, cause: Cause): void {
    for (const one of this.#of.stepped) one.stepped(member, cause)
  }

  lookup(ended: EndedLookup): void {
    for (const one of this.#of.lookup) one.lookup(ended)
  }
}
