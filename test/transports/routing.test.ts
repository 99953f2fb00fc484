/** Frames by key through a native endpoint with routes: what C++ does with each, against what the tables say in TypeScript. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ArcTable, NO_ARC } from '../../src/core/arc-table.ts'
import { Id } from '../../src/core/id.ts'
import { loadNative } from '../../src/native/load.ts'
import { createNativeTransport } from '../../src/transports/native.ts'
import type { FrameRing, Link, RouteTables } from '../../src/transports/transport.ts'
import { frameMemory, writeHeader, writeOrigin, writeTarget } from '../../src/wire/frames.ts'
import * as L from '../../src/wire/layout.ts'
import { Recorder, sendHello } from './frames.ts'
import { RealHarness } from './harness.ts'

const { ok } = loadNative()
const HOPS = 9
const SINKS = 4

/** One frame to send, and what matters of it. */
interface Sample {
  type: number
  flags: number
  hops: number
  deadline: number | undefined
  origin: boolean
  incarnation: bigint
  key: Id
  body: number
}

const word = fc.constantFrom(0, 1, 0x40000000, 0x80000000, 0xffffffff)
const anyKey = fc.tuple(word, word).map(([a, b]) => new Id(a, b, 0, 0, 7))

const anySample: fc.Arbitrary<Sample> = fc.record({
  type: fc.constantFrom(L.TYPE_LOOKUP, L.TYPE_REQUEST, L.TYPE_REQUEST, L.TYPE_REPLY),
  flags: fc.constantFrom(0, 0x20, L.FLAG_UNCACHED, L.FLAG_FINAL, L.FLAG_IDEMPOTENT),
  hops: fc.nat(HOPS),
  deadline: fc.constantFrom(undefined, 0, 5000),
  origin: fc.boolean(),
  incarnation: fc.constantFrom(0n, 0n, 0n, 3n),
  key: anyKey,
  body: fc.nat(300),
})

/** Ways by the number of a sink; the last of them is not to be used. */
const anyWay = fc.record({ sink: fc.nat(SINKS - 1), final: fc.boolean(), finalSteps: fc.nat(8) })
const anyRows = fc.array(fc.array(anyWay, { maxLength: 3 }), { minLength: 1, maxLength: 6 })
const anyEnds = fc
  .uniqueArray(anyKey, { maxLength: 8, selector: String })
  .map((ends) => ends.sort((a, b) => a.compare(b)))
type Rows = { sink: number; final: boolean; finalSteps: number }[][]

const anyTables = fc
  .tuple(anyRows, anyEnds, anyEnds, fc.array(fc.nat(20), { minLength: 16, maxLength: 16 }))
  .map(([rows, first, second, numbers]) => ({
    rows: rows as Rows,
    decided: tableOf(first, numbers, rows.length),
    remembered: second.length === 0 ? undefined : tableOf(second, numbers.slice(8), SINKS),
  }))

function tableOf(ends: readonly Id[], numbers: readonly number[], rows: number): ArcTable {
  return new ArcTable(
    ends,
    ends.map((_, i) => (numbers[i]! % (rows + 1)) - 1),
  )
}

/** Where the frame should come out: a sink and what its header says there, or the handler. */
function outcome(
  sample: Sample,
  { rows, decided, remembered }: { rows: Rows; decided: ArcTable; remembered: ArcTable | undefined },
): string {
  const { type, flags, hops, deadline, origin, incarnation, key } = sample
  const plain = type !== L.TYPE_REPLY && (flags & L.FLAG_FINAL) === 0 && origin && incarnation === 0n
  const number = decided.find(key)
  if (!plain || deadline === 0 || hops + 1 >= HOPS || number === NO_ARC) return `handler ${flags} ${hops} 0`
  const isOpen = ({ sink }: { sink: number }) => sink < SINKS - 1
  const known = (flags & L.FLAG_UNCACHED) === 0 ? (remembered?.find(key) ?? NO_ARC) : NO_ARC
  const straight = [{ sink: known, final: true, finalSteps: 0 }]
  const first = rows[number]![0]?.final || known === NO_ARC ? undefined : straight.find(isOpen)
  const way = first ?? rows[number]!.find(isOpen)
  if (way === undefined) return `handler ${flags} ${hops} 0`
  return `sink ${way.sink} ${flags | (way.final ? L.FLAG_FINAL : 0)} ${hops + 1} ${way.finalSteps}`
}

function frameOf(sample: Sample, number: number) {
  const { type, flags, hops, deadline, origin, incarnation, key, body } = sample
  const extensions = L.EXT_TARGET | (deadline === undefined ? 0 : L.EXT_DEADLINE) | (origin ? L.EXT_ORIGIN : 0)
  const memory = frameMemory(L.HEADER_BYTES + L.TARGET_BYTES + 8 + 40 + 16 + body)
  writeHeader(memory, 0, 0, type, flags, extensions, 0, number, 0)
  let p = writeTarget(memory, L.HEADER_BYTES, key, incarnation)
  if (deadline !== undefined) {
    memory.words[p >>> 2] = deadline
    p += L.DEADLINE_BYTES
  }
  if (origin) p = writeOrigin(memory, p, '127.0.0.1:4000', 0, L.ROLE_MEMBER, 5n, Id.hash('o'))
  memory.bytes.fill(number, p, p + body)
  memory.words[0] = p + body
  memory.bytes[L.AT_HOPS] = hops
  return memory.bytes.subarray(0, p + body)
}

describe.skipIf(!ok)('a native endpoint with routes', () => {
  const harness = new RealHarness(createNativeTransport, createNativeTransport)
  const outcomes = new Map<number, string>()
  const sent = new Map<number, Uint8Array>()
  let count = 0
  let relay: ReturnType<RealHarness['make']>['transport']
  let world: ReturnType<RealHarness['make']>['transport']
  let source: Link
  const sinks: Link[] = []
  let entry: Link

  const note = (where: string) => (_: unknown, ring: FrameRing, offset: number) => {
    const number = ring.words[(offset >>> 2) + 2]!
    if (ring.halves[(offset >>> 1) + 2] === L.TYPE_HELLO) return
    outcomes.set(
      number,
      `${where} ${ring.halves[(offset >>> 1) + 3]} ${ring.bytes[offset + 16]} ${ring.bytes[offset + 20]}`,
    )
  }

  beforeAll(async () => {
    const recorder = new Recorder()
    const outside = new Recorder()
    relay = harness.make((options) => createNativeTransport({ ...options, poison: true }), { recorder }).transport
    world = harness.make(createNativeTransport, { recorder: outside }).transport
    const { port } = await relay.listen('127.0.0.1', 0)
    const there = await world.listen('127.0.0.1', 0)
    source = world.dial('127.0.0.1', port)
    sendHello(world, source)
    await harness.until(() => recorder.links.length === 1 && recorder.frames.length === 1)
    entry = recorder.links[0]!
    for (let i = 0; i < SINKS; i++) {
      const link = relay.dial('127.0.0.1', there.port)
      sendHello(relay, link)
      await harness.until(() => outside.frames.length === i + 1)
      const { link: end } = outside.frames[i]!
      end.session = i
      link.routable?.(false, i < SINKS - 1)
      sinks.push(link)
    }
    entry.routable?.(true, false)
    recorder.onFrame = note('handler')
    outside.onFrame = (received, ring, offset) => note(`sink ${received.link.session}`)(received, ring, offset)
  })

  afterAll(() => harness.stop())

  async function send(samples: readonly Sample[]): Promise<string[]> {
    const first = count + 1
    for (const sample of samples) {
      const frame = frameOf(sample, ++count)
      sent.set(count, frame)
      const at = world.reserve(source, frame.length, 'own')
      world.tx.bytes.set(frame, at)
      world.commit(source, at, frame.length)
    }
    await harness.until(() => outcomes.size === count)
    return samples.map((_, i) => outcomes.get(first + i)!)
  }

  const install = ({
    rows,
    decided,
    remembered,
  }: {
    rows: Rows
    decided: ArcTable
    remembered: ArcTable | undefined
  }) => {
    const linked = rows.map((ways) => ways.map(({ sink, ...way }) => ({ ...way, link: sinks[sink]! })))
    const routes: RouteTables = {
      ...{ rows: linked, decided, hops: HOPS },
      remembered: remembered === undefined ? undefined : { arcs: remembered, links: sinks },
    }
    relay.routing!.install(routes)
  }

  test('passes on what the tables say, and gives the handler the rest as it came', async () => {
    await fc.assert(
      fc.asyncProperty(anyTables, fc.array(anySample, { minLength: 1, maxLength: 40 }), async (tables, samples) => {
        install(tables)
        expect(await send(samples)).toEqual(samples.map((sample) => outcome(sample, tables)))
      }),
      { numRuns: 150 },
    )
    const { framesPassedOn, framesIn, framesOut } = relay.counters()
    const passed = [...outcomes.values()].filter((where) => where.startsWith('sink')).length
    expect(framesPassedOn).toBe(passed)
    expect(framesIn).toBe(count + 1)
    expect(framesOut).toBe(passed + SINKS)
    expect(entry.passedIn).toBe(passed)
    expect(sinks.reduce((sum, link) => sum + link.passedOut!, 0)).toBe(passed)
  })

  test('passes nothing on without routes, from others than members, or by what is closed', async () => {
    const sample: Sample = {
      ...{ type: L.TYPE_LOOKUP, flags: 0, hops: 0, deadline: 1, origin: true, incarnation: 0n, body: 0 },
      key: Id.hash('k'),
    }
    const tables = {
      rows: [[0, 1].map((sink) => ({ sink, final: false, finalSteps: 0 }))],
      decided: new ArcTable([Id.hash('a')], [0]),
      remembered: undefined,
    }
    install(tables)
    expect(await send([sample])).toEqual(['sink 0 0 1 0'])
    relay.routing!.suspend()
    expect(await send([sample])).toEqual(['handler 0 0 0'])
    install(tables)
    entry.routable!(false, true)
    expect(await send([sample])).toEqual(['handler 0 0 0'])
    entry.routable!(true, true)
    // The next best at once, without new tables.
    relay.close(sinks[0]!, true)
    expect(await send([sample])).toEqual(['sink 1 0 1 0'])
    relay.close(sinks[1]!)
    expect(await send([sample])).toEqual(['handler 0 0 0'])
  })
})
