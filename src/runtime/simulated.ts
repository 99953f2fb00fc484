/** A world of virtual time for nodes and clients: the same runtime over the simulated network. */
import { ChordError } from '../core/errors.ts'
import type { SimulatedNetwork } from '../transports/simulated.ts'
import type { Environment } from './environment.ts'
import { type IdOf, idOf } from './peers.ts'
import { systemFiles } from './statefile.ts'

export interface SimulatedWorld {
  /** Numeric addresses of names. */
  names?: Readonly<Record<string, readonly string[]>>
  idOf?: IdOf
}

/** What runs on `host` of the network, such as `10.0.0.1`. */
export function simulatedEnvironment(network: SimulatedNetwork, host: string, world: SimulatedWorld = {}): Environment {
  const { clock } = network
  return {
    clock,
    random: network.random.fork(),
    idOf: world.idOf ?? idOf,
    files: systemFiles,
    kind: 'tcp',
    fallback: undefined,
    transport: (options) => network.createTransport(host, options),
    resolve: async (name) => {
      const hosts = /^[0-9.]+$|:/.test(name) ? [name] : (world.names?.[name] ?? [])
      if (hosts.length === 0) throw new ChordError('ERR_UNREACHABLE', `there is no name ${name}`)
      return hosts
    },
    defer: (fn) => void clock.setTimer(0, fn),
    hold: () => {},
  }
}
