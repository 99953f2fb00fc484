/**
 * What registries tell each other, as bytes (numbers little-endian). A message about a move begins with its mark: id of the
 * member that gives (20), number of the move (4). Entries follow: id (20), length + 1 of the value (4; 0: deleted), value.
 */
import { ID_BYTES, Id } from '../core/id.ts'

export interface Entry {
  readonly id: Id
  /** Absent: it was deleted. */
  readonly value: Uint8Array | undefined
}

/** Which move of which member. A later move of a member has a larger number, and makes the earlier void. */
export interface Mark {
  readonly giver: Id
  readonly number: number
}

const HEAD_BYTES = ID_BYTES + 4
const MARK_BYTES = ID_BYTES + 4

/** In messages of about `chunkBytes`, one at least; a larger entry has one of its own. */
export function* encodeEntries(mark: Mark, entries: readonly Entry[], chunkBytes: number): Generator<Uint8Array> {
  let chunk: Entry[] = []
  let bytes = 0
  for (const entry of entries) {
    const size = HEAD_BYTES + (entry.value?.length ?? 0)
    if (chunk.length > 0 && bytes + size > chunkBytes) {
      yield join(mark, chunk, bytes)
      chunk = []
      bytes = 0
    }
    chunk.push(entry)
    bytes += size
  }
  if (chunk.length > 0 || entries.length === 0) yield join(mark, chunk, bytes)
}

/** A question about one key of a move. */
export function encodeQuestion(mark: Mark, id: Id): Uint8Array {
  return join(mark, [{ id, value: undefined }], HEAD_BYTES)
}

/** Throws if the bytes are no entries: the sender's request then fails. */
export function decodeEntries(bytes: Uint8Array): { mark: Mark; entries: Entry[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < MARK_BYTES) throw new Error('a message about no move')
  const mark = { giver: Id.fromBytes(bytes, 0), number: view.getUint32(ID_BYTES, true) }
  const entries: Entry[] = []
  for (let at = MARK_BYTES; at < bytes.length; ) {
    if (at + HEAD_BYTES > bytes.length) throw new Error('half an entry')
    const id = Id.fromBytes(bytes, at)
    const length = view.getUint32(at + ID_BYTES, true) - 1
    at += HEAD_BYTES
    if (length > bytes.length - at) throw new Error('an entry longer than its message')
    entries.push({ id, value: length < 0 ? undefined : bytes.slice(at, at + length) })
    at += Math.max(0, length)
  }
  return { mark, entries }
}

function join(mark: Mark, entries: readonly Entry[], size: number): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES + size)
  const view = new DataView(bytes.buffer)
  mark.giver.writeTo(bytes, 0)
  view.setUint32(ID_BYTES, mark.number, true)
  let at = MARK_BYTES
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
