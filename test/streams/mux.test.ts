import { describe, expect, test } from 'vitest'
import { WINDOW_FIRST } from '../../src/runtime/streams/share.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'
import { frameMemory } from '../../src/wire/frames.ts'
import {
  CHUNK_BYTES_MAX,
  CREDIT_MAX,
  encodeReason,
  writeData,
  writeGrant,
  writeOpen,
  writeReset,
} from '../../src/wire/streams.ts'
import { End, LIMITS, OPENING, Program, settle } from './pair.ts'

const bytes = (count: number, from = 0) => Uint8Array.from({ length: count }, (_, i) => (from + i) & 0xff)

function opened(limits = LIMITS): { a: End; b: End; ours: Program; theirs: Program } {
  const a = new End(limits)
  const b = new End(limits)
  const ours = a.open()!
  settle(a, b)
  const theirs = b.programs[0]!
  return { a, b, ours, theirs }
}

describe('two ends', () => {
  test('open, send both ways, end each direction by itself, and are free again', () => {
    const { a, b, ours, theirs } = opened()
    expect(ours.isAccepted).toBe(true)
    ours.write(bytes(100))
    ours.finish()
    settle(a, b)
    expect([theirs.arrived.length, theirs.hasEnded, ours.endLeft]).toEqual([100, true, true])
    expect(theirs.channel.isClosed).toBe(false)
    theirs.write(bytes(50))
    theirs.finish()
    settle(a, b)
    expect([ours.arrived.length, ours.hasEnded]).toEqual([50, true])
    expect([ours.channel.isClosed, theirs.channel.isClosed]).toEqual([true, true])
    expect([a.mux.size, b.mux.size]).toEqual([0, 0])
    expect([a.share.open, b.share.open]).toEqual([1, 1])
    ours.release()
    theirs.release()
    expect([a.share.open, b.share.open, a.share.windowBytes, b.share.windowBytes]).toEqual([0, 0, 0, 0])
  })

  test('who does not read gets no more than a window, and holds nobody else up', () => {
    const { a, b, ours, theirs } = opened()
    ours.write(bytes(1_000_000))
    settle(a, b)
    expect(theirs.arrived.length).toBe(WINDOW_FIRST)
    const other = a.open()!
    other.write(bytes(1_000))
    settle(a, b)
    expect(b.programs[1]!.arrived.length).toBe(1_000)
    expect(theirs.arrived.length).toBe(WINDOW_FIRST)
  })

  test('who reads gets more, said once for half a window, and a larger window', () => {
    const { a, b, ours, theirs } = opened()
    ours.write(bytes(1_000_000))
    settle(a, b)
    theirs.consume(WINDOW_FIRST / 2 - 1)
    expect(b.send()).toBe(false)
    theirs.consume(1)
    expect(b.send()).toBe(true)
    expect(b.send()).toBe(false)
    settle(a, b)
    while (theirs.arrived.length < 1_000_000) {
      theirs.consume(Number.POSITIVE_INFINITY)
      settle(a, b)
      expect(theirs.channel.window).toBeLessThanOrEqual(LIMITS.streamBytes)
    }
    expect(theirs.channel.window).toBe(LIMITS.streamBytes)
    expect(theirs.arrived.all.equals(ours.written.all)).toBe(true)
  })

  test('windows grow no further than all streams together may', () => {
    const { a, b } = opened({ ...LIMITS, streamsBytes: 2 * WINDOW_FIRST })
    for (let i = 0; i < 7; i++) a.open()
    settle(a, b)
    for (const program of a.programs) program.write(bytes(300_000))
    for (let round = 0; round < 50; round++) {
      settle(a, b)
      for (const program of b.programs) program.consume(Number.POSITIVE_INFINITY)
      expect(b.share.windowBytes).toBeLessThanOrEqual(8 * WINDOW_FIRST + 2 * WINDOW_FIRST)
    }
    expect(b.programs.every(({ arrived }) => arrived.length === 300_000)).toBe(true)
  })

  test('streams take turns, a chunk each', () => {
    const { a, b } = opened()
    a.open()
    settle(a, b)
    for (const program of a.programs) program.write(bytes(2 * CHUNK_BYTES_MAX))
    for (const program of b.programs) program.consume(0)
    a.send()
    a.send()
    while (a.wire.length > 0) b.receive(a)
    expect(b.programs.map(({ arrived }) => arrived.length)).toEqual([CHUNK_BYTES_MAX, CHUNK_BYTES_MAX])
  })

  test('either side may give up, and what was on its way does no harm', () => {
    const { a, b, ours, theirs } = opened()
    ours.write(bytes(1_000))
    a.send()
    theirs.giveUp()
    expect(settle(a, b)).toBeUndefined()
    expect(ours.isOver).toBe('reset')
    expect([a.mux.size, b.mux.size]).toEqual([0, 0])
    expect(b.mux.late).toBe(1)
    const next = a.open()!
    settle(a, b)
    expect(next.isAccepted).toBe(true)
  })

  test('an opening that is given up before it has left was never there', () => {
    const { a, b } = opened()
    const gone = a.open()!
    gone.giveUp()
    gone.release()
    const next = a.open()!
    expect(settle(a, b)).toBeUndefined()
    expect([next.isAccepted, a.share.open]).toEqual([true, 2])
  })

  test('without room an opening is refused, here and there', () => {
    const { a, b } = opened({ ...LIMITS, streamsPerConnection: 2 })
    a.open()
    expect(a.open()).toBeUndefined()
    const c = new End()
    const d = new End({ ...LIMITS, streams: 2 })
    for (let i = 0; i < 3; i++) c.open()
    settle(c, d)
    settle(a, b)
    expect(c.programs.map(({ isAccepted, isOver }) => [isAccepted, isOver])).toEqual([
      [true, undefined],
      [true, undefined],
      [false, 'reset'],
    ])
    expect([d.refused, d.share.open]).toEqual([1, 2])
  })

  test('a stream that is over holds its place until it has been read and handled', () => {
    const { a, b, ours, theirs } = opened({ ...LIMITS, streamsPerConnection: 1 })
    ours.finish()
    theirs.finish()
    settle(a, b)
    ours.release()
    const next = a.open()!
    settle(a, b)
    expect(next.isOver).toBe('reset')
    theirs.release()
    next.release()
    const last = a.open()!
    settle(a, b)
    expect(last.isAccepted).toBe(true)
  })

  test('a connection that goes takes all of its streams along', () => {
    const { a, ours } = opened()
    const waiting = a.open()!
    a.mux.lose()
    expect([ours.isOver, waiting.isOver]).toEqual(['lost', 'lost'])
    for (const program of a.programs) program.release()
    expect([a.share.open, a.share.windowBytes, a.freed]).toEqual([0, 0, 2])
    expect(a.open()).toBeUndefined()
  })
})

describe('who breaks the rules is found out', () => {
  const frame = (count: number, write: (m: ReturnType<typeof frameMemory>) => void) => {
    const memory = frameMemory(count)
    write(memory)
    return memory
  }
  const data = (number: number, count: number, answers = false) =>
    frame(32 + count, (m) => writeData(m, 0, number, answers, count))
  const grant = (kind: number, number: number, credit: number, answers = false) =>
    frame(40, (m) => writeGrant(m, 0, kind, number, answers, credit))
  const open = (number: number) => frame(32 + 8 + 8, (m) => writeOpen(m, 0, number, OPENING, 1_000))

  const cases: [string, string, (b: End) => ReturnType<typeof frameMemory>[]][] = [
    ['data beyond the credit', 'streamCredit', () => [data(1, WINDOW_FIRST), data(1, 1)]],
    ['data of a stream that nobody opened', 'streamNumber', () => [data(2, 1)]],
    ['an answer about a stream that nobody opened', 'streamNumber', () => [data(1, 1, true)]],
    ['an opening out of turn', 'streamNumber', () => [open(3)]],
    ['an opening of a number that is in use', 'streamNumber', () => [open(1)]],
    ['data after the end', 'streamState', () => [data(1, 0), data(1, 1)]],
    ['two ends', 'streamState', () => [data(1, 0), data(1, 0)]],
    ['acceptance of what we have accepted', 'streamFrame', () => [grant(2, 1, 1)]],
    ['no credit', 'streamFrame', () => [grant(4, 1, 0)]],
    ['more credit than there is', 'streamCredit', () => [grant(4, 1, CREDIT_MAX)]],
    ['a chunk that is too long', 'streamFrame', () => [data(1, CHUNK_BYTES_MAX + 1)]],
    ['an unknown kind', 'streamFrame', () => [grant(7, 1, 1)]],
    [
      'a reset without a reason',
      'streamFrame',
      () => [frame(33, (m) => writeReset(m, 0, 1, false, new Uint8Array(1)))],
    ],
  ]

  test.each(cases)('%s: %s', (_, fault, frames) => {
    const { b } = opened()
    const faults = frames(b).map((memory) => b.take(memory, memory.bytes.length))
    expect(faults.at(-1)).toBe(fault)
    expect(faults.slice(0, -1).every((one) => one === undefined)).toBe(true)
  })

  test('data before it was accepted, and acceptance twice', () => {
    const a = new End()
    a.open()
    a.send()
    expect(a.take(data(1, 1, true), 33)).toBe('streamState')
    const accept = grant(2, 1, 100, true)
    expect(a.take(accept, 40)).toBeUndefined()
    expect(a.take(accept, 40)).toBe('streamState')
  })

  test('openings without end, by one who does not read the refusals', () => {
    const b = new End({ ...LIMITS, streams: 0 })
    let number = 0
    let fault: string | undefined
    while (fault === undefined && number < 10_000) fault = b.take(open(++number), 48)
    expect([fault, number, b.share.open]).toEqual(['streamFlood', 1_025, 0])
  })

  test('opening and resetting, over and over, holds what handlers hold, and no more than the limit', () => {
    const b = new End()
    for (let number = 1; number <= 5_000; number++) {
      b.take(open(number), 48)
      const reason = encodeReason(9, 'again')
      b.take(
        frame(32 + reason.length, (m) => writeReset(m, 0, number, false, reason)),
        32 + reason.length,
      )
      while (b.send());
      b.wire.length = 0
    }
    expect([b.share.open, b.programs.length, b.mux.size]).toEqual([32, 32, 0])
  })

  test('bytes at random never do harm', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new SeededRandom(seed)
      const { a, b } = opened()
      for (let i = 0; i < 30; i++) {
        const memory = frameMemory(32 + (random.nextUint32() % 64))
        const count = random.nextUint32() % 4
        for (let at = 0; at < memory.bytes.length; at++)
          memory.bytes[at] = random.nextUint32() % 3 === 0 ? random.nextUint32() : 0
        memory.words[0] = memory.bytes.length
        memory.words[1] = 69
        memory.words[2] = count
        memory.words[3] = (random.nextUint32() % 8) | (random.nextUint32() % 2 === 0 ? 0x100 : 0)
        memory.halves[8] = 0x100
        b.take(memory, memory.bytes.length)
        expect(b.share.open).toBeLessThanOrEqual(LIMITS.streams)
        for (const { channel } of b.programs) expect(channel.unread).toBeLessThanOrEqual(channel.window)
      }
      void a
    }
  })
})

describe('at random', () => {
  const seeds = Array.from({ length: 24 }, (_, i) => i + 1)

  test.each(seeds)('what was written arrives, in order, and everything is free in the end (seed %i)', (seed) => {
    const random = new SeededRandom(seed)
    const below = (n: number) => random.nextUint32() % n
    const a = new End()
    const b = new End()
    const ends = [a, b] as const
    const pairs: [Program, Program][] = []
    for (const [end, other] of [ends, [b, a] as const]) {
      other.incoming = (channel) => {
        const theirs = end.programs.find((one) => one.channel.isOurs && one.channel.number === channel.number)!
        if (below(10) === 0) return channel.reset(5, 'nobody handles it')
        channel.accept()
        pairs.push([theirs, new Program(other, channel)])
      }
    }
    const act = (program: Program) => {
      if (program.channel.phase !== 'open' || program.isOver !== undefined) return
      const what = below(12)
      if (what < 5 && !program.wantsEnd) program.write(bytes(below(90_000), below(256)))
      else if (what < 10) program.consume(below(100_000))
      else if (what === 10) program.finish()
      else if (below(20) === 0) program.giveUp()
    }
    const faults: unknown[] = []
    const check = () => {
      for (const { programs, share } of ends) {
        for (const { channel } of programs) expect(channel.unread).toBeLessThanOrEqual(channel.window)
        expect(share.windowBytes).toBeLessThanOrEqual(share.open * WINDOW_FIRST + LIMITS.streamsBytes)
      }
    }
    for (let step = 0; step < 1_500; step++) {
      const [end, other] = below(2) === 0 ? ends : ([b, a] as const)
      const what = below(10)
      if (what === 0) end.open()
      else if (what < 4 && end.programs.length > 0) act(end.programs[below(end.programs.length)]!)
      else if (what < 7) end.send()
      else faults.push(end.receive(other, below(3) === 0))
      if (step % 50 === 0) check()
    }
    for (let round = 0; round < 200; round++) {
      faults.push(settle(a, b))
      for (const program of [...a.programs, ...b.programs]) {
        if (program.channel.phase === 'open' && !program.wantsEnd) program.finish()
        program.consume(Number.POSITIVE_INFINITY)
      }
    }
    expect(faults.filter((fault) => fault !== undefined)).toEqual([])
    let whole = 0
    for (const [one, other] of pairs) {
      const isWhole = one.isOver === undefined && other.isOver === undefined
      if (isWhole) whole++
      for (const [writer, reader] of [
        [one, other],
        [other, one],
      ] as const) {
        expect(writer.written.startsWith(reader.arrived)).toBe(true)
        if (isWhole) expect([reader.arrived.length, reader.hasEnded]).toEqual([writer.written.length, true])
      }
    }
    expect(whole).toBeGreaterThan(3)
    for (const program of [...a.programs, ...b.programs]) program.release()
    expect([a.mux.size, b.mux.size, a.share.open, b.share.open]).toEqual([0, 0, 0, 0])
    expect([a.share.windowBytes, b.share.windowBytes]).toEqual([0, 0])
  })
})
