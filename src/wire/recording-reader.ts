/** Reads what `recording.ts` writes. Never throws: where a file is torn, damaged or makes no sense, it ends. */
import type { Id } from '../core/id.ts'
import type { Peer } from '../core/messages.ts'
import { fromPlain, type Json } from '../core/plain.ts'
import type { RandomState } from '../core/recorded-random.ts'
import { Reader } from './body.ts'
import { crc32 } from './checksum.ts'
import { decodeMessage, type PeerBook, readPeer } from './codec.ts'
import {
  CONTACTS_MAX,
  type Entry,
  FILE_HEAD,
  type Header,
  type Input,
  KINDS,
  RECORD_HEAD_BYTES,
  RECORDING_FORMAT,
  type Start,
} from './recording.ts'

/** Where a file stops making sense. */
export interface Cut {
  readonly at: number
  readonly why: string
}

const NAMES = new Map(Object.entries(KINDS).map(([name, kind]) => [kind as number, name as keyof typeof KINDS]))

/** Entries in order; `cut` says afterwards whether that was all. */
export class RecordingReader implements PeerBook, Iterable<Entry> {
  /** Undefined: everything was read. */
  cut: Cut | undefined
  readonly #bytes: Uint8Array
  readonly #body = new Reader()
  readonly #ids = new Map<string, Id[]>()
  readonly #peers = new Map<string, Peer>()

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  *[Symbol.iterator](): Iterator<Entry> {
    this.cut = undefined
    const bytes = this.#bytes
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const wrong = this.#head()
    if (wrong !== undefined) return this.#stop(0, wrong)
    for (let at = FILE_HEAD.length; at < bytes.length; ) {
      const from = at + RECORD_HEAD_BYTES
      if (from > bytes.length) return this.#stop(at, 'a record is torn')
      const to = from + view.getUint32(at, true)
      if (to === from || to > bytes.length) return this.#stop(at, 'a record is torn')
      if (crc32(bytes, from, to) !== view.getUint32(at + 4, true)) return this.#stop(at, 'a record is damaged')
      const entry = this.#record(from, to)
      if (entry === 'wrong') return this.#stop(at, 'a record makes no sense')
      if (entry !== undefined) yield entry
      at = to
    }
  }

  #stop(at: number, why: string): void {
    this.cut = { at, why }
  }

  #head(): string | undefined {
    const last = FILE_HEAD.length - 1
    if (this.#bytes.length <= last || FILE_HEAD.some((byte, at) => at < last && this.#bytes[at] !== byte)) {
      return 'this is no recording'
    }
    const format = this.#bytes[last]
    if (format === RECORDING_FORMAT) return undefined
    return `recordings of format ${format} cannot be read, only ${RECORDING_FORMAT}`
  }

  /** Undefined for a name. */
  #record(from: number, to: number): Entry | 'wrong' | undefined {
    const body = this.#body
    body.open(this.#bytes, from, to)
    const name = NAMES.get(body.u8())
    switch (name) {
      case undefined:
        return 'wrong'
      case 'header':
      case 'start':
      case 'end':
        return this.#json(name, from + 1, to)
      case 'name':
        return this.#named()
      case 'digest': {
        const member = body.u8()
        const digest = body.u64().toString(16).padStart(16, '0')
        const random: RandomState = [body.u32(), body.u32(), body.u32(), body.u32()]
        return body.finished() ? { kind: 'digest', member, digest, random } : 'wrong'
      }
      default:
        return this.#input(name, to)
    }
  }

  #json(kind: 'header' | 'start' | 'end', from: number, to: number): Entry | 'wrong' {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(this.#bytes.subarray(from, to))
      const value = fromPlain(JSON.parse(text) as Json)
      if (kind === 'end') return { kind, reason: String(value) }
      if (typeof value !== 'object' || value === null) return 'wrong'
      return kind === 'header' ? { kind, header: value as Header } : { kind, start: value as Start }
    } catch {
      return 'wrong'
    }
  }

  #named(): 'wrong' | undefined {
    const address = this.#body.address()
    const id = this.#body.id()
    if (!this.#body.finished()) return 'wrong'
    const ids = this.#ids.get(address)
    if (ids === undefined) this.#ids.set(address, [id])
    else ids.push(id)
    return undefined
  }

  #input(kind: Input['kind'], to: number): Entry | 'wrong' {
    const body = this.#body
    const member = body.u8()
    const mark = body.u16()
    const nowMs = body.f64()
    const input = this.#told(kind, to)
    if (input === undefined || body.failed || !Number.isFinite(nowMs)) return 'wrong'
    return { kind: 'input', member, mark, nowMs, input }
  }

  #told(kind: Input['kind'], to: number): Input | undefined {
    const body = this.#body
    switch (kind) {
      case 'create':
      case 'leave':
      case 'timeout':
        return body.finished() ? { kind } : undefined
      case 'join': {
        const contacts: Peer[] = []
        const count = body.u16()
        for (let i = 0; i < Math.min(count, CONTACTS_MAX); i++) {
          const peer = readPeer(body, this)
          if (peer !== undefined) contacts.push(peer)
        }
        return body.finished() ? { kind, contacts } : undefined
      }
      case 'contact':
      case 'compareRings': {
        const peer = readPeer(body, this)
        return peer !== undefined && body.finished() ? { kind, peer } : undefined
      }
      case 'message': {
        const from = readPeer(body, this)
        const request = body.f64()
        const type = body.u16()
        const length = body.rest().length
        if (from === undefined || body.failed) return undefined
        const decoded = decodeMessage(type, this.#bytes, to - length, to, this)
        return decoded.ok ? { kind, from, request, message: decoded.message } : undefined
      }
      case 'refused':
      case 'departed':
      case 'connectionLost':
      case 'silent': {
        const address = body.address()
        return body.finished() ? { kind, address } : undefined
      }
      case 'handedOver': {
        const token = body.u32()
        return body.finished() ? { kind, token } : undefined
      }
      default:
        return kind satisfies never
    }
  }

  indexOf(): number {
    return 0
  }

  /** For the codec: an id that was named. One object for each, as a process has it. */
  peer(address: string, index: number, incarnation: bigint): Peer | undefined {
    const id = this.#ids.get(address)?.[index]
    if (id === undefined) return undefined
    const key = `${address}/${index}/${incarnation}`
    const known = this.#peers.get(key)
    if (known !== undefined) return known
    const peer = { id, address, incarnation }
    this.#peers.set(key, peer)
    return peer
  }
}
