/** What ids are held against: BigInt, slow and obviously right; and ids of the kinds that break word arithmetic. */
import fc from 'fast-check'
import { Id } from '../../src/core/id.ts'

export const RING = 1n << 160n

export function numberOf(id: Id): bigint {
  return BigInt(`0x${id}`)
}

export function idOf(value: bigint): Id {
  return Id.parse((((value % RING) + RING) % RING).toString(16).padStart(40, '0'))
}

/** Words that are often equal, zero, all ones or next to the sign bit, so that ties and carries are common. */
const word = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff), fc.nat(0xffffffff))

export const anyId = fc.tuple(word, word, word, word, word).map(([a, b, c, d, e]) => new Id(a, b, c, d, e))
