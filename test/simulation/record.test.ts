/** Nodes that record what their cores are told, and cores that are told the same again. */
import { beforeAll, describe, expect, it } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { Id } from '../../src/core/id.ts'
import type { ChordError } from '../../src/index.ts'
import { createNode } from '../../src/runtime/node.ts'
import { RecordedNode } from '../../src/runtime/recorded-node.ts'
import { Recorder } from '../../src/runtime/recorder.ts'
import { simulatedEnvironment } from '../../src/runtime/simulated.ts'
import { type Recording, type Replayed, replay } from '../../src/sim/record/replay.ts'
import { DEFAULT_CONFIG as CONFIG } from '../../src/sim/simulation.ts'
import { crc32 } from '../../src/wire/checksum.ts'
import { FILE_HEAD, RECORD_HEAD_BYTES, RecordingWriter } from '../../src/wire/recording.ts'
import { RecordingReader } from '../../src/wire/recording-reader.ts'
import { SimulatedRing } from '../runtime/simulated-ring.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { expectSame, PATH, RecordedRing } from '../support/recorded-ring.ts'

describe('a recording', () => {
  it('leads other cores to the same states: joins, a death, leaves', async () => {
    const ring = new RecordedRing({ seed: 3 })
    const nodes = await ring.grow(5)
    ring.kill(nodes[2]!)
    await ring.run(20_000)
    await ring.leave(nodes[1]!)
    await ring.start()
    await ring.run(10_000)
    const states = ring.nodes.map((node) => ({ address: node.address, members: node.members }))
    // All at once: whoever closes later sees the others go.
    await ring.settle(Promise.all(ring.nodes.map((node) => node.close())))
    await ring.run(1_000)

    for (const { address, members } of states) {
      const replayed = ring.replayOf(address)
      expectSame(replayed)
      expect(replayed.end).toBe('closed')
      expect(replayed.inputs).toBeGreaterThan(50)
      expect(replayed.compared).toBeGreaterThan(0)
      const shown = replayed.members.map((node) => [
        node.self,
        node.successors,
        node.predecessor,
        node.range,
        node.epoch,
      ])
      const seen = members.map(({ id, address, incarnation, successors, predecessor, range, epoch }) => [
        { id, address, incarnation },
        successors,
        predecessor,
        range,
        epoch,
      ])
      expect(String(JSON.stringify(shown, text))).toBe(JSON.stringify(seen, text))
    }
    expect(ring.warnings).toEqual([])
  })

  it('of the node that died ends without an end, and replays all the same', async () => {
    const ring = new RecordedRing({ seed: 4 })
    const nodes = await ring.grow(4)
    await ring.run(5_000)
    ring.kill(nodes[1]!)
    const replayed = ring.replayOf(nodes[1]!.address)
    expectSame(replayed)
    expect(replayed.end).toBeUndefined()
  })

  it('of a process with many virtual nodes, whose members speak to each other', async () => {
    const ring = new RecordedRing({ seed: 5 })
    const nodes = await ring.grow(3, { virtualNodes: 8 })
    ring.kill(nodes[0]!)
    await ring.run(20_000)
    await ring.leave(nodes[1]!)
    const replayed = ring.replayOf(nodes[1]!.address)
    expectSame(replayed)
    expect(replayed.members).toHaveLength(8)
    expect(replayed.members.every(({ status }) => status === 'left')).toBe(true)
  })
})

describe('the option', () => {
  it.each([
    ['', 'path must be a string that is not empty'],
    [{}, 'record needs a path'],
    [7, 'record options must be an object'],
    [{ path: 'a', size: 1 }, "unknown record option 'size'"],
    [{ path: 'a', bytesMax: 1000 }, 'record.bytesMax must be a whole number from'],
    [{ path: 'a', files: 1 }, 'record.files must be a whole number from 2'],
    [{ path: 'a', bytesMax: 2 ** 20, files: 5 }, 'less than 262144 for each of 5 files'],
  ])('%j is refused', (record, why) => {
    const wrong = expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringContaining(why) })
    expect(() => createNode({ record: record as string })).toThrow(wrong)
  })
})

describe('a damaged recording', () => {
  let whole: Recording
  beforeAll(async () => {
    const ring = new RecordedRing({ seed: 9 })
    const nodes = await ring.grow(3, { virtualNodes: 2 })
    await ring.leave(nodes[1]!)
    whole = ring.recordings(nodes[1]!.address)[0]!
  })

  it('is replayed up to where it is torn, wherever that is', () => {
    const { inputs } = replay([whole])[0]!
    for (let length = 0; length < whole.bytes.length; length += 149) {
      const [torn] = replay([{ ...whole, bytes: whole.bytes.slice(0, length) }])
      if (torn === undefined) continue
      expect(torn.deviation).toBeUndefined()
      expect(torn.inputs).toBeLessThanOrEqual(inputs)
      expect(torn.cuts.length === 1 || torn.end === undefined).toBe(true)
    }
  })

  it('is replayed up to where a byte was flipped', () => {
    for (let at = 8; at < whole.bytes.length; at += 163) {
      const bytes = whole.bytes.slice()
      bytes[at]! ^= 0x10
      const [flipped] = replay([{ ...whole, bytes }])
      if (flipped === undefined) continue
      expect(flipped.deviation).toBeUndefined()
      expect(flipped.cuts).toHaveLength(1)
    }
  })

  it('a state that is another is found, and after which input', () => {
    // Not each of them changes a state that is compared.
    const found = [18, 19, 20, 21, 22, 23, 24].flatMap((index) => replayWithout(index).deviation ?? [])
    expect(found.length).toBeGreaterThan(0)
    for (const deviation of found) {
      expect(deviation).toMatchObject({ kind: 'state' })
      expect(deviation.input).toBeGreaterThan(10)
      expect(deviation.input).toBeLessThan(300)
    }
  })

  /** As if one of its inputs had never come. */
  function replayWithout(index: number): Replayed {
    const records: Uint8Array[] = []
    const writer = new RecordingWriter((record) => records.push(record.slice()))
    let inputs = 0
    for (const entry of new RecordingReader(whole.bytes)) {
      if (entry.kind === 'header') writer.header(entry.header)
      else if (entry.kind === 'start') writer.start(entry.start)
      else if (entry.kind === 'input' && inputs++ !== index)
        writer.input(entry.member, entry.mark, entry.nowMs, entry.input)
    }
    return replay([{ name: 'changed', bytes: fileOf(records) }])[0]!
  }
})

describe('a recorded node', () => {
  it('has everything written down that a core can be told', () => {
    const reads = ['constructor', 'poll', 'nextTimeout', 'owns', 'remembered', 'routingAddresses']
    const all = Object.entries(Object.getOwnPropertyDescriptors(ChordNode.prototype))
    const inputs = all.filter(([name, { value }]) => value !== undefined && !reads.includes(name)).map(([name]) => name)
    expect(Object.getOwnPropertyNames(RecordedNode.prototype)).toEqual(expect.arrayContaining(inputs))
    expect(inputs).toHaveLength(12)
  })

  it('leaves what led to an exception, on the disk before it is thrown', async () => {
    const disk = new MemoryDisk()
    const { clock, random } = simulatedEnvironment(new SimulatedRing().network, '10.0.0.1')
    const settings = { path: PATH, bytesMax: 2 ** 20, files: 2 }
    const warn = (error: ChordError) => expect.unreachable(String(error))
    const recorder = new Recorder({ settings, network: 'ring', clock, random, disk, warn })
    const self = { id: Id.hash('self'), address: '10.0.0.1:4000', incarnation: 1n }
    const node = recorder.boot([self], CONFIG)[0]!
    // The file has been opened by now.
    await new Promise((resolve) => setImmediate(resolve))
    node.create(10)
    const before = disk.bytes
    expect(() => node.create(20)).toThrow('a node starts once')
    expect(disk.bytes).toBeGreaterThan(before)
    await recorder.close()
    const replayed = replay([{ name: PATH, bytes: disk.files.get(PATH)! }])[0]!
    expect(replayed.deviation).toMatchObject({ kind: 'exception', input: 1, what: 'chordite bug: a node starts once' })
    expect(replayed.end).toBe('exception: chordite bug: a node starts once')
  })
})

/** Records, framed as the recorder does it. */
function fileOf(records: readonly Uint8Array[]): Uint8Array {
  const framed = records.map((record) => {
    const bytes = new Uint8Array(RECORD_HEAD_BYTES + record.length)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, record.length, true)
    view.setUint32(4, crc32(record, 0, record.length), true)
    bytes.set(record, RECORD_HEAD_BYTES)
    return bytes
  })
  return Uint8Array.from([...FILE_HEAD, ...framed.flatMap((bytes) => [...bytes])])
}

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
