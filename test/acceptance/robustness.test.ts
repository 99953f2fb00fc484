/**
 * Whatever arrives over a connection closes that connection at worst, with a counted reason, and harms nothing else.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadNative } from '../../src/native/load.ts'
import { encodeHello, type Hello } from '../../src/wire/hello.ts'
import * as L from '../../src/wire/layout.ts'
import { type Member, NETWORK, spawnMembers, until, untilCorrect } from '../support/members.mjs'
import { bytesFrom, pick, randomFrom } from '../support/random.ts'
import { portOf, run } from '../support/system.ts'

const CAP_MS = 30_000
const MiB = 2 ** 20
const SEED = 5
const CONNECTIONS = 10_000
const AT_ONCE = 100

const transports = (['native', 'tcp'] as const).filter((kind) => kind === 'tcp' || loadNative().ok)

describe.each(transports)('over %s', (transport) => {
  let members: Member[] = []
  let node: Member
  let port: number

  beforeAll(async () => {
    members = await spawnMembers(3)
    node = members[0]!
    const options = { transport, timing: { connectMs: 500 } }
    await node.start(options)
    await Promise.all(members.slice(1).map((member) => member.start({ ...options, join: [node.address] })))
    await untilCorrect(members, CAP_MS)
    port = portOf(node.address)
  })

  afterAll(() => {
    for (const member of members) member.kill()
  })

  const hello = frame(L.TYPE_HELLO, same, helloBody('client'))
  const memberHello = frame(L.TYPE_HELLO, same, helloBody('member'))

  test.each<[string, Uint8Array, string]>([
    ['a frame shorter than its header', frame(L.TYPE_HELLO, word(0, 16)), 'length'],
    ['a frame longer than allowed', frame(L.TYPE_HELLO, word(0, L.FRAME_BYTES_MAX + 8)), 'length'],
    ['a length of 4 GiB', frame(L.TYPE_HELLO, word(0, 0xffffffff)), 'length'],
    ['another version', frame(L.TYPE_HELLO, byte(L.AT_VERSION, 99)), 'version'],
    ['a reserved byte', frame(L.TYPE_HELLO, byte(L.AT_RESERVED, 1)), 'reserved'],
    ['an unknown flag', frame(L.TYPE_HELLO, byte(L.AT_FLAGS, 0x80)), 'reserved'],
    ['an HTTP request', new TextEncoder().encode('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), 'length'],
    ['no hello first', frame(L.TYPE_LOOKUP, same), 'hello'],
    ['a hello without the magic', frame(L.TYPE_HELLO, byte(L.HEADER_BYTES, 0), helloBody('client')), 'hello'],
    ['extensions beyond the end', both(hello, frame(L.TYPE_LOOKUP, byte(L.AT_EXTENSIONS, L.EXT_TARGET))), 'extensions'],
    ['padding that is not zero', both(hello, frame(L.TYPE_REQUEST, byte(-1, 1), new Uint8Array(3))), 'padding'],
    ['a frame type that nobody knows', both(hello, frame(999, same)), 'type'],
    [
      'a maintenance message of a client',
      both(hello, frame(L.TYPE_MAINTENANCE_FIRST, same, noise(40))),
      'clientMaintenance',
    ],
    [
      'a maintenance message that is none',
      both(memberHello, frame(L.TYPE_MAINTENANCE_FIRST, same, noise(40))),
      'maintenanceBody',
    ],
    ['half a hello, and silence', hello.subarray(0, 40), 'silence'],
    ['nothing at all', new Uint8Array(0), 'silence'],
  ])('%s', async (_, bytes, reason) => {
    const before = (await node.ask('metrics')).refused[reason] ?? 0
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.on('error', () => {})
    socket.resume()
    socket.write(bytes)
    await once(socket, 'close')
    const { refused } = await node.ask('metrics')
    expect(refused[reason] ?? 0, JSON.stringify(refused)).toBe(before + 1)
    await expectUnharmed()
  })

  test(`${CONNECTIONS.toLocaleString('en-US')} connections with bad or random bytes leak nothing`, {
    timeout: 120_000,
  }, async () => {
    const random = randomFrom(SEED)
    const before = await node.ask('metrics')
    await attack(CONNECTIONS / 5, random, hello)
    const rssWarm = await quietRss()
    await attack((CONNECTIONS * 4) / 5, random, hello)
    const { connections, refused } = await until(
      () => node.ask('metrics'),
      (metrics) => metrics.connections.total <= before.connections.total,
      CAP_MS,
    )
    expect(connections.total).toBeLessThanOrEqual(before.connections.total)
    const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
    expect(sum(refused) - sum(before.refused)).toBeGreaterThan(CONNECTIONS / 2)
    const grown = (await quietRss()) - rssWarm
    console.info(
      `${transport}: ${(grown / MiB).toFixed(1)} MiB more after ${(CONNECTIONS * 4) / 5} more bad connections`,
    )
    expect(grown).toBeLessThan(48 * MiB)
    await expectUnharmed()
  })

  async function quietRss(): Promise<number> {
    await until(
      () => node.ask('metrics'),
      (metrics) => metrics.connections.total <= 8,
      CAP_MS,
    )
    return node.ask('rss')
  }

  /** The ring is whole, and the other members are served by this node. */
  async function expectUnharmed(): Promise<void> {
    await untilCorrect(members, CAP_MS)
    const body = noise(64)
    for (const member of members.slice(1)) {
      const outcome = await member.ask('call', { how: 'requestTo', to: node.address, type: 'echo', body })
      expect(outcome).toMatchObject({ ok: true })
      expect(Buffer.compare((outcome as { value: Uint8Array }).value, body)).toBe(0)
    }
    expect((await node.ask('events')).filter(({ name }) => name === 'peer:down')).toEqual([])
  }

  async function attack(count: number, random: () => number, hello: Uint8Array): Promise<void> {
    let left = count
    const attacker = async () => {
      while (left-- > 0) await send(badBytes(random, hello))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, attacker))
  }

  /** Sends it, and waits until the node has closed the connection; ends it if the bytes were not bad enough. */
  async function send(bytes: Uint8Array): Promise<void> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    const closed = once(socket, 'close')
    socket.end(bytes)
    await closed
    socket.destroy()
  }
})

describe('handlers that do their worst', () => {
  const echo = `
    import { createNode, raw } from './dist/index.js'
    const echo = { name: 'echo', request: raw, reply: raw }
    const bad = { name: 'bad', request: raw, reply: raw }
    const body = new Uint8Array(64)
    const one = createNode({ network: '${NETWORK}' })
    await one.start()
    const other = createNode({ network: '${NETWORK}', join: [one.address] })
    one.handle(echo, (message) => message.body)
    /** 100 good requests around a bad one, all in one go; how the bad one and the good ones ended. */
    const burst = async () => {
      const good = (count) => Array.from({ length: count }, () => other.requestTo(one.address, echo, body, { timeoutMs: 1_000 }))
      const calls = [...good(50), other.requestTo(one.address, bad, body, { timeoutMs: 1_000 }), ...good(50)]
      const ends = (await Promise.allSettled(calls)).map((end) => end.reason?.code ?? 'ok')
      return [ends[50], ...new Set(ends.toSpliced(50, 1))].join(' ')
    }
  `

  test('one throws: its batch-mates are served', async () => {
    const { code, stdout, stderr } = await run(`${echo}
      one.handle(bad, () => { throw new Error('no') })
      await other.start()
      console.log(await burst(), await burst())
      await Promise.all([one.close(), other.close()])
    `)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stderr: '', stdout: 'ERR_REMOTE ok ERR_REMOTE ok\n' })
  })

  test('one answers with what is no answer: the caller is told, and nobody dies of it', async () => {
    const { code, stdout, stderr } = await run(`${echo}
      one.handle(bad, async () => undefined)
      await other.start()
      console.log(await burst())
      await Promise.all([one.close(), other.close()])
    `)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stderr: '', stdout: 'ERR_REMOTE ok\n' })
  })

  test('one closes its node: whoever waits is told, and the process ends by itself', async () => {
    const { code, stdout, stderr } = await run(`${echo}
      one.handle(bad, () => one.close().then(() => body))
      await other.start()
      const ends = (await burst()).split(' ')
      console.log(ends[0], ends.every((end) => end === 'ok' || end === 'ERR_OUTCOME_UNKNOWN'), one.state)
      await other.close()
    `)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stderr: '', stdout: 'ERR_OUTCOME_UNKNOWN true closed\n' })
  })

  test('one calls process.exit(): that is the exit code', async () => {
    const { code } = await run(`${echo}
      one.handle(bad, () => process.exit(7))
      await other.start()
      await burst()
    `)
    expect(code).toBe(7)
  })

  test('a worker with a node in it is terminated under load: the others go on', async () => {
    const { code, stdout, stderr } = await run(`${echo}
      import { once } from 'node:events'
      import { Worker } from 'node:worker_threads'
      await other.start()
      const worker = new Worker(\`
        import { parentPort, workerData } from 'node:worker_threads'
        const { createNode, raw } = await import(workerData.library)
        const node = createNode({ network: workerData.network, join: [workerData.contact] })
        node.handle({ name: 'echo', request: raw, reply: raw }, (message) => message.body)
        await node.start()
        parentPort.postMessage(node.address)
      \`, { eval: true, workerData: { library: process.cwd() + '/dist/index.js', network: '${NETWORK}', contact: one.address } })
      const [address] = await once(worker, 'message')
      let served = 0
      let ended = false
      const load = async () => {
        while (!ended) {
          const end = await other.requestTo(address, echo, body, { timeoutMs: 1_000 }).then(() => 'ok', (error) => error.code)
          if (end === 'ok') served++
          if (served === 2_000) worker.terminate()
          if (end === 'ERR_UNREACHABLE') ended = true
        }
      }
      await Promise.all(Array.from({ length: 32 }, load))
      console.log(served >= 2_000, await other.requestTo(one.address, echo, body).then(() => 'ok'))
      await Promise.all([one.close(), other.close()])
    `)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stderr: '', stdout: 'true ok\n' })
  })
})

/** Noise, frames with noise in them, frames cut short, and frames with a few bits turned; half of them after a hello. */
function badBytes(random: () => number, hello: Uint8Array): Uint8Array {
  const upTo = (most: number) => Math.floor(random() * most)
  const types = [
    L.TYPE_HELLO,
    L.TYPE_GOODBYE,
    L.TYPE_FRAGMENT,
    L.TYPE_LOOKUP,
    L.TYPE_FOUND,
    L.TYPE_REQUEST,
    L.TYPE_REPLY,
  ]
  const [type] = pick(random, [...types, L.TYPE_FAILURE, L.TYPE_MAINTENANCE_FIRST + upTo(48)], 1)
  let bytes = bytesFrom(random, 1 + upTo(2_000))
  if (random() < 0.75) bytes = frame(type!, byte(L.AT_EXTENSIONS, upTo(64)), bytes)
  if (random() < 0.25) bytes = bytes.slice(0, 1 + upTo(bytes.length))
  if (random() < 0.5) for (let i = upTo(8); i >= 0; i--) bytes[upTo(Math.min(48, bytes.length))]! ^= 1 << upTo(8)
  return random() < 0.5 ? both(hello, bytes) : bytes
}

type Spoil = (bytes: Uint8Array) => Uint8Array

/** A frame in order, then spoilt. */
function frame(type: number, spoil: Spoil, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(L.padded(L.HEADER_BYTES + body.length))
  const view = new DataView(bytes.buffer)
  view.setUint32(L.AT_LENGTH, L.HEADER_BYTES + body.length, true)
  view.setUint16(L.AT_TYPE, type, true)
  view.setUint8(L.AT_VERSION, L.PROTOCOL_VERSION)
  bytes.set(body, L.HEADER_BYTES)
  return spoil(bytes)
}

/** The body of a good hello. */
function helloBody(role: Hello['role']): Uint8Array {
  const who = role === 'member' ? { address: '127.0.0.1:9', incarnations: [1n] } : { address: '', incarnations: [] }
  return encodeHello({
    protocolMin: L.PROTOCOL_VERSION,
    protocolMax: L.PROTOCOL_VERSION,
    features: 0,
    role,
    refusal: 'none',
    nonce: 0x0123456789abcdefn,
    network: NETWORK,
    ...who,
    observedHost: '127.0.0.1',
    clientId: role === 'client' ? new Uint8Array(20).fill(7) : undefined,
  }).slice(L.HEADER_BYTES)
}

function same(bytes: Uint8Array): Uint8Array {
  return bytes
}

function word(at: number, value: number): Spoil {
  return (bytes) => {
    new DataView(bytes.buffer).setUint32(at, value, true)
    return bytes
  }
}

/** Negative: from the end. */
function byte(at: number, value: number): Spoil {
  return (bytes) => {
    bytes[at < 0 ? bytes.length + at : at] = value
    return bytes
  }
}

function both(first: Uint8Array, second: Uint8Array): Uint8Array {
  return Buffer.concat([first, second])
}

function noise(count: number): Uint8Array {
  return bytesFrom(randomFrom(SEED), count)
}
