/** Worlds full of faults, in which every node records; then everything is told again, life by life. */
import { expect, it } from 'vitest'
import { replay } from '../../src/sim/record/replay.ts'
import { playSeed } from '../../src/sim/whole/swarm.ts'
import { World } from '../../src/sim/whole/world.ts'
import { MemoryDisk } from '../support/memory-disk.ts'

const [first = 1, last = first + 2] = (process.env.CHORDITE_RECORD_SEEDS ?? '1..3').split('..').map(Number)

it.each(Array.from({ length: last - first + 1 }, (_, i) => first + i))('seed %i', async (seed) => {
  const disks = new Map<string, MemoryDisk>()
  const recordings = (host: string): MemoryDisk => {
    const disk = disks.get(host) ?? new MemoryDisk()
    disks.set(host, disk)
    return disk
  }
  const world = new World({ seed, recordings })
  const node = { record: { path: 'ring.rec', files: 100 }, virtualNodes: 1 + (seed % 3) }
  await playSeed(world, { node, everyMs: 3_000 }, () => world.run(30_000))

  let lives = 0
  for (const [host, disk] of disks) {
    for (const run of replay(Array.from(disk.files, ([name, bytes]) => ({ name, bytes })))) {
      lives++
      expect(run.deviation, `${host}, ${run.files}`).toBeUndefined()
      expect(run.cuts).toEqual([])
    }
  }
  expect(lives).toBeGreaterThan(2)
})
