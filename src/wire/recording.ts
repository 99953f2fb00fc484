/**
 * A recording: what the cores of one process were told, call by call, as bytes. A file begins with a magic number, the
 * format's number and a header, then says the state of every core, so that it can be read alone; see docs/recording.md.
 *
 *     "CHRDREC" format | record | record | …        record = length (4) | CRC-32 (4) | kind (1) | …
 *
 * Messages are written as they travel. A peer's id is derived from its address and the index of its virtual node, but a
 * reader need not know how: a NAME record says which ids there are at an address, the index counts those.
 */
import { RECORD_BYTES_MAX } from '../core/config.ts'
import type { Id } from '../core/id.ts'
import type { Message, Peer } from '../core/messages.ts'
import { type Json, toPlain } from '../core/plain.ts'
import type { RandomState } from '../core/recorded-random.ts'
import type { CoreState } from '../core/snapshot.ts'
import type { CoreConfig } from '../core/state.ts'
import { Writer } from './body.ts'
import { encodeMessage, frameTypeOf, type PeerBook, writePeer } from './codec.ts'

export const RECORDING_FORMAT = 1
/** "CHRDREC" and the number of the format: what a file begins with. */
export const FILE_HEAD = Uint8Array.of(0x43, 0x48, 0x52, 0x44, 0x52, 0x45, 0x43, RECORDING_FORMAT)
export const RECORD_HEAD_BYTES = 8

/** One call of a core: what it was told. */
export type Input =
  | { readonly kind: 'create' | 'leave' | 'timeout' }
  | { readonly kind: 'join'; readonly contacts: readonly Peer[] }
  | { readonly kind: 'contact' | 'compareRings'; readonly peer: Peer }
  | { readonly kind: 'message'; readonly from: Peer; readonly request: number; readonly message: Message }
  | { readonly kind: 'refused' | 'departed' | 'connectionLost' | 'silent'; readonly address: string }
  | { readonly kind: 'handedOver'; readonly token: number }

/** Of a file. */
export interface Header {
  /** Of the package. */
  readonly version: string
  readonly network: string
  /** The same for the files of one recording, which `file` numbers from 0. */
  readonly run: string
  readonly file: number
}

/** The cores of the process, as they are before input number `input`. */
export interface Start {
  readonly input: number
  /** They were there before: the state is the one that the inputs so far led to. Otherwise they are new. */
  readonly continues: boolean
  readonly config: CoreConfig
  readonly random: RandomState
  readonly members: readonly { readonly self: Peer; readonly state: CoreState }[]
}

/** The state of one core after the input before: what a replay must come to. */
export interface Digest {
  readonly member: number
  readonly digest: string
  readonly random: RandomState
}

export type Entry =
  | { readonly kind: 'header'; readonly header: Header }
  | { readonly kind: 'start'; readonly start: Start }
  /** `mark`: of the core before it, by {@link markOf}. */
  | {
      readonly kind: 'input'
      readonly member: number
      readonly mark: number
      readonly nowMs: number
      readonly input: Input
    }
  | ({ readonly kind: 'digest' } & Digest)
  /** Nothing follows, and nothing is missing. */
  | { readonly kind: 'end'; readonly reason: string }

export const KINDS = {
  header: 1,
  start: 2,
  name: 3,
  digest: 4,
  end: 5,
  create: 16,
  join: 17,
  contact: 18,
  compareRings: 19,
  leave: 20,
  message: 21,
  timeout: 22,
  refused: 23,
  departed: 24,
  connectionLost: 25,
  handedOver: 26,
  silent: 27,
} as const satisfies Record<Exclude<Entry['kind'], 'input'> | 'name' | Input['kind'], number>

/** Contacts, each of at most 266 bytes. */
export const CONTACTS_MAX = 256

/** Turns entries into the contents of records; `sink` gets each, a view that the next one overwrites. */
export class RecordingWriter implements PeerBook {
  readonly #sink: (record: Uint8Array) => void
  /** Room for a message of any size and what surrounds it; a list of contacts is shorter. */
  readonly #out = new Writer(RECORD_BYTES_MAX)
  readonly #names = new Writer(512)
  /** Ids at each address that the file has named. */
  #ids = new Map<string, Id[]>()

  constructor(sink: (record: Uint8Array) => void) {
    this.#sink = sink
  }

  /** The first record of a file. */
  header(header: Header): void {
    this.#ids = new Map()
    this.#json(KINDS.header, toPlain(header))
  }

  start(start: Start): void {
    this.#json(KINDS.start, toPlain(start))
  }

  input(member: number, mark: number, nowMs: number, input: Input): void {
    // First: both use the same memory of the codec's.
    const body = input.kind === 'message' ? encodeMessage(input.message, this) : undefined
    const out = this.#out
    out.reset()
    out.u8(KINDS[input.kind])
    out.u8(member)
    out.u16(mark)
    out.f64(nowMs)
    switch (input.kind) {
      case 'create':
      case 'leave':
      case 'timeout':
        break
      case 'join':
        out.u16(Math.min(CONTACTS_MAX, input.contacts.length))
        for (const peer of input.contacts.slice(0, CONTACTS_MAX)) writePeer(out, peer, this)
        break
      case 'contact':
      case 'compareRings':
        writePeer(out, input.peer, this)
        break
      case 'message':
        writePeer(out, input.from, this)
        out.f64(input.request)
        out.u16(frameTypeOf(input.message))
        out.bytes(body!)
        break
      case 'refused':
      case 'departed':
      case 'connectionLost':
      case 'silent':
        out.address(input.address)
        break
      case 'handedOver':
        out.u32(input.token)
        break
      default:
        input satisfies never
    }
    this.#sink(out.done())
  }

  digest({ member, digest, random }: Digest): void {
    const out = this.#out
    out.reset()
    out.u8(KINDS.digest)
    out.u8(member)
    out.u64(BigInt(`0x${digest}`))
    for (const word of random) out.u32(word)
    this.#sink(out.done())
  }

  end(reason: string): void {
    this.#json(KINDS.end, reason)
  }

  /** For the codec: which of the ids named at its address. */
  indexOf(peer: Peer): number {
    const ids = this.#ids.get(peer.address)
    if (ids !== undefined) {
      for (let index = 0; index < ids.length; index++) if (ids[index]!.equals(peer.id)) return index
      ids.push(peer.id)
    } else this.#ids.set(peer.address, [peer.id])
    const names = this.#names
    names.reset()
    names.u8(KINDS.name)
    names.address(peer.address)
    names.id(peer.id)
    this.#sink(names.done())
    return ids === undefined ? 0 : ids.length - 1
  }

  peer(): Peer | undefined {
    return undefined
  }

  #json(kind: number, json: Json): void {
    const text = new TextEncoder().encode(JSON.stringify(json))
    const record = new Uint8Array(1 + text.length)
    record[0] = kind
    record.set(text, 1)
    this.#sink(record)
  }
}

/** A few bits of a core's state that nearly every input changes: says at which input two runs part. */
export function markOf({ core }: { readonly core: MarkedCore }): number {
  return ((core.next * 31 + core.tableVersion) * 31 + core.pending.size) & 0xffff
}

interface MarkedCore {
  readonly next: number
  readonly tableVersion: number
  readonly pending: { readonly size: number }
}
