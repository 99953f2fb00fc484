/** What becomes of a message whose bits are flipped on the way: the codec of the wire reads it, or does not. */
import { Id } from '../core/id.ts'
import type { Message, Peer } from '../core/messages.ts'
import { decodeMessage, encodeMessage, frameTypeOf, type PeerBook } from '../wire/codec.ts'
import { LANE } from './conditions.ts'
import type { Packet } from './network.ts'
import type { Process } from './process.ts'

/** Type (1) and request (4) go before the body. */
const HEAD_BYTES = 5
const FLIPS_MAX = 3
const ADDRESS = /^[A-Za-z0-9.:[\]-]+$/

interface Addresses {
  readonly processes: ReadonlyMap<string, Process>
}

/** What arrives instead; undefined if that is no message, and the connection breaks. */
export function corrupted(packet: Packet, addresses: Addresses): { message: Message; request: number } | undefined {
  const { stream } = packet.link
  const list = disordered(packet.message, stream.at(LANE.disorder, packet.n))
  if (list !== undefined) return { message: list, request: packet.request }
  const book = bookOf(addresses)
  const body = encodeMessage(packet.message, book)
  const bytes = new Uint8Array(HEAD_BYTES + body.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = frameTypeOf(packet.message)
  view.setUint32(1, packet.request)
  bytes.set(body, HEAD_BYTES)
  const flips = 1 + (stream.at(LANE.corrupt, packet.n) % FLIPS_MAX)
  for (let i = 0; i < flips; i++) {
    const bit = stream.at(LANE.corrupt + 16 * (i + 1), packet.n) % (8 * bytes.length)
    bytes[bit >>> 3]! ^= 1 << (bit & 7)
  }
  const read = decodeMessage(bytes[0]!, bytes, HEAD_BYTES, bytes.length, book)
  return read.ok ? { message: read.message, request: view.getUint32(1) } : undefined
}

/** Bits may have been flipped before anybody wrote them to the wire: half of all lists come with two entries in each other's place. */
function disordered(message: Message, draw: number): Message | undefined {
  if (message.type !== 'neighbors' || message.successors.length < 2 || (draw & 1) === 0) return undefined
  const successors = [...message.successors]
  const at = (draw >>> 1) % (successors.length - 1)
  successors.splice(at, 2, successors[at + 1] as Peer, successors[at] as Peer)
  return { ...message, successors }
}

/** Ids follow from address and virtual node, as on the wire; where nobody has ever lived, as they would by the runtime. */
function bookOf({ processes }: Addresses): PeerBook {
  return {
    indexOf(peer: Peer): number {
      const index = processes.get(peer.address)?.ids.findIndex((id) => id.equals(peer.id)) ?? 0
      return Math.max(0, index)
    },
    peer(address: string, index: number, incarnation: bigint): Peer | undefined {
      if (!ADDRESS.test(address)) return undefined
      const id = processes.get(address)?.ids[index] ?? Id.hash(`${address}/${index}`)
      return { id, address, incarnation }
    },
  }
}
