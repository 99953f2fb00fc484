/** Between the members' tables and the connections: whom we route by, and what a connection that ended says of its far end. */
import type { ChordNode } from '../core/chord-node.ts'
import type { Links } from './links.ts'
import type { Down } from './session.ts'

export class RoutingAddresses {
  #addresses: ReadonlySet<string> = new Set()
  /** Of the tables, when `#addresses` was made. */
  #version = -1

  has(address: string): boolean {
    return this.#addresses.has(address)
  }

  forget(): void {
    this.#version = -1
  }

  /** Tells the connections whom the members route by, if that has changed: those are kept. */
  update(members: readonly ChordNode[], links: Links): void {
    let version = 0
    for (const { core } of members) version += core.tableVersion
    if (version === this.#version) return
    this.#version = version
    const addresses = new Set<string>()
    for (const member of members) for (const address of member.routingAddresses()) addresses.add(address)
    for (const member of members) addresses.delete(member.self.address)
    for (const address of addresses) {
      if (!this.#addresses.has(address) && links.session(address) !== undefined) links.open(address, 'routing')
    }
    this.#addresses = addresses
    links.keep(addresses)
  }
}

/** A process that says this is not the one that we knew. */
const PROVES_ABSENCE: ReadonlySet<string> = new Set(['network', 'version', 'hello'])

/** `isReachable`: there is another connection to that address. */
export function tellDown(core: ChordNode, down: Down, isReachable: boolean, nowMs: number): void {
  const { address, cause, rejection } = down
  if (cause === 'leaving' || rejection === 'leaving') core.departed(address, nowMs)
  else if (cause === 'refused') core.refused(address, nowMs)
  else if (rejection !== undefined && PROVES_ABSENCE.has(rejection)) core.refused(address, nowMs)
  else if (cause === 'unreachable') core.silent(address, nowMs)
  else if (cause === 'lost' && !isReachable) core.connectionLost(address, nowMs)
}
