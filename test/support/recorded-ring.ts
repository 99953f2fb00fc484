/** Rings whose nodes each record on a disk of their own. */
import { expect } from 'vitest'
import type { ChordError, ChordNode as Node, NodeOptions } from '../../src/index.ts'
import { type Recording, type Replayed, replay } from '../../src/sim/record/replay.ts'
import { SimulatedRing } from '../runtime/simulated-ring.ts'
import { MemoryDisk } from './memory-disk.ts'

export const PATH = 'ring.rec'

export class RecordedRing extends SimulatedRing {
  readonly disks: Map<string, MemoryDisk>
  readonly warnings: ChordError[] = []

  constructor({ seed }: { seed: number }) {
    const disks = new Map<string, MemoryDisk>()
    super({
      seed,
      recordings: (host) => {
        const disk = disks.get(`${host}:4000`) ?? new MemoryDisk()
        disks.set(`${host}:4000`, disk)
        return disk
      },
    })
    this.disks = disks
  }

  override create(options: NodeOptions = {}, setUp?: (node: Node) => void): Node {
    const node = super.create({ record: PATH, ...options }, setUp)
    node.on('warning', (warning) => this.warnings.push(warning))
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
