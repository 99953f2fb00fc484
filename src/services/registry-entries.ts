/** Entries of a registry as bytes: id (20), length + 1 of the value (4, little-endian; 0: deleted), value. */
import { ID_BYTES, Id } from '../core/id.ts'

export interface Entry {
  readonly id: Id
  /** Absent: it was deleted. */
  readonly value: Uint8Array | undefined
}

const HEAD_BYTES = ID_BYTES + 4

/** In messages of about `chunkBytes`; a larger entry has one of its own. */
export function* encodeEntries(entries: readonly Entry[], chunkBytes: number): Generator<Uint8Array> {
  let chunk: Entry[] = []
  let bytes = 0
  for (const entry of entries) {
    const size = HEAD_BYTES + (entry.value?.length ?? 0)
    if (chunk.length > 0 && bytes + size > chunkBytes) {
      yield join(chunk, bytes)
      chunk = []
      bytes = 0
    }
    chunk.push(entry)
    bytes += size
  }
  if (chunk.length > 0) yield join(chunk, bytes)
}

/** Throws if the bytes are no entries: the sender's request then fails. */
export function decodeEntries(bytes: Uint8Array): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const entries: Entry[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + HEAD_BYTES > bytes.length) throw new Error('half an entry')
    const id = Id.fromBytes(bytes, at)
    const length = view.getUint32(at + ID_BYTES, true) - 1
    at += HEAD_BYTES
    if (length > bytes.length - at) throw new Error('an entry longer than its message')
    entries.push({ id, value: length < 0 ? undefined : bytes.slice(at, at + length) })
    at += Math.max(0, length)
  }
  return entries
}

function join(entries: readonly Entry[], size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const { id, value } of entries) {
    id.writeTo(bytes, at)
    view.setUint32(at + ID_BYTES, value === undefined ? 0 : value.length + 1, true)
    at += HEAD_BYTES
    if (value === undefined) continue
    bytes.set(value, at)
    at += value.length
  }
  return bytes
}
