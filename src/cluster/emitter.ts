/** Listeners of a cluster. What a listener throws becomes a `warning` and reaches nobody else. */
import type { ClusterEvents, Logger } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { settleLater } from '../runtime/batches.ts'
import { NODE_EVENTS } from './messages.ts'

type Listener = (event: never, worker: number) => unknown

const NAMES: ReadonlySet<string> = new Set([...NODE_EVENTS, 'worker:up', 'worker:down', 'cluster:state'])
/** The number that events of the cluster itself carry. */
export const NO_WORKER = -1

export class ClusterEmitter {
  readonly #listeners = new Map<keyof ClusterEvents, Listener[]>()
  readonly #logger: Logger | undefined

  constructor(logger: Logger | undefined) {
    this.#logger = logger
  }

  on(event: keyof ClusterEvents, fn: Listener): void {
    if (!NAMES.has(event)) throw new ChordError('ERR_BAD_OPTION', `there is no event '${event}'`)
    if (typeof fn !== 'function') throw new ChordError('ERR_BAD_OPTION', 'a listener must be a function')
    // A new array each time: a listener may add or remove listeners while the event is told.
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), fn])
  }

  off(event: keyof ClusterEvents, fn: Listener): void {
    const listeners = this.#listeners.get(event)
    const at = listeners?.lastIndexOf(fn) ?? -1
    if (listeners !== undefined && at >= 0) this.#listeners.set(event, listeners.toSpliced(at, 1))
  }

  emit<E extends keyof ClusterEvents>(event: E, value: ClusterEvents[E], worker: number): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      const threw = (cause: unknown) => this.#threw(event, cause, worker)
      try {
        settleLater(listener(value as never, worker), threw)
      } catch (cause) {
        threw(cause)
      }
    }
  }

  /** Of the cluster itself; those of nodes come with their own loggers' lines. */
  warn(error: ChordError, worker: number): void {
    this.#logger?.warn(error.message, { code: error.code, ...(worker === NO_WORKER ? {} : { worker }) })
    this.emit('warning', error, worker)
  }

  #threw(event: keyof ClusterEvents, cause: unknown, worker: number): void {
    if (event === 'warning') this.#logger?.error('a listener of warning threw', { cause })
    else this.warn(new ChordError('ERR_HANDLER', `a listener of '${event}' threw`, { cause }), worker)
  }
}
