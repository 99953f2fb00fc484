/** What a node or client takes from the world around it: real ones, or those of a test or the simulator. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock, Random } from '../api.ts'
import { chooseTransport } from '../native/load.ts'
import { createNativeTransport } from '../transports/native.ts'
import { createTcpTransport } from '../transports/tcp.ts'
import type { Transport, TransportOptions } from '../transports/transport.ts'
import { SystemClock, SystemRandom } from './clock.ts'
import { type IdOf, idOf } from './peers.ts'
import type { RecordingDisk } from './recording-files.ts'
import { type Files, systemFiles } from './statefile.ts'

export interface Environment {
  readonly clock: Clock
  readonly random: Random
  readonly idOf: IdOf
  /** For the state file. */
  readonly files: Files
  readonly kind: 'native' | 'tcp'
  /** Why it is the portable transport although nobody asked for that. */
  readonly fallback: string | undefined
  transport(options: TransportOptions): Transport
  /** All numeric addresses of a name. Rejects if there are none. */
  resolve(host: string): Promise<readonly string[]>
  /** Runs `fn` soon, but not in this turn. */
  defer(fn: () => void): void
  /** Where recordings go; by default to that of the machine. */
  readonly disk?: RecordingDisk
  /** Whether waiting timers keep the process alive. */
  hold(holds: boolean): void
}

/** The real world. Errors: ERR_NATIVE_UNAVAILABLE, ERR_BAD_OPTION (of `CHORDITE_TRANSPORT`). */
export function systemEnvironment(wanted: 'native' | 'tcp' | undefined): Environment {
  const { kind, reason } = chooseTransport(wanted)
  const clock = new SystemClock()
  return {
    clock,
    random: new SystemRandom(),
    idOf,
    files: systemFiles,
    kind,
    fallback: reason,
    transport: kind === 'native' ? createNativeTransport : createTcpTransport,
    resolve: systemResolve,
    defer: setImmediate,
    hold: (holds) => clock.hold(holds),
  }
}

async function systemResolve(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  const found = await lookup(host, { all: true })
  return found.map((entry) => entry.address)
}
