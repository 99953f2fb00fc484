/**
 * Small values under keys, each kept in memory by the key's owner. They move with their range when nodes join and
 * leave, and are lost when a process dies: soft state, such as "who is logged in where". A store that survives
 * failures is another thing.
 */
import type { Id, Incoming, Key, MessageType, Peer, RangeChange, Service, ServiceNode, Wait } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { raw } from '../runtime/values.ts'
import { decodeEntries, type Entry, encodeEntries } from './registry-entries.ts'

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

/** A range on its way to another owner: writes to it go there as well until it has gone. */
interface Move {
  readonly lost: RangeChange['lost']
  readonly to: Peer
}

type Raw = MessageType<Uint8Array, Uint8Array>

/** Entries of one message of a move, in bytes. */
const CHUNK_BYTES = 32_768
/** Sources whose entries wait here for their range to follow. */
const SOURCES_MAX = 16

class RegistryService implements Registry {
  readonly name: string
  readonly #entriesMax: number
  readonly #types: { put: Raw; get: Raw; delete: Raw; move: Raw; follow: Raw }
  readonly #entries = new Map<string, Entry>()
  /** Received, by sender, and not ours before the range is. */
  readonly #staged = new Map<string, Map<string, Entry>>()
  #moves: Move[] = []
  #handlers: Disposable[] = []
  #node: ServiceNode | undefined

  constructor(name: string, entriesMax: number) {
    this.name = name
    this.#entriesMax = entriesMax
    const type = (step: string): Raw => ({ name: `chordite.${name}.${step}`, request: raw, reply: raw })
    this.#types = {
      put: type('put'),
      get: type('get'),
      delete: type('delete'),
      move: type('move'),
      follow: type('follow'),
    }
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
    const { put, get, move, follow } = this.#types
    this.#handlers = [
      node.handle(put, (message) => this.#write(keyOf(message), message.body)),
      node.handle(this.#types.delete, (message) => this.#write(keyOf(message), undefined)),
      node.handle(get, (message) => this.#read(keyOf(message))),
      node.handle(move, (message) => this.#receive(message, false)),
      node.handle(follow, (message) => this.#receive(message, true)),
    ]
  }

  async stop(): Promise<void> {
    for (const handler of this.#handlers) handler[Symbol.dispose]()
    this.#handlers = []
  }

  async transfer(change: RangeChange): Promise<void> {
    const { lost, to } = change
    // The virtual nodes of a process share its entries.
    if (to === undefined || to.address === this.#started().address) return
    const move: Move = { lost, to }
    this.#moves = [...this.#moves.filter((other) => !isSamePeer(other.to, to)), move]
    const moving = [...this.#entries.values()].filter((entry) => isIn(entry.id, lost))
    for (const chunk of encodeEntries(moving, CHUNK_BYTES)) {
      if (!this.#moves.includes(move)) return
      await this.#started().requestTo(to, this.#types.move, chunk, { idempotent: true })
    }
  }

  commit(change: RangeChange): void {
    for (const [name, { id }] of this.#entries) {
      if (isIn(id, change.lost) && this.#node?.owns(id) === undefined) this.#entries.delete(name)
    }
    this.#moves = this.#moves.filter((move) => !change.lost.some((range) => isSame(range, move.lost[0])))
    for (const [source, staged] of this.#staged) {
      for (const [name, entry] of staged) {
        if (!isIn(entry.id, change.gained)) continue
        staged.delete(name)
        if (entry.value !== undefined && !this.#entries.has(name)) this.#entries.set(name, entry)
      }
      if (staged.size === 0) this.#staged.delete(source)
    }
  }

  async #write(id: Id, value: Uint8Array | undefined): Promise<Uint8Array> {
    const name = String(id)
    if (value === undefined) this.#entries.delete(name)
    else if (this.#entries.size < this.#entriesMax || this.#entries.has(name)) this.#entries.set(name, { id, value })
    else throw new Error(`the registry is full (${this.#entriesMax} entries)`)
    // The latest: an heir that leaves as well has been passed over.
    const move = this.#moves.findLast(({ lost }) => isIn(id, lost))
    if (move !== undefined) await this.#follow(move, { id, value })
    return NOTHING
  }

  /** The next owner has a copy already: it gets what has changed since. */
  async #follow(move: Move, entry: Entry): Promise<void> {
    try {
      for (const chunk of encodeEntries([entry], CHUNK_BYTES)) {
        await this.#started().requestTo(move.to, this.#types.follow, chunk, { idempotent: true })
      }
    } catch (error) {
      if (!(error instanceof ChordError)) throw error
      // It is gone, or will ask anew. We still own the key.
      this.#moves = this.#moves.filter((other) => other !== move)
    }
  }

  #read(id: Id): Uint8Array {
    const value = this.#entries.get(String(id))?.value
    if (value === undefined) return NOTHING
    const reply = new Uint8Array(value.length + 1)
    reply[0] = FOUND
    reply.set(value, 1)
    return reply
  }

  /** `newer`: written after the range was copied; it may arrive when the range is ours already. */
  #receive({ body, from }: Incoming<Uint8Array>, newer: boolean): Uint8Array {
    const source = `${from.id}.${from.incarnation}`
    let staged = this.#staged.get(source)
    if (staged === undefined) {
      if (this.#staged.size >= SOURCES_MAX) this.#staged.delete(this.#staged.keys().next().value as string)
      staged = new Map()
      this.#staged.set(source, staged)
    }
    for (const entry of decodeEntries(body)) {
      const name = String(entry.id)
      if (this.#node?.owns(entry.id) !== undefined) {
        if (!newer && this.#entries.has(name)) continue
        if (entry.value === undefined) this.#entries.delete(name)
        else this.#entries.set(name, entry)
      } else if (staged.size < this.#entriesMax || staged.has(name)) staged.set(name, entry)
    }
    return NOTHING
  }

  #started(): ServiceNode {
    if (this.#node === undefined) throw new ChordError('ERR_STATE', `the service '${this.name}' has not started`)
    return this.#node
  }
}

/** First byte of an answer to `get` that has a value. */
const FOUND = 1
const NOTHING = new Uint8Array(0)

function keyOf({ key }: Incoming<Uint8Array>): Id {
  if (key === undefined) throw new Error('a registry is spoken to by key')
  return key
}

function isIn(id: Id, ranges: RangeChange['lost']): boolean {
  return ranges.some((range) => id.isBetweenOrEnd(range.after, range.upTo))
}

function isSame(a: RangeChange['lost'][number], b: RangeChange['lost'][number] | undefined): boolean {
  return b !== undefined && a.after.equals(b.after) && a.upTo.equals(b.upTo)
}

function isSamePeer(a: Peer, b: Peer): boolean {
  return a.incarnation === b.incarnation && a.id.equals(b.id)
}
