import { expect, it } from 'vitest'
import { Id } from '../../src/index.ts'
import { Peers } from '../../src/runtime/peers.ts'

it('derives an id once, however often it is met, and forgets the oldest when there are too many', () => {
  let derived = 0
  const book = new Peers((address, index) => {
    derived++
    return Id.fromBytes(new Uint8Array(20).fill(address.length + index))
  })
  const first = book.peer('10.0.0.1:4000', 0, 1n)
  expect(book.peer('10.0.0.1:4000', 0, 1n)).toBe(first)
  // Another life of the same member: the same id.
  expect(book.peer('10.0.0.1:4000', 0, 2n)!.id).toBe(first!.id)
  expect(derived).toBe(1)
  // What a stranger can make us remember: 256 members at each address.
  for (let host = 0; host < 255; host++) {
    for (let index = 0; index < 256; index++) book.peer(`10.0.1.${host}:4000`, index, 1n)
  }
  book.peer('10.0.0.1:4000', 0, 2n)
  expect(derived).toBe(1 + 255 * 256)
  for (let index = 0; index < 256; index++) book.peer('10.0.2.1:4000', index, 1n)
  book.peer('10.0.0.1:4000', 0, 2n)
  expect(derived, 'the oldest was forgotten').toBe(2 + 256 * 256)
})
