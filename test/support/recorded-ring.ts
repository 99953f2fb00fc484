/** Rings whose nodes each record on a disk of their own. */
import { expect } from 'vitest'
import type { ChordError, ChordNode as Node, NodeOptions } from '../../src/index.ts'
import { createNodeWith } from '../../src/runtime/node.ts'
import { simulatedEnvironment } from '../../src/runtime/simulated.ts'
import { type Recording, type Replayed, replay } from '../../src/sim/record/replay.ts'
import { SimulatedRing } from '../runtime/simulated-ring.ts'
import { MemoryDisk } from './memory-disk.ts'

export const PATH = 'ring.rec'

export class RecordedRing extends SimulatedRing {
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

export function expectSame(replayed: Replayed): void {
  expect(replayed.deviation).toBeUndefined()
  expect(replayed.cuts).toEqual([])
}
