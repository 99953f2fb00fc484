/** What a node remembers of frames that went through it: who asks, what was handled, whose answer is to be handed on. */
import { expect, it } from 'vitest'
import { Id } from '../../src/index.ts'
import type { ReturnPath } from '../../src/runtime/answering.ts'
import { Duplicates } from '../../src/runtime/duplicates.ts'
import { Origins } from '../../src/runtime/origins.ts'
import { Relay } from '../../src/runtime/relay.ts'
import type { Session } from '../../src/runtime/session.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'
import { type FrameMemory, frameMemory, originBytes, writeHeader, writeOrigin } from '../../src/wire/frames.ts'
import { EXT_ORIGIN, HEADER_BYTES, ROLE_CLIENT, ROLE_MEMBER, TYPE_REQUEST } from '../../src/wire/layout.ts'

interface Said {
  address?: string
  vnode?: number
  role?: number
  incarnation?: bigint
  id?: Id
}

const SOMEBODY = { address: '10.0.0.1:4000', vnode: 0, role: ROLE_MEMBER, incarnation: 5n, id: Id.hash('a') }

function frame(said: Said = {}): FrameMemory {
  const { address, vnode, role, incarnation, id } = { ...SOMEBODY, ...said }
  const bytes = HEADER_BYTES + originBytes(address)
  const m = frameMemory(bytes)
  writeHeader(m, 0, bytes, TYPE_REQUEST, 0, EXT_ORIGIN, 0, 1, 1)
  writeOrigin(m, HEADER_BYTES, address, vnode, role, incarnation, id)
  return m
}

it('an originator is decoded once, and another in any respect is another', () => {
  const origins = new Origins()
  const first = origins.read(frame(), 0)!
  expect(first).toMatchObject({ address: SOMEBODY.address, index: 0, client: false, incarnation: 5n })
  expect(first.id.equals(SOMEBODY.id)).toBe(true)
  expect(origins.read(frame(), 0)).toBe(first)
  const others: Said[] = [
    { address: '10.0.0.1:4001' },
    { address: '10.0.0.1:40000' },
    { vnode: 1 },
    { role: ROLE_CLIENT },
    { incarnation: 5n + (1n << 40n) },
    { id: Id.parse(`${String(SOMEBODY.id).slice(0, 39)}${String(SOMEBODY.id).endsWith('0') ? '1' : '0'}`) },
  ]
  for (const said of others) {
    const other = origins.read(frame(said), 0)!
    const { address, vnode, role, incarnation, id } = { ...SOMEBODY, ...said }
    expect(other).toMatchObject({ address, index: vnode, client: role === ROLE_CLIENT, incarnation })
    expect(other.id.equals(id)).toBe(true)
    // They share a place, so the first has to be decoded again.
    expect(origins.read(frame(), 0)).toEqual({ ...first, peer: undefined })
  }
})

it('an originator whose address nobody can have is not remembered', () => {
  const origins = new Origins()
  const said = { address: 'x'.repeat(256) }
  const first = origins.read(frame(said), 0)
  expect(first).toMatchObject(said)
  expect(origins.read(frame(said), 0)).not.toBe(first)
})

it('a frame without an originator came straight from who sent it', () => {
  const m = frameMemory(HEADER_BYTES)
  writeHeader(m, 0, HEADER_BYTES, TYPE_REQUEST, 0, 0, 0, 1, 1)
  expect(new Origins().read(m, 0)).toBeUndefined()
})

const path = (low: number, high: number): ReturnPath => ({
  session: undefined,
  origin: undefined,
  low,
  high,
  oneWay: false,
  tells: false,
  bulk: false,
  uncached: 0,
})
const from = (name: string, incarnation = 1n) => ({ id: Id.hash(name), incarnation })

it('a request is known by originator, incarnation and both halves of its id', () => {
  const seen = new Duplicates(100)
  seen.add(path(7, -9), from('a'), 1_000, false)
  expect(seen.find(path(7, -9), from('a'), 999)).toBeDefined()
  expect(seen.find(path(7, -9), from('a'), 1_000)).toBeUndefined()
  expect(seen.find(path(7, -9), from('b'), 0)).toBeUndefined()
  expect(seen.find(path(7, -9), from('a', 2n), 0)).toBeUndefined()
  expect(seen.find(path(6, -9), from('a'), 0)).toBeUndefined()
  expect(seen.find(path(7, 9), from('a'), 0)).toBeUndefined()
})

it('of two originators with one request id the later is remembered', () => {
  const seen = new Duplicates(100)
  const first = seen.add(path(1, 1), from('a'), 1_000, true)
  const second = seen.add(path(1, 1), from('b'), 1_000, true)
  expect(seen.find(path(1, 1), from('b'), 0)).toBe(second)
  // What became of the first does not touch the second.
  seen.answered(first, Uint8Array.of(1))
  seen.failed(first)
  expect(seen.find(path(1, 1), from('b'), 0)).toBe(second)
  expect(second.reply).toBeUndefined()
})

it('an answer is handed to its client once, and a slot that the client uses again is another request', () => {
  const relay = new Relay(new SeededRandom(3))
  const client = { awaited: 0 } as unknown as Session
  const first = relay.add(client, 4, 11, 100, 0)!
  expect(relay.add(client, 4, 11, 100, 0)).toBe(first)
  expect(client.awaited).toBe(1)
  const second = relay.add(client, 4, 12, 100, 0)!
  expect(client.awaited).toBe(1)
  expect(relay.take(first.relayLow, first.relayHigh)).toBeUndefined()
  expect(relay.take(second.relayLow, second.relayHigh ^ 2)).toBeUndefined()
  expect(relay.take(second.relayLow, second.relayHigh)).toBe(second)
  expect(relay.take(second.relayLow, second.relayHigh)).toBeUndefined()
  expect(client.awaited).toBe(0)
  const third = relay.add(client, 4, 13, 100, 0)!
  relay.sessionDown(client)
  expect(relay.take(third.relayLow, third.relayHigh)).toBeUndefined()
})
