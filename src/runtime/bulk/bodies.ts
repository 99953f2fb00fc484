/** The bodies of a bulk, encoded one at a time, when it is their turn. */
import type { Bodies, MessageType, PackedBodies } from '../../api.ts'
import { ChordError } from '../../core/errors.ts'
import { checkPacked } from '../../native/ids.ts'
import { encodedBody, payloadTooLarge } from '../values.ts'
import { asPacked } from './keys.ts'

/** Body `index` as it travels. Errors: ERR_BAD_BODY, ERR_PAYLOAD_TOO_LARGE. */
export type BodyOf = (index: number) => Uint8Array

/** For `count` keys. Errors: ERR_BAD_OPTION; of `all`, which is encoded at once, those of a body too. */
export function bodiesOf(
  type: MessageType<never, unknown>,
  bodies: Bodies<never>,
  count: number,
  bytesMax: number,
): BodyOf {
  if (Array.isArray(bodies)) {
    checkCount(bodies.length, count)
    return (index) => encodedBody(type, bodies[index] as never, bytesMax)
  }
  if (typeof bodies === 'object' && bodies !== null && Object.hasOwn(bodies, 'all')) {
    const body = encodedBody(type, (bodies as { all: never }).all, bytesMax)
    return () => body
  }
  return packedBodies(asPacked(bodies as PackedBodies, 'bodies'), count, bytesMax)
}

function packedBodies(packed: PackedBodies, count: number, bytesMax: number): BodyOf {
  checkPacked(packed, 'bodies')
  const { bytes, offsets } = packed
  checkCount(Math.max(0, offsets.length - 1), count)
  return (index) => {
    const from = offsets[index]!
    const to = offsets[index + 1]!
    if (to - from > bytesMax) throw payloadTooLarge(to - from, bytesMax)
    return bytes.subarray(from, to)
  }
}

function checkCount(bodies: number, keys: number): void {
  if (bodies !== keys) throw new ChordError('ERR_BAD_OPTION', `${bodies} bodies for ${keys} keys`)
}
