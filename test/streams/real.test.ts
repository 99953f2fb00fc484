/** Streams between real nodes and clients, over real sockets. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { finished, pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type ByteStream,
  type Caller,
  type ChordNode,
  connect,
  createNode,
  type MessageType,
  type NodeOptions,
  raw,
  type StreamInfo,
} from '../../src/index.ts'
import { chooseTransport } from '../../src/native/load.ts'

const ECHO: MessageType<Uint8Array, Uint8Array> = { name: 'echo', request: raw, reply: raw }

const forced = process.env.CHORDITE_TRANSPORT
const kinds = (['native', 'tcp'] as const).filter(
  (kind) => (forced ?? kind) === kind && (kind === 'tcp' || chooseTransport().kind === 'native'),
)

describe.each(kinds)('over %s', (transport) => {
  const nodes: ChordNode[] = []
  const clients: Caller[] = []

  async function start(options: NodeOptions = {}): Promise<ChordNode> {
    const contacts = nodes.slice(0, 1).map(({ address }) => address)
    const node = createNode({ transport, successors: 2, join: contacts, ...options })
    node.handle(ECHO, ({ body }) => body)
    node.handleStream('echo', (stream) => void stream.pipe(stream))
    nodes.push(node)
    return node.start()
  }

  async function two(options: NodeOptions = {}): Promise<[ChordNode, ChordNode]> {
    return [await start(options), await start(options)]
  }

  async function client(): Promise<Caller> {
    const one = await connect({ to: [nodes[0]!.address], transport })
    clients.push(one)
    return one
  }

  afterEach(async () => {
    await Promise.all([...clients.splice(0), ...nodes.splice(0)].map((one) => one.close()))
  })

  /** Resolves with what the handler of that name is given. */
  function nextStream(node: ChordNode, name: string): Promise<[ByteStream, StreamInfo]> {
    return new Promise((resolve) => {
      const handling = node.handleStream(name, (stream, info) => {
        handling[Symbol.dispose]()
        resolve([stream, info])
      })
    })
  }

  test('bytes go both ways, between nodes, from clients, to oneself', async () => {
    const [a, b] = await two()
    const c = await client()
    const data = randomBytes(1_000_000)
    for (const stream of [
      await a.openStreamTo(b.address, 'echo'),
      await c.openStreamTo(b.members[0]!, 'echo'),
      await a.openStream(b.members[0]!, 'echo'),
      await a.openStreamTo(a.address, 'echo'),
    ]) {
      stream.end(data)
      expect(data.equals(await buffer(stream))).toBe(true)
    }
    await vi.waitFor(() => {
      for (const node of [a, b])
        expect(node.metrics().streams).toMatchObject({ open: 0, windowBytes: 0, reset: 0, lost: 0 })
    })
    expect(b.metrics().streams).toMatchObject({
      accepted: 3,
      refused: 0,
      receivedBytes: 3_000_000,
      sentBytes: 3_000_000,
    })
  })

  test('a stream to a key goes to its owner, who is told which key, from whom, and what was said', async () => {
    const [a, b] = await two()
    const c = await client()
    for (const node of [a, b]) {
      node.handleStream('who', (stream, { key, member, from, head }) => {
        stream.end(
          JSON.stringify([node.address, String(key), String(member.id), from.address, Buffer.from(head).toString()]),
        )
      })
    }
    for (const [caller, from] of [
      [a, a.address],
      [c, ''],
    ] as const) {
      for (let i = 0; i < 10; i++) {
        const { owner } = await a.lookup(`key ${i}`)
        const stream = await caller.openStream(`key ${i}`, 'who', { head: Buffer.from('hello') })
        expect(String(stream.peer.id)).toBe(String(owner.id))
        stream.end()
        const [address, key, member, sender, head] = JSON.parse(await text(stream))
        expect([address, member, sender, head]).toEqual([owner.address, String(owner.id), from, 'hello'])
        expect(key).toMatch(/^[0-9a-f]{40}$/)
      }
    }
  })

  test('files, by pipeline, and an answer when they have arrived', async () => {
    const [a, b] = await two()
    const folder = await mkdtemp(join(tmpdir(), 'chordite-stream-'))
    const data = randomBytes(3_000_000)
    await writeFile(join(folder, 'in'), data)
    b.handleStream('put', async (stream) => {
      await pipeline(stream, createWriteStream(join(folder, 'out')))
    })
    const stream = await a.openStreamTo(b.address, 'put')
    await pipeline(createReadStream(join(folder, 'in')), stream)
    stream.resume()
    await finished(stream)
    expect(data.equals(await readFile(join(folder, 'out')))).toBe(true)
    await rm(folder, { recursive: true })
  })

  test('web streams hold back as the others do', async () => {
    const [a, b] = await two()
    const { readable, writable } = (await a.openStreamTo(b.address, 'echo')).toWeb()
    const data = randomBytes(500_000)
    const writer = writable.getWriter()
    const written = (async () => {
      for (let at = 0; at < data.length; at += 50_000) await writer.write(data.subarray(at, at + 50_000))
      await writer.close()
    })()
    const parts: Uint8Array[] = []
    for await (const part of readable) parts.push(part)
    await written
    expect(data.equals(Buffer.concat(parts))).toBe(true)

    b.handleStream('endless', (stream) => void Readable.from(endless()).pipe(stream))
    let sent = 0
    function* endless() {
      for (;;) {
        sent += 10_000
        yield Buffer.alloc(10_000)
      }
    }
    const slow = (await a.openStreamTo(b.address, 'endless')).toWeb()
    const reader = slow.readable.getReader()
    await reader.read()
    await vi.waitFor(async () => {
      const before = sent
      for (let i = 0; i < 200; i++) await turn()
      expect(sent).toBe(before)
    })
    expect(sent).toBeLessThan(1_000_000)
    await reader.cancel()
    await slow.writable.abort().catch(() => {})
    await vi.waitFor(() => expect(b.metrics().streams.open).toBe(0))
  })

  test('who does not read holds back this stream, and neither others nor messages', async () => {
    const [a, b] = await two()
    const incoming = nextStream(b, 'slow')
    const slow = await a.openStreamTo(b.address, 'slow')
    const [theirs] = await incoming
    let room = true
    const chunk = Buffer.alloc(65_536, 1)
    let written = 0
    while (room || slow.writableLength === 0) {
      room = slow.write(chunk)
      written += chunk.length
      await turn()
      if (!room) await Promise.race([new Promise((resolve) => slow.once('drain', resolve)), quiet(b)])
      room = !slow.writableNeedDrain
    }
    expect(written).toBeLessThan(1_000_000)
    const other = await a.openStreamTo(b.address, 'echo')
    other.end('hello')
    expect(await text(other)).toBe('hello')
    expect(Buffer.from(await a.requestTo(b.address, ECHO, Buffer.from('hello'))).toString()).toBe('hello')
    let count = 0
    slow.end()
    for await (const part of theirs) count += part.length
    expect(count).toBe(written)
    theirs.end()
  })

  /** Until nothing arrives any more. */
  async function quiet(node: ChordNode): Promise<void> {
    for (let last = -1; ; ) {
      for (let i = 0; i < 50; i++) await turn()
      const { receivedBytes } = node.metrics().streams
      if (receivedBytes === last) return
      last = receivedBytes
    }
  }

  test('a thousand small streams at once', async () => {
    const [a, b] = await two()
    const all = await Promise.all(
      Array.from({ length: 1_000 }, async (_, i) => {
        const stream = await a.openStreamTo(b.address, 'echo', { timeoutMs: 20_000 })
        stream.end(`stream ${i}`)
        return text(stream)
      }),
    )
    expect(all).toEqual(Array.from({ length: 1_000 }, (_, i) => `stream ${i}`))
    await vi.waitFor(() => expect([a.metrics().streams.open, b.metrics().streams.open]).toEqual([0, 0]))
  })

  describe('ends', () => {
    const errorOf = (stream: ByteStream) =>
      finished(stream).then(
        () => undefined,
        (error: { code: string; message: string }) => error,
      )

    test('by destroy, with or without a reason: the other side is told', async () => {
      const [a, b] = await two()
      for (const reason of [new Error('had enough'), undefined]) {
        const incoming = nextStream(b, 'one')
        const ours = await a.openStreamTo(b.address, 'one')
        const [theirs, { signal }] = await incoming
        expect(signal.aborted).toBe(false)
        ours.destroy(reason)
        const error = await errorOf(theirs)
        expect(error).toMatchObject({ name: 'ChordError', code: 'ERR_RESET' })
        if (reason !== undefined) expect(error!.message).toContain('had enough')
        expect(signal.aborted).toBe(true)
      }
      expect(a.metrics().streams.reset).toBe(2)
    })

    test('by a handler that throws, at once or later', async () => {
      const [a, b] = await two()
      b.handleStream('throws', () => {
        throw new Error('not today')
      })
      await expect(a.openStreamTo(b.address, 'throws')).rejects.toMatchObject({ code: 'ERR_REMOTE' })
      b.handleStream('rejects', async (stream) => {
        for await (const _ of stream) throw new Error('not this')
      })
      const stream = await a.openStreamTo(b.address, 'rejects')
      stream.write('something')
      expect(await errorOf(stream)).toMatchObject({ code: expect.stringMatching(/^ERR_(REMOTE|RESET)$/) })
    })

    test('though its handler never reads', async () => {
      const [a, b] = await two()
      const c = await client()
      b.handleStream('later', async (stream) => void stream.end('at once'))
      b.handleStream('never', (stream) => void stream.end('at once'))
      for (const [caller, name, says] of [
        [a, 'later', 'something'],
        [a, 'never', ''],
        [c, 'never', 'something'],
      ] as const) {
        const stream = await caller.openStreamTo(b.address, name)
        stream.end(says)
        expect(await text(stream)).toBe('at once')
      }
      await vi.waitFor(() => expect(b.metrics().streams.open).toBe(1))
      await c.close()
      await vi.waitFor(() => expect(b.metrics().streams.open).toBe(0))
    })

    test('by a signal, before and after it has opened', async () => {
      const [a, b] = await two()
      const controller = new AbortController()
      const stream = await a.openStreamTo(b.address, 'echo', { signal: controller.signal })
      controller.abort(new Error('over'))
      expect(await errorOf(stream)).toMatchObject({ code: 'ERR_ABORTED' })
      await expect(a.openStreamTo(b.address, 'echo', { signal: controller.signal })).rejects.toMatchObject({
        code: 'ERR_ABORTED',
      })
      const later = new AbortController()
      const opening = a.openStreamTo('192.0.2.1:9', 'echo', { signal: later.signal })
      later.abort()
      await expect(opening).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    })

    test('with its connection', async () => {
      const [a, b] = await two()
      const ours = await a.openStreamTo(b.address, 'echo')
      const error = errorOf(ours)
      await b.close()
      expect(await error).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
      expect(a.metrics().streams).toMatchObject({ open: 0, lost: 1 })
      const own = await a.openStreamTo(a.address, 'echo')
      const closed = errorOf(own)
      await a.close()
      expect(await closed).toMatchObject({ code: 'ERR_CLOSED' })
      await expect(a.openStream('key', 'echo')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    })

    test('leaving waits for it, and takes no other', async () => {
      const [a, b] = await two()
      const incoming = nextStream(b, 'long')
      const ours = await a.openStreamTo(b.address, 'long')
      const [theirs, { signal }] = await incoming
      const left = b.leave()
      await vi.waitFor(() => expect(signal.aborted).toBe(true))
      await expect(a.openStreamTo(b.address, 'echo')).rejects.toMatchObject({ code: 'ERR_NOT_MEMBER' })
      const keyed = await a.openStream('key', 'echo')
      expect(keyed.peer.address).toBe(a.address)
      keyed.end()
      const data = randomBytes(300_000)
      theirs.end(data)
      ours.end()
      theirs.resume()
      expect(data.equals(await buffer(ours))).toBe(true)
      await left
      expect(ours.errored).toBe(null)
    })

    test('leaving gives up what does not end in time', async () => {
      const [a, b] = await two()
      const ours = await a.openStreamTo(b.address, 'echo')
      const error = errorOf(ours)
      await b.leave({ timeoutMs: 600 })
      expect(await error).toMatchObject({ code: 'ERR_RESET', message: expect.stringContaining('left') })
    })
  })

  describe('cannot open', () => {
    test('what nobody handles, where nobody is, or what makes no sense', async () => {
      const [a, b] = await two()
      const c = await client()
      await expect(a.openStreamTo(b.address, 'other')).rejects.toMatchObject({ code: 'ERR_NO_HANDLER' })
      await expect(c.openStream('key', 'other')).rejects.toMatchObject({ code: 'ERR_NO_HANDLER' })
      await expect(a.openStreamTo('127.0.0.1:1', 'echo')).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' })
      const gone = { ...b.members[0]!, incarnation: 5n }
      await expect(a.openStreamTo(gone, 'echo')).rejects.toMatchObject({ code: 'ERR_NOT_MEMBER' })
      await expect(a.openStreamTo('nonsense', 'echo')).rejects.toMatchObject({ code: 'ERR_BAD_ADDRESS' })
      await expect(a.openStream('key', '')).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' })
      await expect(a.openStream('key', 'echo', { idle: 1 } as never)).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' })
      const head = new Uint8Array(16_385)
      await expect(a.openStream('key', 'echo', { head })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' })
      await expect(a.openStream({} as never, 'echo')).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' })
      expect(() => b.handleStream('echo', () => {})).toThrow(expect.objectContaining({ code: 'ERR_DUPLICATE_HANDLER' }))
      await expect(createNode().openStream('key', 'echo')).rejects.toMatchObject({ code: 'ERR_STATE' })
    })

    test('more than there may be, until some have ended', async () => {
      const a = await start({ limits: { streams: 3 } })
      const b = await start({ limits: { streamsPerConnection: 2 } })
      const first = await a.openStreamTo(b.address, 'echo')
      const second = await a.openStreamTo(b.address, 'echo')
      await expect(a.openStreamTo(b.address, 'echo', { timeoutMs: 100 })).rejects.toMatchObject({ code: 'ERR_BUSY' })
      const third = a.openStreamTo(b.address, 'echo')
      first.end()
      first.resume()
      await finished(first)
      await third
      const own = await a.openStreamTo(a.address, 'echo', { timeoutMs: 100 }).catch((error) => error)
      expect(own).toMatchObject({ code: 'ERR_BUSY' })
      second.destroy()
    })

    test('in time', async () => {
      const [a] = await two()
      const silent = createServer().listen(0, '127.0.0.1')
      await once(silent, 'listening')
      const { port } = silent.address() as AddressInfo
      const opening = a.openStreamTo(`127.0.0.1:${port}`, 'echo', { timeoutMs: 50 })
      await expect(opening).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
      silent.close()
    })
  })

  test('a connection with a stream is not idle', async () => {
    const timing = { idleMs: 60, cachedMs: 60 }
    const [a, b] = await two({ timing })
    const c = await connect({ to: [a.address], transport, timing })
    clients.push(c)
    const stream = await c.openStreamTo(b.address, 'echo')
    await new Promise((resolve) => setTimeout(resolve, 500))
    stream.end('still here')
    expect(await text(stream)).toBe('still here')
  })

  test('hashes of data in both directions at once', async () => {
    const [a, b] = await two()
    const digest = async (stream: AsyncIterable<Uint8Array>) => {
      const hash = createHash('sha256')
      for await (const part of stream) hash.update(part)
      return hash.digest('hex')
    }
    const [out, back] = [randomBytes(4_000_000), randomBytes(4_000_000)]
    const incoming = nextStream(b, 'both')
    const ours = await a.openStreamTo(b.address, 'both')
    const [theirs] = await incoming
    ours.end(out)
    theirs.end(back)
    const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    expect(await Promise.all([digest(theirs), digest(ours)])).toEqual([hashOf(out), hashOf(back)])
  })
})
