/** What can be said wrong, what does not get through, and what others send that is no message. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import * as chord from '../../src/compat/chord/index.ts'
import { Outbox, WAITING_CHARS_MAX, WAITING_MAX } from '../../src/compat/chord/outbox.ts'
import { ChordError } from '../../src/core/errors.ts'
import { createNode, json, raw } from '../../src/index.ts'
import { port, until } from './programs/stage.mjs'

const opened: chord.SendMessage[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((send) => send.leave()))
})

function kept<S extends chord.SendMessage>(send: S): S {
  opened.push(send)
  return send
}

function codeOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error instanceof ChordError ? error.code : error
  }
  return undefined
}

const LOOPBACK = { address: '127.0.0.1', port: 0 }

describe('arguments', () => {
  it('of Chord and Client are checked at once', () => {
    const bad = (...given: unknown[]) =>
      codeOf(() => kept((chord.Chord as (...all: unknown[]) => chord.ChordServer)(...given)))
    for (const port of [-1, 65_536, 1.5, 'http', {}.toString(), true, { port: 'x' }])
      expect(bad(port, 1)).toBe('ERR_BAD_ADDRESS')
    expect(bad({ port: 0, address: 'not a host' }, 1)).toBe('ERR_BAD_ADDRESS')
    for (const count of [0, undefined, null, 257, 1.5, -1, 'three', {}])
      expect(bad(LOOPBACK, count)).toBe('ERR_BAD_OPTION')
    for (const join of [{ address: '127.0.0.1' }, { port: 0 }, { port: 1e6 }, { port: 1, address: 7 }, []]) {
      expect(bad(LOOPBACK, 1, join, () => {})).toBe('ERR_BAD_ADDRESS')
    }
    expect(bad(LOOPBACK, 1, 'a listener')).toBe('ERR_BAD_OPTION')
    expect(bad(LOOPBACK, 1, null, {})).toBe('ERR_BAD_OPTION')
    expect(codeOf(() => chord.Client('x' as never))).toBe('ERR_BAD_OPTION')
    expect(codeOf(() => chord.Client(() => {}, 'x'))).toBe('ERR_BAD_ADDRESS')
  })

  it('may be what environment variables are', async () => {
    const free = await port()
    const send = kept(chord.Chord(String(free), '2', () => {}))
    await until(() => send.node.state === 'member')
    expect(send.node.address).toMatch(new RegExp(`:${free}$`))
    expect(send.node.members).toHaveLength(2)
  })

  it('of a message are checked at once, too', () => {
    const circle: { itself?: unknown } = {}
    circle.itself = circle
    for (const send of [kept(chord.Chord(LOOPBACK, 1)), kept(chord.Client())]) {
      const bad = (...given: unknown[]) => codeOf(() => (send as (...all: unknown[]) => void)(...given))
      for (const to of [
        5,
        'x',
        {},
        { address: '127.0.0.1' },
        { port: 0 },
        { port: 70_000 },
        { port: 1, address: '' },
      ]) {
        expect(bad(to, null, 1)).toBe('ERR_BAD_ADDRESS')
        expect(bad(null, null, 1, to)).toBe('ERR_BAD_ADDRESS')
      }
      for (const id of [5, 'x', {}, [], [1], [1, 2, 3, 'x']]) expect(bad(null, id, 1)).toBe('ERR_BAD_OPTION')
      expect(bad({ port: 1, id: [1] }, null, 1)).toBe('ERR_BAD_OPTION')
      expect(bad(null, null, circle)).toBe('ERR_BAD_BODY')
      expect(bad(null, null, 1n)).toBe('ERR_BAD_BODY')
      expect(bad(null, null, 'x'.repeat(2 ** 20))).toBe('ERR_PAYLOAD_TOO_LARGE')
    }
  })

  it('of a reply are, and the listener hears of it', async () => {
    const codes: unknown[] = []
    const send = kept(
      chord.Chord(LOOPBACK, 1, (_from, _id, _message, reply) => {
        codes.push(
          codeOf(() => reply(1n)),
          codeOf(() => reply(1, 7 as never)),
          codeOf(() => reply(1, null, {} as never)),
        )
      }),
    )
    send(null, null, 1)
    await until(() => codes.length === 3)
    expect(codes).toEqual(['ERR_BAD_BODY', 'ERR_BAD_ADDRESS', 'ERR_BAD_ADDRESS'])
  })

  it('need no new', () => {
    const Made = chord.Client as unknown as new () => chord.SendMessage
    expect(typeof kept(new Made())).toBe('function')
  })
})

describe('what waits', () => {
  it('is bounded in number and size', () => {
    const outbox = new Outbox({ transmit: () => {}, answered: () => {} })
    const put = (json: string) => codeOf(() => outbox.put(undefined, undefined, undefined, undefined, json))
    for (let i = 0; i < WAITING_MAX; i++) outbox.put(undefined, undefined, undefined, undefined, '1')
    expect(put('1')).toBe('ERR_BUSY')
    const other = new Outbox({ transmit: () => {}, answered: () => {} })
    const long = 'x'.repeat(2 ** 20)
    for (let i = 0; i < WAITING_CHARS_MAX / long.length; i++)
      other.put(undefined, undefined, undefined, undefined, long)
    expect(codeOf(() => other.put(undefined, undefined, undefined, undefined, '1'))).toBe('ERR_BUSY')
  })

  it('gets through, however much is sent at once', async () => {
    let count = 0
    const [first, second] = [await port(), await port()]
    kept(chord.Chord({ ...LOOPBACK, port: first }, 1, () => count++))
    const b = kept(chord.Chord({ ...LOOPBACK, port: second }, 1, { port: first }, () => count++))
    for (let i = 0; i < 30_000; i++) b({ port: first }, null, { i, text: 'x'.repeat(50) })
    await until(() => count === 30_000)
  })

  it('is lost where nobody is, and what follows is not', async () => {
    const nobody = { port: await port() }
    const got: unknown[] = []
    const listen = { ...LOOPBACK, port: await port() }
    const a = kept(chord.Chord(listen, 1, (_from, _id, message) => got.push(message)))
    const client = kept(chord.Client())
    a(nobody, null, 'lost')
    a(nobody, chord.hash('x'), 'lost')
    client(nobody, chord.hash('x'), 'lost')
    a(null, null, 'here')
    client(listen, null, 'here')
    await until(() => got.length === 2)
    expect(got).toEqual(['here', 'here'])
  })
})

describe('after leave', () => {
  it('sending throws', async () => {
    const server = chord.Chord(LOOPBACK, 1)
    const client = chord.Client()
    await Promise.all([server.leave(), client.leave()])
    expect(codeOf(() => server(null, chord.hash('x'), 1))).toBe('ERR_CLOSED')
    expect(codeOf(() => client({ port: 1 }, null, 1))).toBe('ERR_CLOSED')
    expect(server.node.state).toBe('closed')
    await server.leave()
    server.close()
    client.close()
  })
})

describe('others in the ring', () => {
  it('that send what is no message do no harm', async () => {
    const got: unknown[] = []
    const listen = { ...LOOPBACK, port: await port() }
    const server = kept(chord.Chord(listen, 1, (_from, _id, message) => got.push(message)))
    await until(() => server.node.state === 'member')
    const node = createNode({ join: [server.node.address] })
    await node.start()
    const bytes = [[], [255], [1, 4], [15, 255, 1, 1, 9], [0, 3, 1, 1, 49, 46, 49, 123], [8, 1, 0, 0, 46, 45]]
    for (const name of ['chordite.compat.chord.message', 'chordite.compat.chord.mailbox']) {
      const type = { name, request: raw, reply: raw }
      for (const some of bytes) await node.requestTo(server.node.address, type, Uint8Array.from(some)).catch(() => {})
      for (let length = 0; length < 100; length++) {
        const some = Uint8Array.from({ length }, (_, i) => (i * 37 + length * 101) & 255)
        some[0]! &= 15
        await node.requestTo(server.node.address, type, some, { timeoutMs: 200 }).catch(() => {})
      }
    }
    kept(chord.Client())(listen, null, 'fine')
    await until(() => got.includes('fine'))
    await node.leave()
  })

  it('may use the API of chordite beside it, on the same nodes', async () => {
    const listen = { ...LOOPBACK, port: await port() }
    const server = kept(chord.Chord(listen, 1))
    const greet = { name: 'greet', request: json<string>(), reply: json<string>() }
    server.node.handle(greet, ({ body }) => `hello ${body}`)
    await until(() => server.node.state === 'member')
    const node = createNode({ join: [server.node.address] })
    await node.start()
    expect(await node.requestTo(server.node.address, greet, 'you')).toBe('hello you')
    await node.leave()
    await sleep(0)
  })
})
