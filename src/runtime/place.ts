/** Where a node listens, and how others reach it. */
import type { Clock } from '../api.ts'
import type { NodeSettings } from '../core/config.ts'
import { assert, ChordError } from '../core/errors.ts'
import { formatAddress, isWildcard, parseAddress } from './address.ts'
import { Deferred } from './deferred.ts'
import type { Environment } from './environment.ts'

/** A numeric address to bind. Errors: ERR_LISTEN. */
export async function listenAddress(listen: string, environment: Environment): Promise<{ host: string; port: number }> {
  const parsed = parseAddress(listen)
  assert(parsed.ok, 'addresses were checked')
  const { host, port } = parsed.value
  try {
    const addresses = await environment.resolve(host)
    return { host: addresses[0] ?? host, port }
  } catch (cause) {
    throw new ChordError('ERR_LISTEN', `cannot listen on ${listen}: ${host} is no address of this machine`, { cause })
  }
}

/** How others reach us: as we were told to say, as we listen or, if that is everywhere, as the first contact sees us. */
export class OwnAddress {
  readonly #clock: Clock
  #observed: Deferred<string> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `dial` opens connections to contacts; `started` rejects when it is too late. Errors: ERR_ADVERTISE_REQUIRED. */
  async find(
    bound: { host: string; port: number },
    { advertise, join, timing }: NodeSettings,
    dial: () => void,
    started: Promise<void>,
  ): Promise<string> {
    if (advertise !== undefined) return advertised(advertise, bound.port)
    if (!isWildcard(bound.host)) return formatAddress(bound.host, bound.port)
    if (join.length === 0) throw advertiseRequired()
    const observed = new Deferred<string>()
    this.#observed = observed
    started.catch((error) => observed.reject(error))
    const host = await this.#askUntil(observed, dial, timing.rejoinMinMs)
    this.#observed = undefined
    return formatAddress(host, bound.port)
  }

  /** A contact sees us there. */
  told(host: string): void {
    this.#observed?.resolve(host)
  }

  /** There is nobody who could tell. */
  nobody(): void {
    this.#observed?.reject(advertiseRequired())
  }

  /** Dials contacts again and again until one has told how it sees us. */
  async #askUntil(told: Deferred<string>, dial: () => void, everyMs: number): Promise<string> {
    let again: Disposable | undefined
    const ask = (): void => {
      dial()
      again = this.#clock.setTimer(everyMs, ask)
    }
    ask()
    try {
      return await told.promise
    } finally {
      again?.[Symbol.dispose]()
    }
  }
}

/** What `advertise` stands for; port 0 is the port that was bound. */
function advertised(advertise: string, boundPort: number): string {
  const parsed = parseAddress(advertise)
  assert(parsed.ok, 'addresses were checked')
  return formatAddress(parsed.value.host, parsed.value.port === 0 ? boundPort : parsed.value.port)
}

function advertiseRequired(): ChordError {
  const text = 'listening on every address, and no contact tells how others see us: set advertise'
  return new ChordError('ERR_ADVERTISE_REQUIRED', text)
}

export function joinTimeout(join: readonly string[], timeoutMs: number): ChordError {
  const tried = join.length === 0 ? 'the remembered peers' : join.join(', ')
  return new ChordError('ERR_JOIN_TIMEOUT', `no contact let us in within ${timeoutMs} ms; tried ${tried}`)
}
