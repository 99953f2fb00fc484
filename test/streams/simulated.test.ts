/** Streams in simulated worlds: the same as in real ones, and the same each time. */
import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import type { ChordNode } from '../../src/index.ts'
import { World } from '../../src/sim/index.ts'

const echo = (node: ChordNode) => void node.handleStream('echo', (stream) => void stream.pipe(stream))

function data(from: number, count: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: count }, (_, i) => (i * 7 + (i >>> 8) + from) & 0xff))
}

describe('in a simulated world', () => {
  test('streams reach the owners of their keys, while nodes come and go', async () => {
    const life = async (seed: number) => {
      const world = new World({ seed })
      const told: string[] = []
      await world.play(async () => {
        await world.grow(4, {}, echo)
        const client = await world.client()
        const streams = Array.from({ length: 12 }, async (_, i) => {
          const sent = data(i, 40_000 * (i + 1))
          const stream = await client.openStream(`key ${i}`, 'echo')
          stream.end(sent)
          const back = await buffer(stream)
          expect(back.equals(sent)).toBe(true)
          told.push(`${i} ${stream.peer.address} ${world.nowMs} ${createHash('sha1').update(back).digest('hex')}`)
        })
        await world.grow(2, {}, echo)
        await Promise.all(streams)
      })
      return [world.hash, ...told]
    }
    const first = await life(5)
    expect(first.length).toBe(13)
    expect(await life(5)).toEqual(first)
    expect((await life(6))[0]).not.toBe(first[0])
  })

  test('who opens is told of a node that dies in mid-stream, and opens another to its heir', async () => {
    const world = new World({ seed: 3 })
    await world.play(async () => {
      await world.grow(3, {}, echo)
      const client = await world.client()
      const { owner } = await client.lookup('key')
      const stream = await client.openStream('key', 'echo')
      const error = finished(stream).catch((reason) => reason)
      stream.write(data(1, 300_000))
      world.kill(world.nodes.find(({ address }) => address === owner.address)!)
      expect(await error).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
      const again = await client.openStream('key', 'echo', { timeoutMs: 20_000 })
      again.end('hello')
      expect((await buffer(again)).toString()).toBe('hello')
      expect(again.peer.address).not.toBe(owner.address)
    })
  })
})
