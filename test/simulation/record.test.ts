/** Nodes that record what their cores are told, and cores that are told the same again. */
import { beforeAll, describe, expect, it } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { Id } from '../../src/core/id.ts'
import type { ChordError, ChordNode as Node, NodeOptions } from '../../src/index.ts'
import { createNode, createNodeWith } from '../../src/runtime/node.ts'
import { RecordedNode } from '../../src/runtime/recorded-node.ts'
import { Recorder } from '../../src/runtime/recorder.ts'
import type { RecordingDisk } from '../../src/runtime/recording-files.ts'
import { simulatedEnvironment } from '../../src/runtime/simulated.ts'
import { type Recording, type Replayed, replay } from '../../src/sim/record/replay.ts'
import { crc32 } from '../../src/wire/checksum.ts'
import { FILE_HEAD, RECORD_HEAD_BYTES, RecordingWriter } from '../../src/wire/recording.ts'
import { RecordingReader } from '../../src/wire/recording-reader.ts'
import { CONFIG } from '../core/sim-ring.ts'
import { SimulatedRing } from '../runtime/simulated-ring.ts'
import { MemoryDisk } from '../support/memory-disk.ts'

const PATH = 'ring.rec'

/** A ring whose nodes each record on a disk of their own. */
class RecordedRing extends SimulatedRing {
  readonly disks = new Map<string, MemoryDisk>()
  readonly warnings: ChordError[] = []
  #hosts = 0

  override create(options: NodeOptions = {}, setUp?: (node: Node) => void): Node {
    const host = `10.0.0.${++this.#hosts}`
    const join = this.nodes.length === 0 ? [] : [this.nodes[0]!.address]
    const disk = new MemoryDisk()
    const environment = { ...simulatedEnvironment(this.network, host), disk }
    const node = createNodeWith({ listen: `${host}:4000`, join, record: PATH, ...options }, environment)
    node.on('warning', (warning) => this.warnings.push(warning))
    this.disks.set(`${host}:4000`, disk)
    setUp?.(node)
    this.nodes.push(node)
    return node
  }

  disk(node: Node): MemoryDisk {
    return this.disks.get(node.address)!
  }

  recordings(address: string): Recording[] {
    return Array.from(this.disks.get(address)!.files, ([name, bytes]) => ({ name, bytes }))
  }

  replayOf(address: string): Replayed {
    const replayed = replay(this.recordings(address))
    expect(replayed).toHaveLength(1)
    return replayed[0]!
  }
}

function expectSame(replayed: Replayed): void {
  expect(replayed.deviation).toBeUndefined()
  expect(replayed.cuts).toEqual([])
}

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
    for (const node of ring.nodes) await ring.settle(node.close())
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

describe('the files of a recording', () => {
  it('are rotated, stay within their bound, and each replays alone', async () => {
    const ring = new RecordedRing({ seed: 6 })
    const record = { path: PATH, bytesMax: 3 * 262_144, files: 3 }
    const timing = { stabilizeMinMs: 20, stabilizeMaxMs: 20 }
    const [first] = await ring.grow(1, { virtualNodes: 4, record, timing })
    await ring.grow(3, { virtualNodes: 4, record: undefined as never })
    await ring.run(11_000)
    const disk = ring.disk(first!)
    expect([...disk.files.keys()].sort()).toEqual([PATH, `${PATH}.1`, `${PATH}.2`])
    expect(disk.mostBytes).toBeLessThanOrEqual(record.bytesMax)
    const { address } = first!
    await ring.settle(first!.close())

    const all = ring.replayOf(address)
    expectSame(all)
    expect(all.end).toBe('closed')
    expect(all.firstInput).toBeGreaterThan(0)
    let inputs = 0
    for (const recording of ring.recordings(address)) {
      const alone = replay([recording])[0]!
      expectSame(alone)
      inputs += alone.inputs
    }
    expect(inputs).toBe(all.inputs)
  })

  it('of an earlier run are kept, and told apart', async () => {
    const ring = new RecordedRing({ seed: 7 })
    const disk = new MemoryDisk()
    for (let run = 0; run < 2; run++) {
      const environment = { ...simulatedEnvironment(ring.network, '10.0.0.9'), disk }
      const node = createNodeWith({ listen: '10.0.0.9:4000', record: PATH }, environment)
      await ring.settle(node.start())
      await ring.run(1_000)
      await ring.settle(node.leave())
    }
    const runs = replay(Array.from(disk.files, ([name, bytes]) => ({ name, bytes })))
    expect(runs.map(({ files, end }) => [files, end])).toEqual([
      [[`${PATH}.1`], 'closed'],
      [[PATH], 'closed'],
    ])
  })

  it('a disk that hangs costs the recording, and a node that closes does not wait for it for long', async () => {
    const { network } = new SimulatedRing()
    const { clock, random } = simulatedEnvironment(network, '10.0.0.1')
    const disk: RecordingDisk = {
      create: () => new Promise(() => {}),
      remove: async () => false,
      rename: async () => false,
    }
    const warnings: ChordError[] = []
    const settings = { path: PATH, bytesMax: 2 ** 30, files: 2 }
    const warn = (error: ChordError) => void warnings.push(error)
    const recorder = new Recorder({ settings, network: 'ring', clock, random, disk, warn })
    const peer = (n: number) => ({ id: Id.hash(`${n}`), address: `${'n'.repeat(200)}:${n}`, incarnation: 1n })
    const node = recorder.boot([peer(0)], CONFIG)[0]!
    const message = { type: 'left', successors: Array.from({ length: 256 }, (_, n) => peer(n + 2)) } as const
    node.create(0)
    for (let i = 0; i < 300; i++) node.handleMessage(peer(1), i, message, i)
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('the disk is too slow')])
    const closed = recorder.close()
    await network.run(3_000)
    await closed
  })

  it('a disk that is full costs the recording, with one warning, and nothing else', async () => {
    const ring = new RecordedRing({ seed: 8 })
    const nodes = await ring.grow(3)
    ring.disk(nodes[1]!).roomBytes = ring.disk(nodes[1]!).bytes + 500
    await ring.run(60_000)
    expect(ring.warnings.map(({ code }) => code)).toEqual(['ERR_RECORDING'])
    expect(ring.nodes.map(({ state }) => state)).toEqual(['member', 'member', 'member'])
    const replayed = ring.replayOf(nodes[1]!.address)
    expect(replayed.deviation).toBeUndefined()
    await ring.leave(nodes[1]!)
    expect(ring.warnings).toHaveLength(1)
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
    const entries = [...new RecordingReader(whole.bytes)]
    const records: Uint8Array[] = []
    const writer = new RecordingWriter((record) => records.push(record.slice()))
    let inputs = 0
    for (const entry of entries) {
      if (entry.kind === 'header') writer.header(entry.header)
      else if (entry.kind === 'start') writer.start(entry.start)
      // One of them never came.
      else if (entry.kind === 'input' && inputs++ !== 20)
        writer.input(entry.member, entry.mark, entry.nowMs, entry.input)
    }
    const [changed] = replay([{ name: 'changed', bytes: fileOf(records) }])
    expect(changed!.deviation).toMatchObject({ kind: 'state' })
    expect(changed!.deviation!.input).toBeGreaterThan(10)
    expect(changed!.deviation!.input).toBeLessThan(30)
  })
})

describe('a recorded node', () => {
  it('has everything written down that a core can be told', () => {
    const reads = ['constructor', 'poll', 'nextTimeout', 'owns', 'remembered', 'routingAddresses']
    const all = Object.entries(Object.getOwnPropertyDescriptors(ChordNode.prototype))
    const inputs = all.filter(([name, { value }]) => value !== undefined && !reads.includes(name)).map(([name]) => name)
    expect(Object.getOwnPropertyNames(RecordedNode.prototype)).toEqual(expect.arrayContaining(inputs))
    expect(inputs).toHaveLength(11)
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
