/** Connections that break with frames of others in them, and nodes that leave with calls in them. */
import { describe, expect, it } from 'vitest'
import { decide } from '../../src/core/router.ts'
import { type Caller, type ChordNode, Id, type MessageType, raw } from '../../src/index.ts'
import { awaited, HEAD_LOG_BYTES, HeadLog } from '../../src/runtime/head-log.ts'
import { coresOf } from '../../src/runtime/node.ts'
import {
  frameMemory,
  originBytes,
  readExtensions,
  readHigh,
  readLow,
  writeDeadline,
  writeHeader,
  writeOrigin,
  writeTarget,
} from '../../src/wire/frames.ts'
import { extensionOffset } from '../../src/wire/framing.ts'
import * as L from '../../src/wire/layout.ts'
import { SimulatedRing } from './simulated-ring.ts'

const WORK: MessageType<Uint8Array, Uint8Array> = { name: 'work', request: raw, reply: raw }
const BYTE = new Uint8Array(1)
const HELD_MS = 300

/** A frame by key, as it is passed on. */
function routed(number: number, remainingMs: number | undefined, address = '10.0.0.1:4000') {
  const timed = remainingMs !== undefined
  const length = L.HEADER_BYTES + L.TARGET_BYTES + (timed ? L.DEADLINE_BYTES : 0) + originBytes(address) + 8
  const m = frameMemory(length)
  const extensions = L.EXT_TARGET | L.EXT_ORIGIN | (timed ? L.EXT_DEADLINE : 0)
  writeHeader(m, 0, length, L.TYPE_REQUEST, L.FLAG_UNCACHED, extensions, 0, number, number + 1)
  let p = writeTarget(m, L.HEADER_BYTES, Id.hash('key'), 0n)
  if (timed) p = writeDeadline(m, p, remainingMs)
  writeOrigin(m, p, address, 0, L.ROLE_MEMBER, 7n, Id.hash(address))
  return m
}

describe('the log of heads', () => {
  it('gives out what may still be waited for, with who asked', () => {
    const log = new HeadLog()
    for (const [i, ms] of [undefined, 100, 49, 50, 5_000].entries()) log.note(routed(i, ms), 0, 1_000 + i)
    const heads = [...awaited(log.take(1_052))]
    expect(heads.map(({ m, at }) => readLow(m, at))).toEqual([0, 1, 3, 4])
    for (const { m, at } of heads) {
      expect(readHigh(m, at)).toBe(readLow(m, at) + 1)
      expect(readExtensions(m, at)).toBe(L.EXT_ORIGIN)
      expect(extensionOffset(m, at, L.EXT_ORIGIN)).toBe(at + L.HEADER_BYTES)
    }
    expect([...awaited(log.take(1_052))]).toEqual([])
  })

  it('keeps the latest, in order, within its bounds', () => {
    const log = new HeadLog()
    const count = 5_000
    for (let i = 0; i < count; i++) log.note(routed(i, undefined, `host-${'x'.repeat(i % 200)}:1`), 0, i)
    const all = log.take(count)
    expect(all.length).toBeGreaterThan(HEAD_LOG_BYTES - 400)
    expect(all.length).toBeLessThanOrEqual(2 * HEAD_LOG_BYTES)
    const numbers = [...awaited(all)].map(({ m, at }) => readLow(m, at))
    expect(numbers).toEqual(numbers.map((_, i) => count - numbers.length + i))
  })
})

interface Way {
  key: string
  hop: ChordNode
  next: ChordNode
}

/** asker → hop → next → …: the first that is neither's own. */
function wayOf(ring: SimulatedRing, asker: ChordNode): Way {
  const step = (from: ChordNode, key: string) => {
    const decision = decide(coresOf(from), Id.hash(key), false, 0, 0)
    if (decision.kind !== 'forward' || decision.final) return undefined
    return ring.nodes.find(({ address }) => address === decision.to.address)
  }
  for (let i = 0; ; i++) {
    const key = `key-${i}`
    const hop = step(asker, key)
    const next = hop && step(hop, key)
    if (hop !== undefined && next !== undefined && next !== asker) return { key, hop, next }
  }
}

async function ringOf(workMs = 0) {
  const ring = new SimulatedRing({ delayMinMs: 1, delayMaxMs: 1 })
  const { clock } = ring.network
  const handled: string[] = []
  const limits = { cachedRanges: 0, hedgePercent: 0 }
  const nodes = await ring.grow(16, { successors: 2, limits }, (node) =>
    node.handle(WORK, async ({ body }) => {
      handled.push(node.address)
      if (workMs > 0) await new Promise<void>((resolve) => clock.setTimer(workMs, resolve))
      return body
    }),
  )
  await ring.run(20_000)
  return { ring, asker: nodes[0]!, handled, clock }
}

type Ended = { code: string; ms: number }

/** How the call ends if `next` dies while what was asked is on its way there. */
async function killed(ask: (caller: Caller, key: string) => Promise<unknown>, isClient: boolean) {
  const { ring, asker, handled, clock } = await ringOf()
  const { key, hop, next } = wayOf(ring, asker)
  const caller = isClient ? await ring.client({ to: [asker.address] }) : asker
  await ring.run(100)
  ring.slow(hop.address, next.address, { kind: 'constant', ms: HELD_MS })
  const startMs = clock.nowMs()
  const ended = ask(caller, key).then(
    (): Ended => ({ code: 'ok', ms: clock.nowMs() - startMs }),
    (error): Ended => ({ code: error.code, ms: clock.nowMs() - startMs }),
  )
  await ring.run(20)
  ring.kill(next)
  const lost = () => ring.nodes.reduce((sum, node) => sum + node.metrics().routed.lost, 0)
  return { ...(await ring.settle(ended)), handled, lost: lost() }
}

describe.each([false, true])('a hop loses the connection to the next one; asked by a client: %s', (isClient) => {
  it('a look-up goes another way at once', async () => {
    const { code, ms, lost } = await killed((caller, key) => caller.lookup(key), isClient)
    expect({ code, lost }).toEqual({ code: 'ok', lost: 1 })
    expect(ms).toBeLessThan(95)
  })

  it('so does an idempotent request', async () => {
    const ask = (caller: Caller, key: string) => caller.request(key, WORK, BYTE, { idempotent: true })
    const { code, ms, handled } = await killed(ask, isClient)
    expect({ code, handled: handled.length }).toEqual({ code: 'ok', handled: 1 })
    expect(ms).toBeLessThan(95)
  })

  it('any other waits a little longer, and then nobody knows', async () => {
    const ask = (caller: Caller, key: string) => caller.request(key, WORK, BYTE, { timeoutMs: 20_000 })
    const { code, ms, handled } = await killed(ask, isClient)
    expect({ code, handled: handled.length }).toEqual({ code: 'ERR_OUTCOME_UNKNOWN', handled: 0 })
    expect(ms).toBeGreaterThan(900)
    expect(ms).toBeLessThan(1_500)
  })
})

describe.each([false, true])('what was passed on before is answered; asked by a client: %s', (isClient) => {
  it('and waited for', async () => {
    const { ring, asker, handled } = await ringOf(500)
    const { key, next } = wayOf(ring, asker)
    const caller = isClient ? await ring.client({ to: [asker.address] }) : asker
    const asked = caller.request(key, WORK, BYTE)
    await ring.run(60)
    expect(handled).toHaveLength(1)
    if (handled[0] === next.address) throw new Error('the next node must not be the last one')
    ring.kill(next)
    await ring.settle(asked)
    expect(handled).toHaveLength(1)
  })
})

it('who is asked directly, and leaves before it has answered, is not waited for', async () => {
  const { ring, asker, clock } = await ringOf(60_000)
  const other = ring.nodes[5]!
  const startMs = clock.nowMs()
  const asked = asker.requestTo(other.address, WORK, BYTE, { timeoutMs: 50_000 })
  asked.catch(() => {})
  await ring.run(50)
  const left = other.leave({ timeoutMs: 3_000 })
  await expect(ring.settle(asked)).rejects.toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' })
  expect(clock.nowMs() - startMs).toBeLessThan(4_000)
  await ring.settle(left)
})

it('who is asked while it says goodbye is not waited for', async () => {
  const { ring, asker, handled, clock } = await ringOf(60_000)
  const other = ring.nodes[5]!
  const startMs = clock.nowMs()
  const left = other.leave()
  let ended: string | undefined
  // One each millisecond, for as long as it takes them.
  while (clock.nowMs() - startMs < 5_000 && other.state !== 'closed') {
    asker.requestTo(other.address, WORK, BYTE, { timeoutMs: 50_000 }).catch(({ code }) => {
      ended = code
    })
    await ring.run(1)
  }
  await ring.settle(left)
  await ring.run(100)
  expect(asker.metrics().calls.pending).toBe(0)
  expect(handled.length).toBeGreaterThan(0)
  expect(ended).toBeDefined()
})
