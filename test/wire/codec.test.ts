import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Id } from '../../src/core/id.ts'
import type { Message, Peer } from '../../src/core/messages.ts'
import { idOf, Peers } from '../../src/runtime/peers.ts'
import { decodeFailure, decodeFound, encodeFailure, encodeFound, FAILURE_TEXT_MAX } from '../../src/wire/answers.ts'
import { decodeMessage, encodeMessage, frameTypeOf, isQuestion, PEERS_MAX } from '../../src/wire/codec.ts'

const book = new Peers(idOf)

const peer = fc
  .record({
    address: fc.constantFrom('127.0.0.1:4000', '10.0.0.1:5', '[::1]:65535', 'a.example:7000'),
    index: fc.nat(255),
    incarnation: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  })
  .map(({ address, index, incarnation }) => book.peer(address, index, incarnation) as Peer)
const id = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Id.fromBytes(bytes))
const peers = fc.array(peer, { maxLength: 40 })
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
/** A range begins at the peer that is at its border, where that is known. */
const border = fc
  .record({ peer: maybe(peer), dead: fc.boolean(), elsewhere: id })
  .map(({ peer, dead, elsewhere }) => ({ after: peer?.id ?? elsewhere, boundary: { peer, dead } }))

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.constantFrom<Message>({ type: 'ping' }, { type: 'pong' }, { type: 'getNeighbors' }),
  fc.constantFrom<Message>(
    { type: 'granted', accepted: true },
    { type: 'granted', accepted: false },
    { type: 'goodbye' },
  ),
  fc.record({
    type: fc.constant('neighbors' as const),
    predecessor: maybe(peer),
    successors: peers,
    leaving: fc.boolean(),
  }),
  fc.record({ type: fc.constant('closest' as const), key: id, joiner: fc.boolean() }),
  fc.record({
    type: fc.constant('closestKnown' as const),
    done: fc.boolean(),
    successors: peers,
    next: peers,
    conflict: maybe(peer),
  }),
  fc.tuple(border, fc.boolean()).map(([{ after, boundary }, isInheritance]) => {
    return { type: 'grant' as const, after: isInheritance ? undefined : after, boundary }
  }),
  border.map((range) => ({ type: 'handOver' as const, ...range })),
  fc.record({ type: fc.constant('handedOver' as const), accepted: fc.boolean(), leaving: fc.boolean() }),
  fc.record({ type: fc.constant('left' as const), successors: peers }),
  fc.record({ type: fc.constant('notMember' as const), joining: fc.boolean() }),
  fc.record({ type: fc.constant('notify' as const), hasRange: fc.boolean(), skips: fc.boolean() }),
  fc.record({ type: fc.constantFrom('meet' as const, 'claim' as const), peer }),
)

describe('maintenance messages', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const bytes = encodeMessage(sent, book).slice()
        expect(decodeMessage(frameTypeOf(sent), bytes, 0, bytes.length, book)).toEqual({ ok: true, message: sent })
      }),
    )
  })

  it('are refused when a range does not begin at its border', () => {
    fc.assert(
      fc.property(peer, id, fc.constantFrom('grant' as const, 'handOver' as const), (at, after, type) => {
        fc.pre(!at.id.equals(after))
        const bytes = encodeMessage({ type, after, boundary: { peer: at, dead: false } }, book).slice()
        expect(
          decodeMessage(frameTypeOf({ type, after, boundary: { peer: at, dead: false } }), bytes, 0, bytes.length, book)
            .ok,
        ).toBe(false)
      }),
    )
  })

  it('are refused when a byte is missing or left over, and never throw', () => {
    fc.assert(
      fc.property(message, fc.nat(), (sent, cut) => {
        const bytes = encodeMessage(sent, book).slice()
        const type = frameTypeOf(sent)
        const longer = new Uint8Array(bytes.length + 1)
        longer.set(bytes)
        expect(decodeMessage(type, longer, 0, longer.length, book).ok).toBe(false)
        if (bytes.length > 0) expect(decodeMessage(type, bytes, 0, cut % bytes.length, book).ok).toBe(false)
      }),
    )
  })

  it('are results for any bytes of any type', () => {
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 63 }), fc.uint8Array({ maxLength: 300 }), (type, bytes) => {
        expect(typeof decodeMessage(type, bytes, 0, bytes.length, book).ok).toBe('boolean')
      }),
      { numRuns: 1_000 },
    )
  })

  it('name the address of a process once', () => {
    const many = Array.from({ length: 100 }, (_, index) => book.peer('10.20.30.40:4000', index, 7n) as Peer)
    expect(encodeMessage({ type: 'left', successors: many }, book).length).toBeLessThan(100 * 12 + 20)
  })

  it('stay below a frame, however long the lists and addresses', () => {
    const far = Array.from({ length: PEERS_MAX }, (_, i) => {
      return book.peer(`${`host-${i}-`.padEnd(240, 'x')}:4000`, 0, 1n) as Peer
    })
    const sent: Message = { type: 'closestKnown', done: false, successors: far, next: far, conflict: far[0] }
    const bytes = encodeMessage(sent, book).slice()
    expect(bytes.length).toBeLessThan(65_536 - 64)
    expect(decodeMessage(frameTypeOf(sent), bytes, 0, bytes.length, book).ok).toBe(true)
  })

  it('refuse addresses that no member can have', () => {
    const bytes = (text: string) => Uint8Array.from([0, 0, 1, 0, 0, 0, 0, 0, 0, 0, text.length, ...Buffer.from(text)])
    const decode = (text: string) => decodeMessage(30, bytes(text), 0, bytes(text).length, book).ok
    expect(decode('10.0.0.1:4000')).toBe(true)
    for (const bad of ['10.0.0.1:0', '10.0.0.1', 'dns://a:1', 'a b:1', ':1', 'é:1']) expect(decode(bad)).toBe(false)
  })

  it('knows its questions', () => {
    const questions: Message['type'][] = ['ping', 'getNeighbors', 'closest', 'grant', 'handOver', 'left']
    fc.assert(
      fc.property(message, (sent) => {
        expect(isQuestion(frameTypeOf(sent))).toBe(questions.includes(sent.type))
      }),
    )
  })
})

describe('answers', () => {
  it('found comes back as it was', () => {
    fc.assert(
      fc.property(peer, id, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(255), (owner, after, epoch, hops) => {
        const bytes = encodeFound(owner, after, epoch, hops, book).slice()
        const range = { after, upTo: owner.id }
        expect(decodeFound(bytes, 0, bytes.length, book)).toEqual({ owner, range, epoch, hops })
        expect(decodeFound(bytes, 0, bytes.length - 1, book)).toBeUndefined()
      }),
    )
  })

  it('failures carry a text, cut to its limit', () => {
    const bytes = encodeFailure(6, 'ä'.repeat(FAILURE_TEXT_MAX)).slice()
    expect(bytes.length).toBe(FAILURE_TEXT_MAX + 2)
    const failure = decodeFailure(bytes, 0, bytes.length)
    expect(failure?.code).toBe(6)
    expect(failure?.message.startsWith('äää')).toBe(true)
    expect(decodeFailure(bytes, 0, 1)).toBeUndefined()
  })
})
