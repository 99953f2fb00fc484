/** Streams to another process: more than fits anywhere, and the process that dies. Needs the built library. */
import { type ChildProcess, fork } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type ChordNode, createNode, type MessageType, raw } from '../../src/index.ts'
import { chooseTransport } from '../../src/native/load.ts'

const RECEIVER = fileURLToPath(new URL('./streams/receiver.mjs', import.meta.url))
const ECHO: MessageType<Uint8Array, Uint8Array> = { name: 'echo', request: raw, reply: raw }
const MiB = 2 ** 20

const forced = process.env.CHORDITE_TRANSPORT
const kinds = (['native', 'tcp'] as const).filter(
  (kind) => (forced ?? kind) === kind && (kind === 'tcp' || chooseTransport().kind === 'native'),
)

describe.each(kinds)('over %s', (transport) => {
  const nodes: ChordNode[] = []
  const children: ChildProcess[] = []

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await Promise.all(nodes.splice(0).map((node) => node.close()))
  })

  async function pair(): Promise<{ node: ChordNode; child: ChildProcess; address: string }> {
    const network = `streams ${randomUUID()}`
    const node = createNode({ transport, network })
    nodes.push(node)
    await node.start()
    const child = fork(RECEIVER, [node.address, network, transport])
    children.push(child)
    const [address] = (await once(child, 'message')) as [string]
    return { node, child, address }
  }

  it('carries 256 MiB to a slow reader, in little memory, and requests besides', { timeout: 60_000 }, async () => {
    const { node, address } = await pair()
    const block = randomBytes(MiB)
    const stream = await node.openStreamTo(address, 'slow')
    const told = text(stream)
    const hash = createHash('sha256')
    const rssBefore = process.memoryUsage.rss()
    let rssMax = rssBefore
    let isWriting = true
    let requests = 0
    const asking = (async () => {
      while (isWriting) {
        await node.requestTo(address, ECHO, block.subarray(0, 64))
        requests++
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()
    for (let i = 0; i < 256; i++) {
      block.writeUInt32LE(i)
      const part = Buffer.from(block)
      hash.update(part)
      if (!stream.write(part)) await once(stream, 'drain')
      rssMax = Math.max(rssMax, process.memoryUsage.rss())
    }
    stream.end()
    const result = JSON.parse(await told)
    isWriting = false
    await asking
    expect([result.bytes, result.hash]).toEqual([256 * MiB, hash.digest('hex')])
    expect(requests).toBeGreaterThan(20)
    expect(result.grown).toBeLessThan(128 * MiB)
    expect(rssMax - rssBefore).toBeLessThan(128 * MiB)
    expect(result.windowBytes).toBeLessThanOrEqual(MiB)
    expect(node.metrics().wire.queuedBytesMax).toBeLessThan(2 * MiB)
  })

  it('ends with an error when the other process is killed', async () => {
    const { node, child, address } = await pair()
    const stream = await node.openStreamTo(address, 'endless')
    const end = finished(stream).catch((error) => error)
    const block = Buffer.alloc(65_536)
    const more = () => {
      while (!stream.destroyed && stream.write(block));
    }
    stream.on('drain', more)
    more()
    await once(stream, 'drain')
    child.kill('SIGKILL')
    expect(await end).toMatchObject({ name: 'ChordError', code: 'ERR_CONNECTION_LOST' })
    expect(node.metrics().streams).toMatchObject({ open: 0, lost: 1, windowBytes: 0 })
  })
})
