/** What has happened in a world: one number for all of it, counts of faults, and lines for people who read a failure. */
import type { ChordNode, Events, Peer } from '../../api.ts'

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

export class History {
  readonly faults: Record<string, number> = {}
  readonly #nowMs: () => number
  readonly #startMs: number
  readonly #log: ((line: string) => void) | undefined
  readonly #names = new Map<string, number>()
  #a = 0x2545f491
  #b = 0x6c078965

  constructor(nowMs: () => number, log: ((line: string) => void) | undefined) {
    this.#nowMs = nowMs
    this.#startMs = nowMs()
    this.#log = log
  }

  /** 16 hex digits: of all bytes, events and faults up to now. */
  get hash(): string {
    return hex(this.#a ^ (this.#b << 7)) + hex(this.#b)
  }

  /** Since the world began. */
  get atMs(): number {
    return this.#nowMs() - this.#startMs
  }

  fault(kind: string, ...whom: readonly string[]): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1
    this.#name(kind)
    for (const one of whom) this.#mix(hashOf(one))
    this.#time()
    this.say(`! ${kind} ${whom.join(' ')}`)
  }

  bytes(from: string, to: string, bytes: Uint8Array): void {
    this.#time()
    this.#name(from)
    this.#name(to)
    this.#mixAll(bytes)
  }

  /** All events of a node. */
  listen(node: ChordNode, address: () => string): void {
    for (const name of NAMES) {
      node.on(name, (event: Events[typeof name]) => {
        const text = `${address()}: ${name} ${show(event)}`
        this.#time()
        this.#mix(hashOf(text))
        this.say(text)
      })
    }
  }

  say(text: string): void {
    this.#log?.(`${this.atMs.toFixed(3).padStart(12)}  ${text}`)
  }

  #time(): void {
    float[0] = this.atMs
    this.#mix(words[0] as number)
    this.#mix(words[1] as number)
  }

  /** Addresses come with every message. */
  #name(name: string): void {
    let hash = this.#names.get(name)
    if (hash === undefined) {
      hash = hashOf(name)
      this.#names.set(name, hash)
    }
    this.#mix(hash)
  }

  #mixAll(bytes: Uint8Array): void {
    const { length } = bytes
    this.#mix(length)
    let at = 0
    for (; at + 4 <= length; at += 4) {
      this.#mix(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    }
    for (; at < length; at++) this.#mix(bytes[at]!)
  }

  #mix(word: number): void {
    const a = Math.imul(this.#a ^ word, 0x9e3779b1)
    this.#a = (a << 15) | (a >>> 17)
    const b = Math.imul(this.#b + word, 0x85ebca6b)
    this.#b = ((b << 13) | (b >>> 19)) ^ this.#a
  }
}

const NAMES = [
  'range',
  'predecessor',
  'successor',
  'peer:up',
  'peer:down',
  'ring:split',
  'ring:merged',
  'state',
  'warning',
] as const satisfies (keyof Events)[]

function show(event: Events[keyof Events]): string {
  if (event instanceof Error) return event.message
  const parts: string[] = []
  for (const [key, value] of Object.entries(event)) {
    if (key === 'range' || key === 'member') continue
    parts.push(`${key} ${showValue(value)}`)
  }
  return parts.join(', ')
}

function showValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(showValue).join(' ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  if ('upTo' in value) {
    const { after, upTo } = value as unknown as { after: object; upTo: object }
    return `(${String(after).slice(0, 6)}, ${String(upTo).slice(0, 6)}]`
  }
  return 'incarnation' in value ? (value as Peer).address : String(value)
}

/** FNV-1a over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
