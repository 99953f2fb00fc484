import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Call, CallTable } from '../../src/runtime/calls.ts'
import { copyOf } from '../../src/runtime/copies.ts'
import { SeededRandom, VirtualClock } from '../../src/transports/virtual-clock.ts'
import { frameMemory, readHigh, readLow, writeHeader } from '../../src/wire/frames.ts'
import { HEADER_BYTES, TYPE_REPLY } from '../../src/wire/layout.ts'

function table(limit = 100) {
  const clock = new VirtualClock()
  const due: { high: number; ms: number }[] = []
  const calls = new CallTable({
    clock,
    random: new SeededRandom(1),
    limit,
    due: (call, ms) => {
      due.push({ high: call.high, ms })
      calls.release(call)
    },
  })
  return { clock, calls, due }
}

function enlisted(calls: CallTable, timeoutMs: number): Call {
  const call = calls.take()!
  call.timeoutMs = timeoutMs
  call.state = 'sent'
  calls.enlist(call)
  return call
}

it('a call that is answered before the next tick never gets a deadline', () => {
  const { clock, calls, due } = table()
  const call = enlisted(calls, 50)
  clock.runFor(5)
  expect(call.deadlineMs).toBe(Number.POSITIVE_INFINITY)
  calls.release(call)
  clock.runFor(1_000)
  expect(due).toEqual([])
  expect(clock.nextMs()).toBeUndefined()
})

it('no call is due before its time, nor more than two ticks after it', () => {
  const plan = fc.array(
    fc.record({ atMs: fc.integer({ min: 0, max: 300 }), timeoutMs: fc.integer({ min: 1, max: 40_000 }) }),
  )
  fc.assert(
    fc.property(plan, fc.boolean(), (all, scheduled) => {
      const { clock, calls, due } = table()
      const start = clock.nowMs()
      const wanted = new Map<number, number>()
      for (const { atMs, timeoutMs } of all) {
        clock.setTimer(atMs, () => {
          const call = calls.take()!
          call.state = 'sent'
          call.timeoutMs = timeoutMs
          if (scheduled) calls.schedule(call, clock.nowMs() + timeoutMs)
          else calls.enlist(call)
          wanted.set(call.high, start + atMs + timeoutMs)
        })
      }
      clock.runFor(60_000)
      expect(due).toHaveLength(all.length)
      for (const { high, ms } of due) {
        const late = ms - wanted.get(high)!
        expect(late).toBeGreaterThanOrEqual(0)
        expect(late).toBeLessThanOrEqual(24)
      }
      expect(calls.pending).toBe(0)
    }),
    { numRuns: 60 },
  )
})

it('a turn that computes for long takes nothing off the deadline of a call that it makes', () => {
  let nowMs = 1_000_000
  const timers: (() => void)[] = []
  const clock = {
    nowMs: () => nowMs,
    setTimer: (_: number, fn: () => void) => {
      timers.push(fn)
      return { [Symbol.dispose]() {} }
    },
  }
  const calls = new CallTable({ clock, random: new SeededRandom(1), limit: 10, due: () => {} })
  const call = enlisted(calls, 20)
  nowMs += 500
  timers.shift()!()
  expect(call.deadlineMs).toBe(nowMs + 20)
})

it('an answer finds its call by both halves of the request id, as they are on the wire', () => {
  const { calls } = table()
  const m = frameMemory(HEADER_BYTES)
  const found = (slot: number, high: number) => {
    writeHeader(m, 0, HEADER_BYTES, TYPE_REPLY, 0, 0, 0, slot, high)
    return calls.find(readLow(m, 0), readHigh(m, 0))
  }
  for (let i = 0; i < 50; i++) {
    const call = enlisted(calls, 1_000)
    expect(found(call.slot, call.high)).toBe(call)
    expect(found(call.slot, call.high ^ 2)).toBeUndefined()
    expect(found(call.slot + 1, call.high)).toBeUndefined()
  }
  const first = calls.all()[0]!
  const { slot, high } = first
  calls.release(first)
  expect(found(slot, high)).toBeUndefined()
  expect(enlisted(calls, 1).slot).toBe(slot)
  expect(found(slot, high)).toBeUndefined()
})

it('refuses a call beyond its limit and takes one again when another has ended', () => {
  const { calls } = table(2)
  const first = enlisted(calls, 1)
  enlisted(calls, 1)
  expect(calls.take()).toBeUndefined()
  calls.release(first)
  expect(calls.take()).toBeDefined()
})

it('copies of bodies are their own, whatever their size', () => {
  const source = Uint8Array.from({ length: 20_000 }, (_, i) => i * 7)
  const kept: [Uint8Array, number, number][] = []
  for (const length of [0, 1, 63, 64, 65, 100, 1_023, 1_024, 4_096, 4_097, 9_000]) {
    for (let round = 0; round < 12; round++) {
      const start = round * 8
      kept.push([copyOf(source, start, start + length), start, start + length])
    }
  }
  for (const [copy, start, end] of kept) {
    expect(copy).toEqual(source.slice(start, end))
    expect(copy.byteOffset % 8).toBe(0)
  }
  const [victim] = kept[60]!
  const others = kept.filter(([copy]) => copy !== victim).map(([copy]) => copy.slice())
  victim.fill(0xff)
  expect(kept.filter(([copy]) => copy !== victim).map(([copy]) => copy)).toEqual(others)
})

it('a body that is transferred to another thread takes no other with it', () => {
  const source = new Uint8Array(100).fill(7)
  const first = copyOf(source, 0, 100)
  const second = copyOf(source, 0, 100)
  try {
    structuredClone(first.buffer, { transfer: [first.buffer as ArrayBuffer] })
  } catch {
    // Node.js 20 copies it, later ones refuse.
  }
  for (const copy of [second, copyOf(source, 0, 100)]) expect(copy).toEqual(source)
})

it('no call is lost among others that end, wait again or are put off', () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 20 }),
    what: fc.constantFrom('enlist', 'schedule', 'end', 'put off'),
    which: fc.nat(20),
    ms: fc.integer({ min: 1, max: 20_000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const clock = new VirtualClock()
      const waiting = new Map<Call, number>()
      const calls: CallTable = new CallTable({
        clock,
        random: new SeededRandom(1),
        limit: 1_000,
        due: (call, nowMs) => {
          expect(call.checkMs).toBeLessThanOrEqual(nowMs)
          if (nowMs < call.deadlineMs) return calls.schedule(call, call.deadlineMs)
          const late = nowMs - waiting.get(call)!
          expect(late).toBeGreaterThanOrEqual(0)
          expect(late).toBeLessThanOrEqual(24)
          waiting.delete(call)
          calls.release(call)
        },
      })
      for (const { afterMs, what, which, ms } of steps) {
        clock.runFor(afterMs)
        const nowMs = clock.nowMs()
        const chosen = [...waiting.keys()][which]
        if (what === 'enlist' || what === 'schedule') {
          const call = calls.take()!
          call.state = 'sent'
          call.timeoutMs = ms
          call.deadlineMs = nowMs + ms
          waiting.set(call, nowMs + ms)
          if (what === 'enlist') calls.enlist(call)
          else calls.schedule(call, call.deadlineMs)
        } else if (chosen !== undefined && what === 'end') {
          waiting.delete(chosen)
          calls.release(chosen)
        } else if (chosen !== undefined) {
          calls.settleDeadline(chosen, nowMs)
          calls.schedule(chosen, Math.min(chosen.deadlineMs, nowMs + (ms % 500)))
        }
        expect(calls.pending).toBe(waiting.size)
      }
      clock.runFor(30_000)
      expect(waiting.size).toBe(0)
      expect(clock.nextMs()).toBeUndefined()
    }),
    { numRuns: 200 },
  )
})
