/** The services of a node: started with it, asked before ranges move, told when they have moved, stopped with it. */
import type { Clock, Random, RangeChange, Service, ServiceNode } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { messageOf, settleLater } from './batches.ts'

/** A service that does not stop must not keep a node from closing. */
const STOP_MS = 1_000

export interface ServicesOptions {
  clock: Clock
  random: Random
  handoverMs: number
  warn(error: ChordError): void
}

export class Services {
  readonly #o: ServicesOptions
  readonly #services: Service[] = []
  #running: Service[] = []
  /** Of hand-overs that have not ended. */
  readonly #patience = new Set<Disposable>()

  constructor(o: ServicesOptions) {
    this.#o = o
  }

  add(service: Service): void {
    if (
      typeof service?.name !== 'string' ||
      typeof service.start !== 'function' ||
      typeof service.stop !== 'function'
    ) {
      throw new ChordError('ERR_BAD_OPTION', 'a service has a name and the functions start and stop')
    }
    if (this.#services.some((other) => other.name === service.name)) {
      throw new ChordError('ERR_DUPLICATE_HANDLER', `the service '${service.name}' is in use already`)
    }
    this.#services.push(service)
  }

  /** What a service throws here fails the start of the node. */
  start(node: ServiceNode): void {
    for (const service of this.#services) {
      service.start({ node, clock: this.#o.clock, random: this.#o.random })
      this.#running.push(service)
    }
  }

  /** `prepare`, then `transfer`, of all services side by side. Ends within `handoverMs`, whatever they do. */
  handOver(change: RangeChange, done: () => void): void {
    let ended = false
    const end = () => {
      if (ended) return
      ended = true
      this.#patience.delete(timer)
      timer[Symbol.dispose]()
      done()
    }
    const timer = this.#o.clock.setTimer(this.#o.handoverMs, () => {
      this.#o.warn(new ChordError('ERR_HANDLER', `services took longer than ${this.#o.handoverMs} ms to hand over`))
      end()
    })
    this.#patience.add(timer)
    void Promise.all(this.#running.map((service) => this.#move(service, change))).then(end)
  }

  commit(change: RangeChange): void {
    for (const service of this.#running) {
      try {
        settleLater(service.commit?.(change), (cause) => this.#threw(service, 'commit', cause))
      } catch (cause) {
        this.#threw(service, 'commit', cause)
      }
    }
  }

  async stop(): Promise<void> {
    const running = this.#running
    this.#running = []
    for (const timer of this.#patience) timer[Symbol.dispose]()
    this.#patience.clear()
    if (running.length === 0) return
    let timer: Disposable | undefined
    const patience = new Promise<void>((resolve) => {
      timer = this.#o.clock.setTimer(STOP_MS, resolve)
    })
    await Promise.race([Promise.all(running.map((service) => this.#stop(service))), patience])
    timer?.[Symbol.dispose]()
  }

  async #move(service: Service, change: RangeChange): Promise<void> {
    let step = 'prepare'
    try {
      await service.prepare?.(change)
      step = 'transfer'
      await service.transfer?.(change)
    } catch (cause) {
      this.#threw(service, step, cause)
    }
  }

  async #stop(service: Service): Promise<void> {
    try {
      await service.stop()
    } catch (cause) {
      this.#threw(service, 'stop', cause)
    }
  }

  #threw(service: Service, step: string, cause: unknown): void {
    const text = `${step} of the service '${service.name}' threw: ${messageOf(cause)}`
    this.#o.warn(new ChordError('ERR_HANDLER', text, { cause }))
  }
}
