/** Tables of arcs for property tests, and what they should answer. */
import fc from 'fast-check'
import { Id } from '../../src/core/id.ts'
import { anyId, idOf, numberOf, RING } from './id-reference.ts'

/** Ids that share their leading words with others, too. */
const closeId = fc
  .tuple(fc.constantFrom(0, 1, 0x80000000, 0xffffffff), fc.constantFrom(0, 0xffffffff), fc.integer(), fc.nat(4))
  .map(([w0, w1, w3, w4]) => new Id(w0, w1, 0, w3, w4))

/** Ends in order, each once, and a number for each. */
export const anyArcs = fc.uniqueArray(fc.oneof(anyId, closeId), { maxLength: 60, selector: String }).chain((ids) =>
  fc.record({
    ends: fc.constant(ids.sort((a, b) => a.compare(b))),
    values: fc.array(fc.integer({ min: -1, max: 0x7fffffff }), { minLength: ids.length, maxLength: ids.length }),
  }),
)

/** By the definition: the first end at or behind the key, around the ring. */
export function arcOf(ends: readonly Id[], key: Id): number {
  const arc = ends.findIndex((end) => numberOf(end) >= numberOf(key))
  return Math.max(arc, 0)
}

/** Each end, and the points beside it. */
export function keysAround(ends: readonly Id[]): Id[] {
  return ends.flatMap((end) => [end, idOf((numberOf(end) + 1n) % RING), idOf((numberOf(end) + RING - 1n) % RING)])
}
