/**
 * Small values under keys, each kept in memory by the key's owner. They move with their range when nodes join and
 * leave, and are lost when a process dies: soft state, such as "who is logged in where". A store that survives
 * failures is another thing.
 */
import type { Id, Incoming, Key, MessageType, RangeChange, Service, ServiceNode, Wait } from '../api.ts'
import { ChordError, type ErrorCode } from '../core/errors.ts'
import { raw } from '../runtime/values.ts'
import { decodeEntries, type Entry, encodeEntries, encodeQuestion } from './registry-entries.ts'
import { isIn, type Move, Moves, Receipts } from './registry-moves.ts'

export interface Registry extends Service {
  /** Resolves when the owner has it. Errors: those of `request`; ERR_REMOTE if the owner is full. */
  put(key: Key, value: Uint8Array, o?: Wait): Promise<void>
  /** Undefined if there is none. */
  get(key: Key, o?: Wait): Promise<Uint8Array | undefined>
  /** Resolves when the owner has forgotten it. */
  delete(key: Key, o?: Wait): Promise<void>
  /** Entries that this process keeps as their owner. */
  readonly size: number
}

export interface RegistryOptions {
  /** Sets apart several registries of one ring. Default `registry`. */
  name?: string
  /** Entries of one process. Default 100,000. */
  entriesMax?: number
}

/** Makes the service; give it to `node.use` before `start`. */
export function registry(options: RegistryOptions = {}): Registry {
  return new RegistryService(options.name ?? 'registry', options.entriesMax ?? 100_000)
}

type Raw = MessageType<Uint8Array, Uint8Array>

/** Entries of one message of a move, in bytes. */
const CHUNK_BYTES = 32_768
const STEPS = ['put', 'get', 'delete', 'move', 'follow', 'ask'] as const
type Types = Readonly<Record<(typeof STEPS)[number], Raw>>
/** Whom a range was to go to is no member, or has no registry. */
const GONE: readonly ErrorCode[] = ['ERR_UNREACHABLE', 'ERR_NOT_MEMBER', 'ERR_NO_HANDLER']

class RegistryService implements Registry {
  readonly name: string
  readonly #entriesMax: number
  readonly #types: Types
  readonly #entries = new Map<string, Entry>()
  readonly #moves = new Moves()
  readonly #receipts = new Receipts()
  #handlers: Disposable[] = []
  #node: ServiceNode | undefined

  constructor(name: string, entriesMax: number) {
    this.name = name
    this.#entriesMax = entriesMax
    const types = STEPS.map((step) => [step, { name: `chordite.${name}.${step}`, request: raw, reply: raw }])
    this.#types = Object.fromEntries(types) as Types
  }

  get size(): number {
    return this.#entries.size
  }

  async put(key: Key, value: Uint8Array, o?: Wait): Promise<void> {
    await this.#started().request(key, this.#types.put, value, { ...o, idempotent: true })
  }

  async get(key: Key, o?: Wait): Promise<Uint8Array | undefined> {
    const reply = await this.#started().request(key, this.#types.get, NOTHING, { ...o, idempotent: true })
    return reply[0] === FOUND ? reply.subarray(1) : undefined
  }

  async delete(key: Key, o?: Wait): Promise<void> {
    await this.#started().request(key, this.#types.delete, NOTHING, { ...o, idempotent: true })
  }

  start({ node }: { node: ServiceNode }): void {
    this.#node = node
    const types = this.#types
    this.#handlers = [
      node.handle(types.put, (message) => this.#write(keyOf(message), message.body)),
      node.handle(types.delete, (message) => this.#write(keyOf(message), undefined)),
      node.handle(types.get, (message) => this.#read(keyOf(message))),
      node.handle(types.move, (message) => this.#receive(message, false)),
      node.handle(types.follow, (message) => this.#receive(message, true)),
      node.handle(types.ask, (message) => this.#answer(message)),
    ]
  }

  async stop(): Promise<void> {
    for (const handler of this.#handlers) handler[Symbol.dispose]()
    this.#handlers = []
  }

  async transfer({ member, lost, to }: RangeChange): Promise<void> {
    // The virtual nodes of a process share its entries.
    const move = this.#moves.begin(member.id, lost, to?.address === this.#started().address ? undefined : to)
    if (move === undefined) return
    const moving = [...this.#entries.values()].filter((entry) => isIn(entry.id, lost))
    try {
      for (const chunk of encodeEntries(move, moving, CHUNK_BYTES)) {
        if (!this.#moves.isCurrent(move)) return
        await this.#started().requestTo(move.to, this.#types.move, chunk, { idempotent: true })
      }
    } catch (error) {
      if (moving.length > 0 || this.#isGone(move, error) === undefined) throw error
    }
  }

  commit(change: RangeChange): void {
    for (const [name, { id }] of this.#entries) {
      if (isIn(id, change.lost) && !this.#owns(id)) this.#entries.delete(name)
    }
    this.#moves.commit(change)
    for (const [name, entry] of this.#receipts.take(change)) {
      if (entry.value !== undefined && !this.#entries.has(name)) this.#entries.set(name, entry)
    }
  }

  // As the owner of a key.

  async #write(id: Id, value: Uint8Array | undefined): Promise<Uint8Array> {
    const entry = { id, value }
    this.#set(entry)
    const move = this.#moves.of(id)
    if (move === undefined) return NOTHING
    try {
      await this.#follow(move, entry)
    } catch (error) {
      if (this.#isGone(move, error) === undefined) throw error
      if (!this.#owns(id)) return this.#elsewhere(id, value === undefined ? 'delete' : 'put', value ?? NOTHING)
    }
    return NOTHING
  }

  /** While the range is on its way, whoever is to own it is asked: it may own it already, and know of later writes. */
  #read(id: Id): Uint8Array | Promise<Uint8Array> {
    const own = this.#own(id)
    const move = this.#moves.of(id)
    return move === undefined ? own : this.#readOf(move, id, own)
  }

  async #readOf(move: Move, id: Id, own: Uint8Array): Promise<Uint8Array> {
    try {
      // If it is not the owner, we were when the question came.
      return (await this.#ask(move, id)) ?? own
    } catch (error) {
      if (this.#isGone(move, error) === undefined) throw error
      return this.#owns(id) ? this.#own(id) : this.#elsewhere(id, 'get', NOTHING)
    }
  }

  #own(id: Id): Uint8Array {
    const value = this.#entries.get(String(id))?.value
    return value === undefined ? NOTHING : tagged(value)
  }

  #set({ id, value }: Entry): void {
    const name = String(id)
    if (value === undefined) this.#entries.delete(name)
    else if (this.#entries.size < this.#entriesMax || this.#entries.has(name)) this.#entries.set(name, { id, value })
    else throw new Error(`the registry is full (${this.#entriesMax} entries)`)
  }

  // As the giver of a range.

  /** The heir has a copy already: it gets what has changed since. */
  async #follow(move: Move, entry: Entry): Promise<void> {
    for (const chunk of encodeEntries(move, [entry], CHUNK_BYTES)) {
      await this.#started().requestTo(move.to, this.#types.follow, chunk, { idempotent: true })
    }
  }

  /** The answer to `get` of who has taken the range; undefined if nobody has yet. */
  async #ask(move: Move, id: Id): Promise<Uint8Array | undefined> {
    const question = encodeQuestion(move, id)
    const ask = () => this.#started().requestTo(move.to, this.#types.ask, question, { idempotent: true })
    const reply = await ask().catch((error: unknown) => {
      // Its connection broke with the question on it. Whether anybody is there, the next one tells.
      if (error instanceof ChordError && error.code === 'ERR_OUTCOME_UNKNOWN') return ask()
      throw error
    })
    return reply.length === 0 ? undefined : reply.subarray(1)
  }

  /** It will be offered to somebody else, and until then we own it alone. Undefined: not so, or not known. */
  #isGone(move: Move, error: unknown): true | undefined {
    if (!(error instanceof ChordError)) throw error
    if (error.code !== 'ERR_REMOTE') this.#moves.drop(move)
    return GONE.includes(error.code) ? true : undefined
  }

  /** We own it no more. */
  #elsewhere(id: Id, step: 'put' | 'get' | 'delete', body: Uint8Array): Promise<Uint8Array> {
    return this.#started().request(id, this.#types[step], body, { idempotent: true })
  }

  // As its heir.

  /** `newer`: written after the range was copied; it may arrive when the range is ours already, or somebody else's. */
  async #receive({ body, from }: Incoming<Uint8Array>, newer: boolean): Promise<Uint8Array> {
    const { mark, entries } = decodeEntries(body)
    const received = this.#receipts.of(mark, from)
    if (received === undefined) return NOTHING
    for (const entry of entries) {
      const { id, value } = entry
      const name = String(id)
      if (this.#owns(id)) {
        // Who gives back to us what we are still giving knows better.
        const isBack = this.#moves.of(id)?.to.address === from.address && !isIn(id, received.taken)
        if (isBack) this.#set(entry)
        else if (newer) await this.#write(id, value)
        else if (!this.#entries.has(name)) this.#set(entry)
      } else if (isIn(id, received.taken)) {
        const gone = newer ? this.#moves.goneOf(id) : undefined
        if (gone !== undefined) await this.#follow(gone, entry)
      } else if (newer || !received.entries.has(name)) {
        if (this.#receipts.waiting < this.#entriesMax) received.entries.set(name, entry)
      }
    }
    return NOTHING
  }

  /** Nothing, or a byte and what `get` answers: if we have taken the range since that move began, and to whomever it went on. */
  async #answer({ body, from }: Incoming<Uint8Array>): Promise<Uint8Array> {
    const { mark, entries } = decodeEntries(body)
    const id = entries[0]?.id
    if (id === undefined || !this.#receipts.hasTaken(mark, from, id)) return NOTHING
    if (this.#owns(id)) return tagged(await this.#read(id))
    const gone = this.#moves.goneOf(id)
    const reply = gone === undefined ? undefined : await this.#ask(gone, id)
    return reply === undefined ? NOTHING : tagged(reply)
  }

  #owns(id: Id): boolean {
    return this.#node?.owns(id) !== undefined
  }

  #started(): ServiceNode {
    if (this.#node === undefined) throw new ChordError('ERR_STATE', `the service '${this.name}' has not started`)
    return this.#node
  }
}

/** First byte of an answer that says something. */
const FOUND = 1
const NOTHING = new Uint8Array(0)

function tagged(value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(value.length + 1)
  bytes[0] = FOUND
  bytes.set(value, 1)
  return bytes
}

function keyOf({ key }: Incoming<Uint8Array>): Id {
  if (key === undefined) throw new Error('a registry is spoken to by key')
  return key
}
