import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classOf } from '../../src/transports/classes.ts'
import { OutputQueue } from '../../src/transports/output-queue.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes } from './frames.ts'

const TYPES = [L.TYPE_HELLO, L.TYPE_GOODBYE, L.TYPE_FRAGMENT, 16, 63, L.TYPE_LOOKUP, L.TYPE_REQUEST, L.TYPE_REPLY, 68]

test('nobody gets ahead by what the header says', () => {
  for (let said = 0; said < L.CLASSES; said++) {
    const flags = said << L.FLAG_CLASS_SHIFT
    const of = (type: number) => classOf(type, flags)
    expect([of(L.TYPE_HELLO), of(L.TYPE_GOODBYE), of(L.TYPE_FRAGMENT)]).toEqual([0, 3, 3])
    expect([of(16), of(63)]).toEqual([0, 0])
    expect([L.TYPE_LOOKUP, L.TYPE_FOUND, L.TYPE_FAILURE].map(of)).toEqual(new Array(3).fill(Math.max(1, said)))
    expect([L.TYPE_REQUEST, L.TYPE_REPLY].map(of)).toEqual(new Array(2).fill(Math.max(2, said)))
  }
})

const frame = fc.record({ type: fc.constantFrom(...TYPES), said: fc.nat(3), bytes: fc.nat(100) })
const step = fc.oneof(
  fc.record({ put: fc.array(frame, { minLength: 1, maxLength: 6 }) }),
  fc.record({ take: fc.integer({ min: 1, max: 600 }) }),
)

test('frames come out whole, by class, and no more than was asked for', () => {
  let number = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const queue = new OutputQueue()
      const model: Buffer[][] = Array.from({ length: L.CLASSES }, () => [])
      for (const one of steps) {
        if ('put' in one) {
          const frames = one.put.map(({ type, said, bytes }) => {
            const made = Buffer.from(frameBytes(type, new Uint8Array(bytes)))
            made.writeUInt16LE(said << L.FLAG_CLASS_SHIFT, L.AT_FLAGS)
            made.writeUInt32LE(++number, L.AT_REQUEST_LOW)
            const padded = Buffer.concat([made, Buffer.alloc(L.padded(made.length) - made.length)])
            model[classOf(type, said << L.FLAG_CLASS_SHIFT)]!.push(padded)
            return padded
          })
          queue.append(Buffer.concat(frames))
        } else {
          const expected: Buffer[] = []
          let room = one.take
          for (let next = first(model); next !== undefined; next = first(model)) {
            if (expected.length > 0 && next[0]!.length > room) break
            room -= next[0]!.length
            expected.push(next.shift()!)
          }
          expect(Buffer.concat(queue.take(one.take))).toEqual(Buffer.concat(expected))
        }
        const sizes = model.map((frames) => frames.reduce((sum, { length }) => sum + length, 0))
        const ahead = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0))
        expect(sizes.map((_, i) => queue.ahead(i))).toEqual(ahead)
        expect(queue.size).toBe(ahead.at(-1))
      }
      queue.clear()
      expect([queue.size, queue.ahead(3), queue.take(100)]).toEqual([0, 0, []])
    }),
  )
})

function first(model: Buffer[][]): Buffer[] | undefined {
  return model.find((frames) => frames.length > 0)
}
