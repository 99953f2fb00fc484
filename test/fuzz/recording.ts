/** Files of recordings: records, each two bytes of length and its contents. They get their checksums here, which nobody finds by chance. */
import { hashOf } from '../../src/core/digest.ts'
import { replay } from '../../src/sim/record/replay.ts'
import { crc32 } from '../../src/wire/checksum.ts'
import { type Entry, FILE_HEAD, RECORD_HEAD_BYTES, RecordingWriter } from '../../src/wire/recording.ts'
import { RecordingReader } from '../../src/wire/recording-reader.ts'
import { must, Script, type Target } from './input.ts'

const target: Target = (bytes) => {
  const script = new Script(bytes)
  const records: Uint8Array[] = []
  while (!script.done) records.push(script.take(script.u16()))
  const file = fileOf(records)
  const first = [...new RecordingReader(file)]
  const again = fileOf(written(first))
  const reader = new RecordingReader(again)
  const second = [...reader]
  must(reader.cut === undefined, 'what was written cannot be read')
  must(hashOf(second) === hashOf(first), 'read, written and read it is another')
  for (const run of replay([{ name: 'fuzz', bytes: file }])) must(run.inputs <= first.length, 'inputs from nowhere')
}
export default target

function written(entries: readonly Entry[]): Uint8Array[] {
  const records: Uint8Array[] = []
  const writer = new RecordingWriter((record) => records.push(record.slice()))
  for (const entry of entries) write(writer, entry)
  return records
}

/** A header forgets the names, which the reader does not: there is one in a file. */
function write(writer: RecordingWriter, entry: Entry): void {
  switch (entry.kind) {
    case 'header':
      return writer.header(entry.header)
    case 'start':
      return writer.start(entry.start)
    case 'input':
      return writer.input(entry.member, entry.mark, entry.nowMs, entry.input)
    case 'digest':
      return writer.digest(entry)
    case 'end':
      return writer.end(entry.reason)
    default:
      entry satisfies never
  }
}

function fileOf(records: readonly Uint8Array[]): Uint8Array {
  const length = records.reduce((sum, record) => sum + RECORD_HEAD_BYTES + record.length, FILE_HEAD.length)
  const file = new Uint8Array(length)
  const view = new DataView(file.buffer)
  file.set(FILE_HEAD)
  let at = FILE_HEAD.length
  for (const record of records) {
    view.setUint32(at, record.length, true)
    view.setUint32(at + 4, crc32(record, 0, record.length), true)
    file.set(record, at + RECORD_HEAD_BYTES)
    at += RECORD_HEAD_BYTES + record.length
  }
  return file
}
