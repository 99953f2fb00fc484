/**
 * Every call of the public API settles when its time is over, whatever the other side does: accepts and says nothing, says hello and never
 * answers, or is stopped in the middle of everything. The bound is far below the time that a call has by default.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Caller, type ChordNode, connect, createNode, raw } from '../../src/index.ts'
import { NETWORK, spawnMember } from '../support/members.mjs'

const TIMEOUT_MS = 300
const LATE_MS = 3_000
const ECHO = { name: 'echo', request: raw, reply: raw }
const BODY = new Uint8Array(8)
const AT_ONCE = { timeoutMs: TIMEOUT_MS }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** How a call ended, and that it did in time. */
async function outcome(call: Promise<unknown>): Promise<string> {
  const startedMs = performance.now()
  const ended = await call.then(
    (value) => (Array.isArray(value) ? `${value[0].error?.code}` : 'done'),
    (error) => `${error.code}`,
  )
  expect(performance.now() - startedMs, `until ${ended}`).toBeLessThan(LATE_MS)
  return ended
}

/** All calls to a member, at the same time. */
async function callsTo(caller: Caller, address: string): Promise<Record<string, string>> {
  const ended = {
    requestTo: outcome(caller.requestTo(address, ECHO, BODY, AT_ONCE)),
    idempotent: outcome(caller.requestTo(address, ECHO, BODY, { ...AT_ONCE, idempotent: true })),
    callback: outcome(
      new Promise((resolve, reject) =>
        caller.requestTo(address, ECHO, BODY, AT_ONCE, (result) => (result.ok ? resolve(1) : reject(result.error))),
      ),
    ),
    large: outcome(caller.requestTo(address, ECHO, new Uint8Array(200_000), AT_ONCE)),
    sendTo: outcome(caller.sendTo(address, ECHO, BODY, { ...AT_ONCE, ack: true })),
    stream: outcome(caller.openStreamTo(address, 'files', AT_ONCE)),
  }
  return settled(ended)
}

/** All calls by key. */
async function callsByKey(caller: Caller): Promise<Record<string, string>> {
  return settled({
    lookup: outcome(caller.lookup('key', AT_ONCE)),
    iterative: outcome(caller.lookup('key', { ...AT_ONCE, route: 'iterative' })),
    lookupMany: outcome(caller.lookupMany(['key'], AT_ONCE)),
    request: outcome(caller.request('key', ECHO, BODY, AT_ONCE)),
    requestMany: outcome(caller.requestMany(['key'], ECHO, [BODY], AT_ONCE)),
    send: outcome(caller.send('key', ECHO, BODY, { ...AT_ONCE, ack: true })),
    sendMany: outcome(caller.sendMany(['key'], ECHO, [BODY], { ...AT_ONCE, ack: true })),
    stream: outcome(caller.openStream('key', 'files', AT_ONCE)),
  })
}

async function settled(ended: Record<string, Promise<string>>): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(Object.entries(ended).map(async ([name, one]) => [name, await one])))
}

function eachOf(ended: Record<string, string>, code: string): Record<string, string> {
  return Object.fromEntries(Object.keys(ended).map((name) => [name, code]))
}

async function startNode(join: readonly string[] = []): Promise<ChordNode> {
  const node = newNode(join)
  await node.start()
  return node
}

function newNode(join: readonly string[]): ChordNode {
  const node = createNode({ network: NETWORK, join })
  closing.push(() => node.close())
  return node
}

/** Accepts, reads, and says nothing. */
async function silentServer(): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}

describe('who accepts and says nothing', () => {
  it('keeps no call to it waiting', async () => {
    const address = await silentServer()
    const ended = await callsTo(await startNode(), address)
    expect(ended).toEqual(eachOf(ended, 'ERR_TIMEOUT'))
  })

  it('is no ring to connect to', async () => {
    const connecting = connect({ to: [await silentServer()], network: NETWORK })
    await expect(connecting).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' })
  })

  it('keeps no node from giving up to join, from leaving and from closing', async () => {
    const node = newNode([await silentServer()])
    expect(await outcome(node.start(AT_ONCE))).toBe('ERR_JOIN_TIMEOUT')
    expect(await outcome(node.leave(AT_ONCE))).toBe('done')
    expect(await outcome(node.close())).toBe('done')
  })
})

describe('a handler that never ends', () => {
  it('keeps no call waiting', async () => {
    const server = await startNode()
    server.handle(ECHO, () => new Promise<Uint8Array>(() => {}))
    server.handleStream('files', () => new Promise<void>(() => {}))
    const ended = await callsTo(await startNode([server.address]), server.address)
    // An acknowledgement says that it arrived, and a stream is open as soon as there is a handler for it.
    expect(ended).toEqual({ ...eachOf(ended, 'ERR_OUTCOME_UNKNOWN'), sendTo: 'done', stream: 'done' })
  })
})

describe('a process that is stopped', () => {
  /** With a node and a client whose connections to it are up. */
  async function stopped(): Promise<{ address: string; node: ChordNode; client: Caller }> {
    const member = await spawnMember()
    closing.push(() => member.kill())
    const address = (await member.start({})).address!
    const client = await connect({ to: [address], network: NETWORK })
    closing.push(() => client.close())
    const node = await startNode([address])
    expect(await outcome(node.requestTo(address, ECHO, BODY, { timeoutMs: 5_000 }))).toBe('ERR_NO_HANDLER')
    member.signal('SIGSTOP')
    return { address, node, client }
  }

  it('keeps no call to it waiting, nor another member from leaving', async () => {
    const { address, node } = await stopped()
    const ended = await callsTo(node, address)
    expect(ended).toEqual({ ...eachOf(ended, 'ERR_OUTCOME_UNKNOWN'), stream: 'ERR_TIMEOUT' })
    expect(await outcome(node.leave(AT_ONCE))).toBe('done')
  })

  it('keeps no client of it waiting', async () => {
    const { client } = await stopped()
    const ended = await callsByKey(client)
    const maybeHandled = ['request', 'requestMany', 'send', 'sendMany']
    for (const [name, code] of Object.entries(ended)) {
      expect(code, name).toBe(maybeHandled.includes(name) ? 'ERR_OUTCOME_UNKNOWN' : 'ERR_TIMEOUT')
    }
    expect(await outcome(client.close())).toBe('done')
  })
})
