/** Calls of a node for its own keys: in another turn, with bytes of their own, as others see them. */
import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { createNode, Id, type MessageType, raw, utf8 } from '../../src/index.ts'
import { OwnFrames } from '../../src/runtime/own-frames.ts'
import { SimulatedRing } from './simulated-ring.ts'

let due: (() => void)[] = []
afterEach(() => {
  due = []
})

function turns(): number {
  let count = 0
  for (let run = due.shift(); run !== undefined; run = due.shift()) {
    run()
    count++
  }
  return count
}

function queue(handle: (text: string, own: OwnFrames) => void): OwnFrames {
  const own: OwnFrames = new OwnFrames({
    defer: (run) => void due.push(run),
    handle: (m, at, length) => handle(String.fromCharCode(m.bytes[at]!, m.bytes[at + length - 1]!), own),
    begin: () => {},
    handled: () => {},
  })
  return own
}

function put(own: OwnFrames, first: number, length: number): void {
  const m = own.add(length)
  m.bytes.fill(first, own.at, own.at + length)
}

it('frames come in order, whatever their sizes, and those they cause come after them', () => {
  const sizes = fc.array(fc.integer({ min: 32, max: 40_000 }), { maxLength: 40 })
  fc.assert(
    fc.property(sizes, (lengths) => {
      const seen: string[] = []
      const own = queue((text, queue) => {
        seen.push(text)
        if (text === text.toLowerCase()) put(queue, text.toUpperCase().charCodeAt(0), 64)
      })
      for (const [i, length] of lengths.entries()) put(own, 97 + (i % 26), length)
      turns()
      const first = lengths.map((_, i) => String.fromCharCode(97 + (i % 26)).repeat(2))
      expect(seen).toEqual([...first, ...first.map((text) => text.toUpperCase())])
    }),
    { numRuns: 30 },
  )
})

it('a turn ends, however many there are and whatever they cause', () => {
  let handled = 0
  const own = queue((_, queue) => {
    if (++handled < 10_000) put(queue, 97, 64)
  })
  for (let i = 0; i < 3_000; i++) put(own, 97, 64)
  due.shift()!()
  expect(handled).toBeLessThan(3_000)
  expect(due).toHaveLength(1)
  turns()
  expect(handled).toBe(12_999)
  expect(due).toHaveLength(0)
  put(own, 97, 64)
  own.clear()
  turns()
  expect(handled).toBe(12_999)
})

const ECHO: MessageType<Uint8Array, Uint8Array> = { name: 'echo', request: raw, reply: raw }
const WHO: MessageType<string, string> = { name: 'who', request: utf8, reply: utf8 }

it.each(['native', 'tcp'] as const)('what a caller does not await does not run inside its call: %s', async (kind) => {
  const forced = process.env.CHORDITE_TRANSPORT
  const node = createNode({ transport: (forced as typeof kind | undefined) ?? kind })
  const events: string[] = []
  node.handle(ECHO, ({ body, from, key, member, signal }) => {
    events.push(`handled ${body[0]}`)
    expect(from).toMatchObject({ address: node.address, id: node.members[0]!.id })
    expect([key, member.address, signal.aborted]).toEqual([Id.hash('key'), node.address, false])
    return body
  })
  node.handleBatch('batch', (batch) => {
    for (let i = 0; i < batch.length; i++) batch.reply(i, batch.memory(i), batch.start(i), batch.end(i))
  })
  await node.start()
  const body = Uint8Array.of(1, 2, 3)
  const call = node.request('key', ECHO, body)
  const batched = node.request('key', { ...ECHO, name: 'batch' }, body)
  node.request('key', ECHO, Uint8Array.of(2), {}, (result) => events.push(`answered ${result.ok && result.value[0]}`))
  body.fill(9)
  events.push('called')
  const reply = await call
  expect([[...reply], [...(await batched)]]).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ])
  await node.send('key', ECHO, Uint8Array.of(3))
  expect(events.slice(0, 4)).toEqual(['called', 'handled 1', 'handled 2', 'answered 2'])
  const large = new Uint8Array(300_000).fill(7)
  expect((await node.request('key', { ...ECHO, name: 'batch' }, large)).length).toBe(300_000)
  await expect(node.request('key', { ...ECHO, name: 'none' }, body)).rejects.toMatchObject({ code: 'ERR_NO_HANDLER' })
  // Nobody is starved by a loop of calls that are answered at once.
  let timers = 0
  const timer = setInterval(() => timers++, 1)
  const untilMs = performance.now() + 50
  while (performance.now() < untilMs) await node.request('key', ECHO, Uint8Array.of(1)).catch(() => {})
  clearInterval(timer)
  expect(timers).toBeGreaterThan(1)
  await node.close()
})

it('a call for a key that was ours a moment ago goes to the new owner, and is handled once', async () => {
  const ring = new SimulatedRing()
  const handled = new Map<string, number>()
  const serve = (node: {
    address: string
    handle: (type: typeof WHO, fn: (m: { body: string }) => string) => unknown
  }) =>
    void node.handle(WHO, ({ body }) => {
      handled.set(body, (handled.get(body) ?? 0) + 1)
      return node.address
    })
  const [node] = await ring.grow(1, {}, serve as never)
  const calls: Promise<string>[] = []
  const others = []
  for (let i = 0; i < 4; i++) {
    const joining = ring.start({}, serve as never)
    for (let n = 0; n < 200; n++) {
      calls.push(node!.request(`key-${n}`, WHO, `${i} ${n}`))
      await ring.run(0.2)
    }
    others.push(await joining)
  }
  const answers = await ring.settle(Promise.all(calls))
  expect(new Set(answers).size).toBeGreaterThan(1)
  expect(new Set(handled.values())).toEqual(new Set([1]))
  expect(handled.size).toBe(800)
})
