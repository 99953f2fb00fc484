/** What `Chord` and `Client` are called with, checked and sorted out. */
import type { NodeOptions } from '../../api.ts'
import { ChordError } from '../../core/errors.ts'
import { formatAddress, isWildcard } from '../../runtime/address.ts'
import type { OnMessage } from './party.ts'
import { addressOf, hostOf, isOwnHost, ownHost, type Place, placeOf, portOf, type Remote } from './places.ts'

/** A port, or as `bind` of node:dgram takes it: with the address to listen at, which others are told, too. */
export type ListenPort = number | string | null | undefined | { port?: number | string; address?: string }

const EVERY_ADDRESS = '0.0.0.0'

/** The third argument is a node to join if it has a port. Errors: ERR_BAD_ADDRESS, ERR_BAD_OPTION. */
export function onMessageOf(
  joinOrOnMessage: unknown,
  onMessage: unknown,
): { join: Remote | undefined; onMessage: OnMessage | undefined } {
  if (!joinOrOnMessage) return { join: undefined, onMessage: listener(onMessage) }
  if (typeof joinOrOnMessage === 'object') {
    return { join: placeOf(joinOrOnMessage as Place, 'the node to join') as Remote, onMessage: listener(onMessage) }
  }
  return { join: undefined, onMessage: listener(onMessage || joinOrOnMessage) }
}

/** Errors: ERR_BAD_ADDRESS, ERR_BAD_OPTION. */
export function nodeOptions(listenPort: ListenPort, virtualNodes: unknown, join: Remote | undefined): NodeOptions {
  const { address, port } = portChecked(listenPort)
  const options: NodeOptions = { listen: formatAddress(address, port), virtualNodes: countOf(virtualNodes) }
  const joinsItself = join !== undefined && join.port === port && isOwnHost(join.address)
  if (join !== undefined && !joinsItself) options.join = [addressOf(join)]
  // Whoever joins is told how it is seen. Whoever is first has to tell itself.
  else if (isWildcard(address)) options.advertise = formatAddress(joinsItself ? join.address : ownHost(), port)
  return options
}

/** Errors: ERR_BAD_ADDRESS. */
export function portChecked(listenPort: ListenPort): { address: string; port: number } {
  const isObject = typeof listenPort === 'object' && listenPort !== null
  const { port, address } = isObject ? listenPort : { port: listenPort, address: undefined }
  return {
    address: address ? hostOf(address, 'listen_port') : EVERY_ADDRESS,
    port: port ? portOf(port, 'listen_port', 0) : 0,
  }
}

/** chordite itself says what is wrong with a number. */
function countOf(virtualNodes: unknown): number {
  return typeof virtualNodes === 'string' ? Number(virtualNodes) : ((virtualNodes ?? 0) as number)
}

function listener(value: unknown): OnMessage | undefined {
  if (!value) return undefined
  if (typeof value === 'function') return value as OnMessage
  throw new ChordError('ERR_BAD_OPTION', 'on_message must be a function')
}
