/** Listeners of one node. What a listener throws becomes a `warning` and never reaches the node. */
import type { Events, Logger } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { settleLater } from './batches.ts'

type Listener = (event: never) => void

const NAMES: Readonly<Record<keyof Events, true>> = {
  range: true,
  predecessor: true,
  successor: true,
  'peer:up': true,
  'peer:down': true,
  'ring:split': true,
  'ring:merged': true,
  state: true,
  warning: true,
}

export class Emitter {
  readonly #listeners = new Map<keyof Events, Listener[]>()
  readonly #logger: Logger | undefined

  constructor(logger: Logger | undefined) {
    this.#logger = logger
  }

  on<E extends keyof Events>(event: E, fn: (e: Events[E]) => void): void {
    if (!Object.hasOwn(NAMES, event)) throw new ChordError('ERR_BAD_OPTION', `there is no event '${event}'`)
    if (typeof fn !== 'function') throw new ChordError('ERR_BAD_OPTION', 'a listener must be a function')
    // A new array each time: a listener may add or remove listeners while the event is told.
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), fn as Listener])
  }

  off<E extends keyof Events>(event: E, fn: (e: Events[E]) => void): void {
    const listeners = this.#listeners.get(event)
    const at = listeners?.lastIndexOf(fn as Listener) ?? -1
    if (listeners !== undefined && at >= 0) this.#listeners.set(event, listeners.toSpliced(at, 1))
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    const listeners = this.#listeners.get(event)
    if (listeners === undefined) return
    for (const listener of listeners) {
      try {
        settleLater((listener as (e: Events[E]) => unknown)(value), (cause) => this.#threw(event, cause))
      } catch (cause) {
        this.#threw(event, cause)
      }
    }
  }

  warn(error: ChordError): void {
    this.#logger?.warn(error.message, { code: error.code })
    this.emit('warning', error)
  }

  #threw(event: keyof Events, cause: unknown): void {
    if (event === 'warning') this.#logger?.error('a listener of warning threw', { cause })
    else this.warn(new ChordError('ERR_HANDLER', `a listener of '${event}' threw`, { cause }))
  }
}
