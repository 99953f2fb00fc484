/** The files of recordings: bounded, rotated, and on disks that fail. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Id } from '../../src/core/id.ts'
import type { ChordError } from '../../src/index.ts'
import { createNodeWith } from '../../src/runtime/node.ts'
import { Recorder } from '../../src/runtime/recorder.ts'
import { type RecordingDisk, systemDisk } from '../../src/runtime/recording-files.ts'
import { simulatedEnvironment } from '../../src/runtime/simulated.ts'
import { replay } from '../../src/sim/record/replay.ts'
import { DEFAULT_CONFIG as CONFIG } from '../../src/sim/simulation.ts'
import { FILE_HEAD } from '../../src/wire/recording.ts'
import { SimulatedRing } from '../runtime/simulated-ring.ts'
import { MemoryDisk } from '../support/memory-disk.ts'

import { expectSame, PATH, RecordedRing } from '../support/recorded-ring.ts'

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
      head: async () => undefined,
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

  it.each([PATH, `${PATH}.1`, `${PATH}.5`])('leaves alone what is no recording: %s', async (path) => {
    const ring = new RecordedRing({ seed: 9 })
    const disk = new MemoryDisk()
    for (const number of ['', '.1', '.2', '.3', '.4', '.5']) disk.files.set(`${PATH}${number}`, FILE_HEAD)
    disk.files.set(path, new TextEncoder().encode('my code'))
    const before = [...disk.files]
    const environment = { ...simulatedEnvironment(ring.network, '10.0.0.9'), disk }
    const node = createNodeWith({ listen: '10.0.0.9:4000', record: PATH }, environment)
    const warnings: string[] = []
    node.on('warning', ({ code, message }) => void warnings.push(`${code}: ${message}`))
    await ring.settle(node.start())
    await ring.run(1_000)
    expect(warnings).toEqual([expect.stringMatching(/^ERR_RECORDING: .*is no recording/)])
    expect([...disk.files]).toEqual(before)
    await ring.settle(node.leave())
  })

  it('knows on a real disk what is no recording', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chordite-record-'))
    try {
      const [code, none, empty] = ['code.mjs', 'none', 'empty'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ]
      writeFileSync(code, 'my code')
      writeFileSync(empty, '')
      expect(await systemDisk.head(code, 2)).toEqual(Uint8Array.from([0x6d, 0x79]))
      expect(await systemDisk.head(empty, 2)).toEqual(new Uint8Array(0))
      expect(await systemDisk.head(none, 2)).toBeUndefined()
      await expect(systemDisk.head(folder, 2)).rejects.toThrow('EISDIR')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
