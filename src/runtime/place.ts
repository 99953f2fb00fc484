/** Where a node listens, and how others reach it. */
import type { Clock } from '../api.ts'
import { assert, ChordError } from '../core/errors.ts'
import { formatAddress, parseAddress } from './address.ts'
import type { Deferred } from './deferred.ts'
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

/** What `advertise` stands for; port 0 is the port that was bound. */
export function advertised(advertise: string, boundPort: number): string {
  const parsed = parseAddress(advertise)
  assert(parsed.ok, 'addresses were checked')
  return formatAddress(parsed.value.host, parsed.value.port === 0 ? boundPort : parsed.value.port)
}

/** Dials contacts again and again until one has told how it sees us. */
export async function askUntil(
  told: Deferred<string>,
  dial: () => void,
  everyMs: number,
  clock: Clock,
): Promise<string> {
  let again: Disposable | undefined
  const ask = (): void => {
    dial()
    again = clock.setTimer(everyMs, ask)
  }
  ask()
  try {
    return await told.promise
  } finally {
    again?.[Symbol.dispose]()
  }
}

export function advertiseRequired(): ChordError {
  const text = 'listening on every address, and no contact tells how others see us: set advertise'
  return new ChordError('ERR_ADVERTISE_REQUIRED', text)
}

export function joinTimeout(join: readonly string[], timeoutMs: number): ChordError {
  const tried = join.length === 0 ? 'the remembered peers' : join.join(', ')
  return new ChordError('ERR_JOIN_TIMEOUT', `no contact let us in within ${timeoutMs} ms; tried ${tried}`)
}
