/** Bodies of maintenance messages and of answers. The first byte is the frame's type, 128 and 129 stand for the answers. */
import type { Peer } from '../../src/core/messages.ts'
import { idOf, Peers } from '../../src/runtime/peers.ts'
import { decodeFailure, decodeFound, encodeFailure, encodeFound, FAILURE_TEXT_MAX } from '../../src/wire/answers.ts'
import { decodeMessage, encodeMessage, frameTypeOf, PEERS_MAX } from '../../src/wire/codec.ts'
import { must, Script, sameBytes, type Target } from './input.ts'

const FOUND = 128
const FAILURE = 129

const target: Target = (bytes) => {
  const script = new Script(bytes)
  const type = script.u8()
  const body = script.rest()
  // A book of its own for each input, so that an input does the same whatever came before it.
  const book = new Peers(idOf)
  if (type === FOUND) lookAtFound(body, book)
  else if (type === FAILURE) lookAtFailure(body)
  else lookAtMessage(type, body, book)
}
export default target

function lookAtMessage(type: number, body: Uint8Array, book: Peers): void {
  const first = decodeMessage(type, body, 0, body.length, book)
  if (!first.ok) return must(first.reason.length > 0, 'a refusal without words')
  const { message } = first
  must(frameTypeOf(message) === type, 'a message of another type')
  for (const value of Object.values(message) as unknown[]) {
    if (Array.isArray(value)) must(value.length <= PEERS_MAX, 'a list too long')
  }
  const encoded = encodeMessage(message, book).slice()
  must(encoded.length <= body.length, 'a message that grew')
  const second = decodeMessage(type, encoded, 0, encoded.length, book)
  must(second.ok && same(second.message, message), 'decoded, encoded and decoded it is another')
  must(sameBytes(encodeMessage(second.message, book), encoded), 'encoded twice it is another')
}

function lookAtFound(body: Uint8Array, book: Peers): void {
  const found = decodeFound(body, 0, body.length, book)
  if (found === undefined) return
  must(found.range.upTo === found.owner.id, 'a range that does not end at its owner')
  const encoded = encodeFound(found.owner, found.range.after, found.epoch, found.hops, book).slice()
  must(same(decodeFound(encoded, 0, encoded.length, book), found), 'decoded, encoded and decoded it is another')
}

function lookAtFailure(body: Uint8Array): void {
  const failure = decodeFailure(body, 0, body.length)
  if (failure === undefined) return
  const encoded = encodeFailure(failure.code, failure.message).slice()
  must(encoded.length <= 2 + FAILURE_TEXT_MAX, 'a text too long')
  const again = decodeFailure(encoded, 0, encoded.length)
  must(again !== undefined && again.code === failure.code, 'another code')
  // Bytes that are no UTF-8 become longer ones, which the limit may cut.
  const cut = encoded.length === 2 + FAILURE_TEXT_MAX
  must(cut || again.message === failure.message, 'another text')
}

/** Equal all the way down; peers know more than their fields tell, so these are compared by what they are. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if ('incarnation' in a && 'incarnation' in b) return samePeer(a as Peer, b as Peer)
  if ('equals' in a && typeof a.equals === 'function') return a.equals(b) === true
  const [left, right] = [Object.entries(a), Object.entries(b)]
  return (
    left.length === right.length && left.every(([name, value], i) => right[i]![0] === name && same(value, right[i]![1]))
  )
}

function samePeer(a: Peer, b: Peer): boolean {
  return a.incarnation === b.incarnation && a.address === b.address && a.id.equals(b.id)
}
