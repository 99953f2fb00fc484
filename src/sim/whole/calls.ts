/**
 * What callers may rely on, whatever happens to nodes and network: every call ends, once and in time; what is not idempotent
 * is handled once at most; nothing that nobody handled succeeds; nothing that was handled counts as not delivered.
 */
import type { Caller, ChordError, ChordNode, MessageType, Result } from '../../api.ts'
import { raw } from '../../runtime/values.ts'
import type { Stream } from '../random.ts'
import type { World } from './world.ts'

type Bytes = MessageType<Uint8Array, Uint8Array>

const ECHO: Bytes = { name: 'echo', request: raw, reply: raw }
/** Answers after a while. */
const SLOW: Bytes = { name: 'slow', request: raw, reply: raw }

/** They say that nobody has handled it. */
const UNDELIVERED = ['ERR_BUSY', 'ERR_TIMEOUT', 'ERR_UNREACHABLE', 'ERR_NOT_MEMBER', 'ERR_ISOLATED', 'ERR_NO_HANDLER']
/** Two ticks of the wheel of calls, and the turn in which they are seen. */
const LATE_MS = 25
const KEYS = 200
/** Messages of one bulk, at most. */
const MANY = 40

interface Made {
  readonly what: string
  readonly idempotent: boolean
  readonly endMs: number
  handled: number
  ended: string | undefined
}

export class Calls {
  readonly made: Made[] = []
  readonly #world: World
  readonly #random: Stream
  #clients: Caller[] = []

  constructor(world: World) {
    this.#world = world
    this.#random = world.random.split('calls')
  }

  /** For the nodes of the world: their handlers. */
  static serve(node: ChordNode, calls: () => Calls | undefined): void {
    node.handle(ECHO, ({ body }) => {
      calls()?.handled(body)
      return body
    })
    node.handle(SLOW, async ({ body }) => {
      calls()?.handled(body)
      await calls()?.pass(body[4]!)
      return body
    })
  }

  pass(ms: number): Promise<void> {
    return this.#world.run(ms)
  }

  handled(body: Uint8Array): void {
    const made = this.made[body[0]! | (body[1]! << 8)]
    if (made === undefined) throw new Error('nobody made this call')
    made.handled++
    if (made.handled > 1 && !made.idempotent) this.#wrong(made, 'was handled twice')
  }

  /** So many calls over so long, from clients. */
  async run(count: number, forMs: number): Promise<void> {
    this.#clients = [await this.#world.client(), await this.#world.client()]
    const pending: Promise<void>[] = []
    for (let i = 0; i < count; i++) {
      pending.push(this.#call())
      await this.#world.run(this.#random.between(0, (2 * forMs) / count))
    }
    await Promise.all(pending)
    const open = this.made.filter(({ ended }) => ended === undefined)
    if (open.length > 0) throw new Error(`${open.length} calls never ended`)
  }

  /** Once all is calm again, everything works. */
  async finish(): Promise<void> {
    for (const node of this.#world.nodes) {
      const body = this.#bodyOf('after all', true, 5_000)
      const key = `key-${this.#random.below(KEYS)}`
      await node.request(key, ECHO, body)
    }
  }

  async #call(): Promise<void> {
    const random = this.#random
    const client = this.#clients[random.below(this.#clients.length)]!
    const type = random.chance(70) ? ECHO : SLOW
    const idempotent = random.chance(30)
    const timeoutMs = 50 + random.below(4_000)
    const how = random.below(5)
    if (how === 4) return this.#many(client, type, random.chance(50), idempotent, timeoutMs)
    const key = `key-${random.below(KEYS)}`
    const nodes = this.#world.nodes
    const address = nodes[random.below(nodes.length)]!.address
    const what = `${['request', 'send', 'requestTo', 'sendTo'][how]} ${type.name} ${how < 2 ? key : address}`
    const body = this.#bodyOf(what, how % 2 === 0 && idempotent, timeoutMs)
    const made = this.made.at(-1)!
    if (how === 0) return this.#ends(made, body, client.request(key, type, body, { timeoutMs, idempotent }))
    if (how === 1) return this.#ends(made, undefined, client.send(key, type, body, { timeoutMs }))
    if (how === 2) return this.#ends(made, body, client.requestTo(address, type, body, { timeoutMs, idempotent }))
    return this.#ends(made, undefined, client.sendTo(address, type, body, { timeoutMs }))
  }

  /** In bulk; what holds for each call holds for each of them. */
  async #many(client: Caller, type: Bytes, asks: boolean, idempotent: boolean, timeoutMs: number): Promise<void> {
    const keys = Array.from({ length: 1 + this.#random.below(MANY) }, () => `key-${this.#random.below(KEYS)}`)
    const what = `${asks ? 'requestMany' : 'sendMany'} ${type.name}`
    const bodies = keys.map((key) => this.#bodyOf(`${what} ${key}`, asks && idempotent, timeoutMs))
    const made = this.made.slice(-keys.length)
    const all: Promise<readonly Result<unknown>[]> = asks
      ? client.requestMany(keys, type, bodies, { timeoutMs, idempotent })
      : client.sendMany(keys, type, bodies, { timeoutMs })
    const one = async (i: number) => unwrap((await all)[i]!)
    await Promise.all(made.map((each, i) => this.#ends(each, asks ? bodies[i] : undefined, one(i))))
  }

  #bodyOf(what: string, idempotent: boolean, timeoutMs: number): Uint8Array {
    const number = this.made.length
    this.made.push({ what, idempotent, endMs: this.#world.nowMs + timeoutMs + LATE_MS, handled: 0, ended: undefined })
    const size = this.#random.chance(4) ? 30_000 + this.#random.below(60_000) : 8 + this.#random.below(200)
    const body = new Uint8Array(size)
    body.set([number, number >> 8, 0, 0, this.#random.below(60)])
    return body
  }

  /** `body`: what is to come back; undefined for what has no answer. */
  async #ends(made: Made, body: Uint8Array | undefined, call: Promise<unknown>): Promise<void> {
    const how = await call.then(
      (reply) => (body === undefined || same(reply as Uint8Array, body) ? 'ok' : 'another answer'),
      (error: ChordError) => error.code ?? String(error),
    )
    if (made.ended !== undefined) this.#wrong(made, `ended twice: ${made.ended}, ${how}`)
    made.ended = how
    if (this.#world.nowMs > made.endMs) this.#wrong(made, `ended ${this.#world.nowMs - made.endMs} ms late: ${how}`)
    if (how === 'another answer') this.#wrong(made, 'got the answer to another')
    if (how === 'ok' && made.handled === 0) this.#wrong(made, 'succeeded, and nobody handled it')
    if (UNDELIVERED.includes(how) && made.handled > 0) this.#wrong(made, `was handled, and ended with ${how}`)
  }

  #wrong(made: Made, how: string): void {
    this.#world.fail(new Error(`a call (${made.what}${made.idempotent ? ', idempotent' : ''}) ${how}`))
  }
}

function unwrap(result: Result<unknown>): unknown {
  if (result.ok) return result.value
  throw result.error
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
