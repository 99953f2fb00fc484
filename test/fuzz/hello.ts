/** Hellos and goodbyes from strangers. The first byte: 0 a hello's body, 1 a goodbye's, else a whole frame follows. */
import { checkFrame, isHello, makeRing, type Ring } from '../../src/wire/framing.ts'
import {
  CLIENT_ID_BYTES,
  decodeGoodbye,
  decodeHello,
  encodeGoodbye,
  encodeHello,
  GOODBYES,
  type Hello,
  NETWORK_BYTES_MAX,
  REFUSALS,
  VIRTUAL_NODES_MAX,
} from '../../src/wire/hello.ts'
import * as L from '../../src/wire/layout.ts'
import { frameAround, must, Script, sameBytes, type Target } from './input.ts'

const target: Target = (bytes) => {
  const script = new Script(bytes)
  const kind = script.u8()
  const body = script.rest()
  if (kind < 2) {
    const { ring, length } = frameAround(kind === 0 ? L.TYPE_HELLO : L.TYPE_GOODBYE, body)
    look(ring, length)
  } else if (body.length >= L.HEADER_BYTES) {
    const ring = makeRing(body.length)
    ring.bytes.set(body)
    // The transports hand on checked frames only.
    if (checkFrame(ring, 0, ring.bytes.length) === ring.bytes.length) look(ring, ring.words[0]!)
  }
}
export default target

function look(ring: Ring, length: number): void {
  if (isHello(ring, 0)) lookAtHello(ring, length)
  else if (ring.halves[L.AT_TYPE >>> 1] === L.TYPE_GOODBYE) lookAtGoodbye(ring, length)
}

function lookAtHello(ring: Ring, length: number): void {
  const result = decodeHello(ring, 0, length)
  if (!result.ok) return must(result.fault.length > 0, 'a fault without words')
  const hello = result.value
  must(hello.incarnations.length <= VIRTUAL_NODES_MAX, 'too many virtual nodes')
  must(hello.network.length <= NETWORK_BYTES_MAX && hello.address.length <= L.ADDRESS_BYTES_MAX, 'text too long')
  must(hello.clientId === undefined || hello.clientId.length === CLIENT_ID_BYTES, 'a client id of another length')
  must(REFUSALS.includes(hello.refusal), 'a refusal that there is not')

  const encoded = encodeHello(hello)
  must(encoded.length <= length, 'a hello that grew')
  const again = makeRing(encoded.length)
  again.bytes.set(encoded)
  must(checkFrame(again, 0, again.bytes.length) === again.bytes.length, 'encoded to no frame')
  const decoded = decodeHello(again, 0, encoded.length)
  must(decoded.ok && sameHello(decoded.value, hello), 'decoded, encoded and decoded it is another')
}

function sameHello(a: Hello, b: Hello): boolean {
  const fields = ['protocolMin', 'protocolMax', 'features', 'role', 'refusal', 'nonce'] as const
  const texts = ['network', 'address', 'observedHost'] as const
  if (fields.some((field) => a[field] !== b[field]) || texts.some((field) => a[field] !== b[field])) return false
  if (a.incarnations.length !== b.incarnations.length) return false
  if (a.incarnations.some((incarnation, index) => incarnation !== b.incarnations[index])) return false
  if (a.clientId === undefined || b.clientId === undefined) return a.clientId === b.clientId
  return sameBytes(a.clientId, b.clientId)
}

function lookAtGoodbye(ring: Ring, length: number): void {
  const reason = decodeGoodbye(ring, 0, length)
  if (reason === undefined) return
  must(GOODBYES.includes(reason), 'a goodbye that there is not')
  const encoded = encodeGoodbye(reason)
  const again = makeRing(encoded.length)
  again.bytes.set(encoded)
  must(decodeGoodbye(again, 0, encoded.length) === reason, 'decoded, encoded and decoded it is another')
}
