/** Who can be a peer: ids derive from address and virtual node, and each derivation is made once. */
import type { Peer } from '../api.ts'
import { Id } from '../core/id.ts'
import type { PeerBook } from '../wire/codec.ts'
import { parseAddress } from './address.ts'

export type IdOf = (address: string, index: number) => Id

/** SHA-1 of `address/index`: a peer cannot choose where it sits on the ring without choosing its address. */
export const idOf: IdOf = (address, index) => Id.hash(`${address}/${index}`)

/** Addresses, and peers at all of them, that are remembered; the oldest address is forgotten first, and derived anew when met again. */
const ADDRESSES_MAX = 8_192
const PEERS_MAX = 65_536
const INDEXES_MAX = 256

class KnownPeer implements Peer {
  readonly id: Id
  readonly address: string
  readonly incarnation: bigint
  /** Which virtual node of the process at `address`. Private, so that all peers look alike to applications. */
  readonly #index: number

  constructor(id: Id, address: string, incarnation: bigint, index: number) {
    this.id = id
    this.address = address
    this.incarnation = incarnation
    this.#index = index
  }

  static indexOf(peer: Peer): number | undefined {
    return peer instanceof KnownPeer ? peer.#index : undefined
  }
}

export class Peers implements PeerBook {
  readonly #idOf: IdOf
  readonly #byAddress = new Map<string, (KnownPeer | undefined)[]>()
  #count = 0

  constructor(derive: IdOf) {
    this.#idOf = derive
  }

  peer(address: string, index: number, incarnation: bigint): Peer | undefined {
    if (index >= INDEXES_MAX) return undefined
    const peers = this.#at(address)
    if (peers === undefined) return undefined
    const known = peers[index]
    if (known?.incarnation === incarnation) return known
    const peer = new KnownPeer(known?.id ?? this.#idOf(address, index), address, incarnation, index)
    peers[index] = peer
    if (known === undefined && ++this.#count > PEERS_MAX) this.#forgetOldest()
    return peer
  }

  indexOf(peer: Peer): number {
    const known = KnownPeer.indexOf(peer)
    if (known !== undefined) return known
    for (let index = 0; index < INDEXES_MAX; index++) {
      if (this.#idOf(peer.address, index).equals(peer.id)) return index
    }
    return 0
  }

  #at(address: string): (KnownPeer | undefined)[] | undefined {
    const known = this.#byAddress.get(address)
    if (known !== undefined) return known
    const parsed = parseAddress(address)
    if (!parsed.ok || parsed.value.dns || parsed.value.port === 0) return undefined
    if (this.#byAddress.size >= ADDRESSES_MAX) this.#forgetOldest()
    const peers: (KnownPeer | undefined)[] = []
    this.#byAddress.set(address, peers)
    return peers
  }

  #forgetOldest(): void {
    for (const [address, peers] of this.#byAddress) {
      this.#byAddress.delete(address)
      for (const peer of peers) if (peer !== undefined) this.#count--
      return
    }
  }
}
