/** Who is meant by `to`, `reply_to` and a node to join: somebody at an address, or a virtual node of this process. */
import { networkInterfaces } from 'node:os'
import { ChordError } from '../../core/errors.ts'
import { formatAddress, parseAddress } from '../../runtime/address.ts'
import { idOfKey, type Key } from './keys.ts'
import type { Party } from './party.ts'

/** Somebody, as programs name them. `address` is by default this machine; without `id` the last virtual node there is meant. */
export interface Place {
  address?: string
  port: number | string
  id?: Key
}

/** Who a message is from. Like the original's, those of this process have no address: pass them on as they are. */
export interface From {
  address?: string
  port?: number
  id: Key
}

/** A virtual node of this process. In JSON it is its id. */
export class LocalNode implements From {
  readonly id: Key
  readonly #party: Party

  constructor(id: Key, party: Party) {
    this.id = id
    this.#party = party
  }

  static partyOf(node: LocalNode): Party {
    return node.#party
  }
}

/** Checked, and as `from` of a message it is shown like this. */
export interface Remote {
  address: string
  port: number
  id?: Key
}

export const THIS_MACHINE = '127.0.0.1'
const PORT_MAX = 65_535

/** Errors: ERR_BAD_ADDRESS, ERR_BAD_OPTION (the id). */
export function placeOf(value: unknown, what: string): LocalNode | Remote {
  if (value instanceof LocalNode) return value
  if (typeof value !== 'object' || value === null) throw bad(what, 'must be { address, port }')
  const { address, port, id } = value as Partial<Place>
  const remote: Remote = { address: hostOf(address, what), port: portOf(port, what, 1) }
  if (id !== undefined && id !== null) {
    idOfKey(id)
    remote.id = id
  }
  return remote
}

/** `host:port`, as chordite takes it. */
export function addressOf({ address, port }: Remote): string {
  return formatAddress(address, port)
}

/** The inverse. */
export function remoteOf(text: string, id?: Key): Remote {
  const parsed = parseAddress(text)
  if (!parsed.ok) throw new ChordError(parsed.code, parsed.message)
  const { host: address, port } = parsed.value
  return id === undefined ? { address, port } : { address, port, id }
}

/** A number or, from an environment variable, its digits. Errors: ERR_BAD_ADDRESS. */
export function portOf(value: unknown, what: string, least: number): number {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value
  if (typeof port === 'number' && Number.isInteger(port) && port >= least && port <= PORT_MAX) return port
  throw bad(what, `needs a port from ${least} to ${PORT_MAX}, got ${String(value)}`)
}

export function hostOf(value: unknown, what: string): string {
  if (value === undefined || value === null) return THIS_MACHINE
  if (typeof value === 'string' && parseAddress(formatAddress(value, 1)).ok) return value
  throw bad(what, `has no address that can be reached: ${String(value)}`)
}

/** What others reach this machine at, as far as it can tell: its first IPv4 address that is not the loopback's. */
export function ownHost(): string {
  return ownHosts().find(({ internal }) => !internal)?.address ?? THIS_MACHINE
}

export function isOwnHost(host: string): boolean {
  return host === 'localhost' || ownHosts().some(({ address }) => address === host)
}

function ownHosts(): { address: string; internal: boolean }[] {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? [])
  return all.filter(({ family }) => family === 'IPv4')
}

function bad(what: string, why: string): ChordError {
  return new ChordError('ERR_BAD_ADDRESS', `${what} ${why}`)
}
