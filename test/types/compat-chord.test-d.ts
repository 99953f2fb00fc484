/** The types of chordite/compat/chord, as a program meets them. */
import { expectTypeOf, it } from 'vitest'
import chord, {
  Chord,
  type ChordServer,
  Client,
  type From,
  hash,
  type Key,
  type SendMessage,
} from '../../src/compat/chord/index.ts'
import type { ChordNode } from '../../src/index.ts'

it('Chord and Client return functions that send', () => {
  const server = () => Chord(1234, 10, { port: 1 }, (_from, _id, _message, _reply) => {})
  expectTypeOf(server).returns.toEqualTypeOf<ChordServer>()
  expectTypeOf(() => Chord(1234, 10, () => {})).returns.toEqualTypeOf<ChordServer>()
  expectTypeOf(() => Chord(process.env.PORT, '2', null, undefined)).returns.toEqualTypeOf<ChordServer>()
  expectTypeOf(() => Client(() => {}, 0)).returns.toEqualTypeOf<SendMessage>()
  expectTypeOf<ChordServer['node']>().toEqualTypeOf<ChordNode>()
  expectTypeOf<Parameters<SendMessage>[1]>().toEqualTypeOf<Key | null | undefined>()
})

it('a listener may say what its messages are', () => {
  const listener = (
    from: From,
    id: Key,
    message: { n: number },
    reply: (message?: unknown, to?: From | null) => void,
  ) => {
    reply(message.n, from)
    return id
  }
  expectTypeOf(() => Chord<{ n: number }>(0, 1, listener)).returns.toEqualTypeOf<ChordServer>()
})

it('keys are numbers', () => {
  expectTypeOf(hash).returns.toEqualTypeOf<number[]>()
  expectTypeOf(chord.next_key).returns.toEqualTypeOf<Key>()
  // @ts-expect-error a key is no text
  chord.equal_to('abc', 7)
})
