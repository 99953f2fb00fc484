/**
 * One end of a connection whose other end keeps to no rules, while programs open, write, read and give up: nothing throws, nothing is
 * held beyond the limits, what leaves is what may be sent, and once the connection is lost nothing is held at all.
 */
import { type FrameMemory, frameMemory, writeHeader } from '../../src/wire/frames.ts'
import * as L from '../../src/wire/layout.ts'
import {
  encodeReason,
  newStreamFrame,
  readStreamFrame,
  STREAM_ACCEPT,
  STREAM_WINDOW,
  writeData,
  writeGrant,
  writeOpen,
  writeReset,
} from '../../src/wire/streams.ts'
import { End, OPENING, Program } from '../streams/pair.ts'
import { must, Script, type Target } from './input.ts'

const WINDOWS = 32_768
const LIMITS = { streams: 6, streamsPerConnection: 4, streamBytes: 2 * WINDOWS, streamsBytes: 3 * WINDOWS }
const NUMBERS = 6
const FRAME_BYTES_MAX = L.HEADER_BYTES + 40_000

const target: Target = (bytes) => {
  const script = new Script(bytes)
  const end = new End(LIMITS)
  end.incoming = (channel) => {
    if (script.u8() % 4 === 0) return channel.reset(9, 'no')
    channel.accept()
    new Watched(end, channel)
  }
  let isFaulty = false
  let opened = 0
  while (!script.done && !isFaulty) {
    const choice = script.u8()
    if (choice < 128) isFaulty = arrives(end, script, choice & 7, opened)
    else if (choice < 160) leaves(end)
    else programs(end, script, choice & 7)
    if (choice < 128 && (choice & 7) === 0) opened++
    mustFit(end)
  }
  end.mux.lose()
  must(end.mux.size === 0 && end.mux.peek() === undefined, 'a stream outlived its connection')
  for (const program of end.programs) program.release()
  must(end.share.open === 0 && end.share.windowBytes === 0, 'something is held for nobody')
}
export default target

class Watched extends Program {
  override data(m: FrameMemory, start: number, end: number): void {
    must(!this.hasEnded, 'data behind the end')
    super.data(m, start, end)
  }
}

/** True if it breaks the rules, after which the connection would be closed. So many streams have been opened so far. */
function arrives(end: End, script: Script, kind: number, opened: number): boolean {
  const memory = frameMemory(FRAME_BYTES_MAX)
  const flags = script.u8()
  const answers = (flags & 1) !== 0
  const credit = (flags & 2) === 0 ? script.u16() : script.u32()
  const size = (flags & 4) === 0 ? credit & 63 : (8 * credit) % 33_000
  // Mostly one that there may be.
  const low = script.u8() % NUMBERS
  const number = (flags & 24) === 24 ? low : kind === 0 ? opened + 1 : 1 + (low % Math.max(1, opened))
  let bytes = L.HEADER_BYTES + size
  if (kind === 0) {
    writeOpen(memory, 0, number, OPENING, credit)
    bytes = memory.words[0]!
  } else if (kind === 1 || kind === 2) {
    writeGrant(memory, 0, kind === 1 ? STREAM_ACCEPT : STREAM_WINDOW, number, answers, credit)
    bytes = memory.words[0]!
  } else if (kind === 3 || kind === 4) {
    writeData(memory, 0, number, answers, kind === 3 ? size : 0)
    bytes = memory.words[0]!
  } else if (kind === 5) {
    writeReset(memory, 0, number, answers, encodeReason(credit & 255, 'why'))
    bytes = memory.words[0]!
  } else {
    const extensions = script.u8() & script.u8()
    writeHeader(memory, 0, bytes, L.TYPE_STREAM, script.u16(), extensions, script.u8(), number, script.u16())
    memory.bytes.set(script.take(Math.min(size, 64)), L.HEADER_BYTES)
  }
  return end.take(memory, bytes) !== undefined
}

function leaves(end: End): void {
  if (!end.send()) return
  const { memory, bytes } = end.wire.pop()!
  must(readStreamFrame(memory, 0, bytes, newStreamFrame(memory)), 'a frame left that nobody may send')
}

function programs(end: End, script: Script, choice: number): void {
  if (choice === 0) return void end.open()
  const program = end.programs[script.u8() % Math.max(1, end.programs.length)]
  if (program === undefined || program.isReleased) return
  const mayWrite = program.isOver === undefined && !program.wantsEnd
  if (choice < 3 && mayWrite) program.write(new Uint8Array(script.u16()))
  else if (choice === 3 && mayWrite) program.finish()
  else if (choice === 4) program.giveUp()
  else if (choice === 5) program.release()
  else if (choice > 5) program.consume(script.u16())
}

function mustFit({ share, mux, programs }: End): void {
  must(share.open <= LIMITS.streams, 'more streams than there may be')
  must(share.windowBytes <= share.open * WINDOWS + LIMITS.streamsBytes, 'windows beyond the limit')
  must(mux.size <= 2 * LIMITS.streamsPerConnection + 1_024, 'more streams of a connection than there may be')
  for (const { channel } of programs) {
    must(channel.unread >= 0 && channel.unread <= channel.window, 'more unread than the window')
  }
}
