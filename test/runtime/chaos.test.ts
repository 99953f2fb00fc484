/**
 * Calls of all kinds among nodes that die, leave and refuse, made also from inside of handlers and callbacks. Asserted after
 * a quiet period: each call has ended exactly once and in time, with the answer to itself, and no handler saw twice what
 * must be handled once at most.
 */
import { expect, it } from 'vitest'
import { type Caller, type ChordNode, type MessageType, type Result, raw } from '../../src/index.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'
import { SimulatedRing } from './simulated-ring.ts'

type Bytes = MessageType<Uint8Array, Uint8Array>
const [AT_ONCE, LATER, BATCH] = ['at once', 'later', 'batch'].map((name) => ({ name, request: raw, reply: raw })) as [
  Bytes,
  Bytes,
  Bytes,
]

const ROUNDS = 120
/** Two ticks of the wheel of calls, and the turn in which they are seen. */
const LATE_MS = 25
/** These three never die: there is always somebody to ask. */
const SAFE_NODES = 3
/** They say that nobody has handled it. */
const UNDELIVERED = ['ERR_BUSY', 'ERR_TIMEOUT', 'ERR_UNREACHABLE']

interface Made {
  readonly idempotent: boolean
  handled: number
  ended: string[]
}

class Chaos {
  readonly ring: SimulatedRing
  readonly made: Made[] = []
  readonly #random: SeededRandom
  #clients: Caller[] = []

  constructor(seed: number) {
    this.ring = new SimulatedRing({ seed })
    this.#random = new SeededRandom(seed)
  }

  async run(): Promise<void> {
    const { ring } = this
    await ring.grow(7, { limits: { outputBytes: 65_536 } }, (node) => this.#serve(node))
    this.#clients = [await ring.client(), await ring.client({ to: ring.nodes.slice(1, 3).map((node) => node.address) })]
    for (let round = 0; round < ROUNDS; round++) {
      for (let calls = this.#below(20); calls > 0; calls--) this.#call(0)
      this.#disturb()
      await ring.run(this.#below(30))
    }
    ring.choked.clear()
    await ring.run(8_000)
  }

  #below(limit: number): number {
    return this.#random.nextUint32() % limit
  }

  #serve(node: ChordNode): void {
    node.handle(AT_ONCE, ({ body }) => {
      this.#madeBy(body).handled++
      if (this.#below(200) === 0) throw new Error('at times')
      return body
    })
    node.handle(LATER, async ({ body }) => {
      this.#madeBy(body).handled++
      await new Promise<void>((resolve) => this.ring.network.clock.setTimer(this.#below(60), resolve))
      return body
    })
    node.handleBatch('batch', (batch) => {
      for (let i = 0; i < batch.length; i++) {
        this.#madeBy(batch.body(i)).handled++
        batch.reply(i, batch.memory(i), batch.start(i), batch.end(i))
        if (this.#below(300) === 0) throw new Error('at times')
      }
    })
  }

  #madeBy(body: Uint8Array): Made {
    return this.made[body[0]! | (body[1]! << 8)]!
  }

  #call(depth: number): void {
    const { nodes, network } = this.ring
    const callers = [...nodes, ...this.#clients]
    const caller = callers[this.#below(callers.length)]!
    const type = [AT_ONCE, LATER, BATCH][this.#below(3)]!
    const body = new Uint8Array(this.#below(40) === 0 ? 30_000 + this.#below(60_000) : 2 + this.#below(200))
    body[0] = this.made.length
    body[1] = this.made.length >> 8
    const o = { idempotent: this.#below(3) === 0, timeoutMs: 20 + this.#below(3_000) }
    const made: Made = { idempotent: o.idempotent, handled: 0, ended: [] }
    this.made.push(made)
    const endMs = network.clock.nowMs() + o.timeoutMs + LATE_MS
    const done = (result: Result<Uint8Array>) => {
      const how = result.ok ? (Buffer.compare(result.value, body) === 0 ? 'ok' : 'another answer') : result.error.code
      made.ended.push(network.clock.nowMs() > endMs ? `${how}, late` : how)
      if (depth < 3 && this.#below(5) === 0) this.#call(depth + 1)
    }
    if (this.#below(2) === 0) caller.request(`key-${this.#below(500)}`, type, body, o, done)
    else caller.requestTo(nodes[this.#below(nodes.length)]!.address, type, body, o, done)
  }

  #disturb(): void {
    const { ring } = this
    const { choked, nodes } = ring
    if (this.#below(6) === 0) choked.add(nodes[this.#below(nodes.length)]!.address.split(':')[0]!)
    if (this.#below(3) === 0) choked.clear()
    if (nodes.length <= SAFE_NODES + 1 || this.#below(20) > 0) return
    const node = nodes[SAFE_NODES + this.#below(nodes.length - SAFE_NODES)]!
    if (this.#below(2) === 0) return ring.kill(node)
    ring.forget(node)
    void (this.#below(2) === 0 ? node.close() : node.leave())
  }
}

it.each([1, 2, 3, 4])('every call ends once, seed %d', async (seed) => {
  const chaos = new Chaos(seed)
  await chaos.run()
  expect(chaos.made.length).toBeGreaterThan(1_000)
  const wrong = chaos.made.filter(({ idempotent, handled, ended }) => {
    const [how] = ended
    if (ended.length !== 1 || how === 'another answer' || how?.endsWith('late')) return true
    if (how === 'ok' ? handled === 0 : handled > 0 && UNDELIVERED.includes(how!)) return true
    return handled > 1 && !idempotent
  })
  expect(wrong).toEqual([])
  for (const node of chaos.ring.nodes) {
    const { pending, sent, succeeded, failed } = node.metrics().calls
    expect([pending, sent]).toEqual([0, succeeded + failed])
    expect(Object.values(node.metrics().refused).filter((count) => count > 0)).toEqual([])
  }
})
