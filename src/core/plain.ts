/**
 * Structured data as JSON and back. What JSON does not know becomes an object of one field that begins with `$`:
 *
 *     Id         {"$id": "40 hex digits"}        bigint     {"$n": "123"}
 *     Map        {"$map": [[key, value], …]}     Set        {"$set": [value, …]}
 *     ±Infinity  {"$f": "Infinity"}              undefined  {"$u": 0} in lists; fields that are undefined are left out
 */
import { assert, ChordError } from './errors.ts'
import { Id } from './id.ts'

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

export function toPlain(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : { $f: String(value) }
    case 'bigint':
      return { $n: String(value) }
    case 'undefined':
      return { $u: 0 }
    default:
      assert(typeof value === 'object', 'only data can be written')
      return value === null ? null : objectToPlain(value)
  }
}

function objectToPlain(value: object): Json {
  if (value instanceof Id) return { $id: String(value) }
  if (Array.isArray(value)) return value.map(toPlain)
  if (value instanceof Map) return { $map: Array.from(value, ([key, entry]) => [toPlain(key), toPlain(entry)]) }
  if (value instanceof Set) return { $set: Array.from(value, toPlain) }
  const out: { [name: string]: Json } = {}
  for (const [name, entry] of Object.entries(value)) if (entry !== undefined) out[name] = toPlain(entry)
  return out
}

/** Errors: ERR_BAD_OPTION for what `toPlain` cannot have made. */
export function fromPlain(json: Json): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(fromPlain)
  const names = Object.keys(json)
  const tag = names.length === 1 ? names[0]! : ''
  if (tag.startsWith('$')) return tagged(tag, json[tag]!)
  return Object.fromEntries(names.map((name) => [name, fromPlain(json[name]!)]))
}

function tagged(tag: string, json: Json): unknown {
  if (tag === '$u') return undefined
  if (tag === '$id' && typeof json === 'string') return Id.parse(json)
  if (tag === '$n' && typeof json === 'string' && /^-?\d{1,40}$/.test(json)) return BigInt(json)
  if (tag === '$f' && (json === 'Infinity' || json === '-Infinity')) return Number(json)
  if (tag === '$set' && Array.isArray(json)) return new Set(json.map(fromPlain))
  if (tag === '$map' && Array.isArray(json) && json.every((entry) => Array.isArray(entry) && entry.length === 2)) {
    return new Map(json.map((entry) => [fromPlain((entry as Json[])[0]!), fromPlain((entry as Json[])[1]!)]))
  }
  throw new ChordError('ERR_BAD_OPTION', `no such value: ${tag} ${JSON.stringify(json)}`)
}
