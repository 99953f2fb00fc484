/** Nodes that record what their cores are told, and cores that are told the same again. */
import { describe, expect, it } from 'vitest'
import type { ChordError, ChordNode, NodeOptions } from '../../src/index.ts'
import { createNodeWith } from '../../src/runtime/node.ts'
import { simulatedEnvironment } from '../../src/runtime/simulated.ts'
import { type Recording, type Replayed, replay } from '../../src/sim/record/replay.ts'
import { SimulatedRing } from '../runtime/simulated-ring.ts'
import { MemoryDisk } from '../support/memory-disk.ts'

const PATH = 'ring.rec'

/** A ring whose nodes each record on a disk of their own. */
class RecordedRing extends SimulatedRing {
  readonly disks = new Map<string, MemoryDisk>()
  readonly warnings: ChordError[] = []
  #hosts = 0

  override create(options: NodeOptions = {}, setUp?: (node: ChordNode) => void): ChordNode {
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

  disk(node: ChordNode): MemoryDisk {
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

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
