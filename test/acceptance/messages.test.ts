/** Messages and data reach the owner of a key, or a given node, from members and from clients. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Call,
  type Member,
  NETWORK,
  type Outcome,
  ownerOf,
  type PlainPeer,
  pointOf,
  type Seen,
  someKeys,
  spawnMember,
  spawnMembers,
  startRing,
  until,
  untilCorrect,
} from '../support/members.mjs'
import { bytesFrom, randomFrom } from '../support/random.ts'
import { freePort } from '../support/system.ts'

const CAP_MS = 45_000
const MiB = 2 ** 20

describe('in a ring of 4', () => {
  let members: Member[] = []
  let client: Member
  let ids: string[]

  beforeAll(async () => {
    members = await spawnMembers(4)
    client = await spawnMember()
    await startRing(members, {})
    await untilCorrect(members, CAP_MS)
    ids = members.flatMap((member) => member.ids).sort()
    await client.ask('connect', { network: NETWORK, to: members.map(({ address }) => address) })
  })

  afterAll(() => {
    for (const member of [...members, client]) member?.kill()
  })

  /** A key that `member` owns. Ids are where the ports put them: some ring in a hundred has a range that no key of a thousand is in. */
  function keyOf(member: Member): string {
    for (let i = 0; ; i++) if (ownerOf(`of ${i}`, ids) === member.ids[0]) return `of ${i}`
  }

  async function value(from: Member, call: Call): Promise<unknown> {
    const outcome = await from.ask('call', call)
    if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message}`)
    return outcome.value
  }

  async function code(from: Member, call: Call): Promise<string> {
    const outcome = await from.ask('call', call)
    return outcome.ok ? 'ok' : outcome.code
  }

  test('a request to a key is answered by its owner, whoever asks', async () => {
    for (const from of members) {
      for (const to of members) {
        const key = keyOf(to)
        const seen = await value(from, { how: 'request', to: key, type: 'who', body: { from: from.address } })
        expect(seen).toEqual({
          body: { from: from.address },
          key: pointOf(key),
          from: { id: from.ids[0]!, address: from.address },
          member: to.ids[0]!,
          oneWay: false,
          pid: to.pid,
        } satisfies Seen)
      }
    }
  })

  test('a request to a node is answered by it, named by peer or by address', async () => {
    const [from, to] = members as [Member, Member]
    const peer: PlainPeer = (await to.ask('members'))[0]!
    for (const target of [to.address, peer]) {
      const seen = (await value(from, { how: 'requestTo', to: target, type: 'who', body: 1 })) as Seen
      expect(seen).toMatchObject({ pid: to.pid, member: to.ids[0], from: { address: from.address } })
      expect(seen.key).toBeUndefined()
    }
  })

  test('send resolves when the handler has it; with ack: false it arrives all the same', async () => {
    const [from, to] = members as [Member, Member]
    const key = keyOf(to)
    await value(from, { how: 'send', to: key, type: 'note', body: 'acknowledged' })
    expect((await to.ask('noted')).map(({ body }) => body)).toContain('acknowledged')
    await value(from, { how: 'sendTo', to: to.address, type: 'note', body: 'to the node' })
    expect((await to.ask('noted')).map(({ body }) => body)).toContain('to the node')
    await value(from, { how: 'send', to: key, type: 'note', body: 'let go', options: { ack: false } })
    await value(from, { how: 'sendTo', to: to.address, type: 'note', body: 'let go too', options: { ack: false } })
    const noted = await until(
      () => to.ask('noted'),
      (all) => all.length >= 4,
      CAP_MS,
    )
    expect(noted.map(({ body }) => body).sort()).toEqual(['acknowledged', 'let go', 'let go too', 'to the node'])
  })

  test('one sender and one receiver: messages arrive in the order in which they were sent', async () => {
    const [, from, , to] = members as [Member, Member, Member, Member]
    const calls = Array.from({ length: 500 }, (_, n): Call => {
      return { how: 'sendTo', to: to.address, type: 'note', body: n, options: { ack: false } }
    })
    await from.ask('calls', calls)
    const numbers = async () =>
      (await to.ask('noted')).map(({ body }) => body).filter((body) => typeof body === 'number')
    expect(await until(numbers, (all) => all.length === 500, CAP_MS)).toEqual(calls.map(({ body }) => body))
  })

  test.each([0, 1, 64, 65_000, 65_536, 100_003, MiB])('a body of %d bytes comes back as it was', async (size) => {
    const body = bytesFrom(randomFrom(size), size)
    const [from, to] = members as [Member, Member]
    for (const call of [
      { how: 'request', to: keyOf(to), type: 'echo', body },
      { how: 'requestTo', to: to.address, type: 'echo', body },
      { how: 'request', to: keyOf(from), type: 'echo', body },
    ] satisfies Call[]) {
      expect(Buffer.compare((await value(from, call)) as Uint8Array, body)).toBe(0)
    }
    const back = await value(client, { how: 'request', to: keyOf(to), type: 'echo', body })
    expect(Buffer.compare(back as Uint8Array, body)).toBe(0)
  })

  test('many large bodies at once from all to all', async () => {
    const calls = someKeys('large', 8).map((to, i): Call => {
      return { how: 'request', to, type: 'echo', body: bytesFrom(randomFrom(i), MiB / 2) }
    })
    const all = await Promise.all(members.map((member) => member.ask('calls', calls)))
    for (const outcomes of all) {
      for (const [i, outcome] of outcomes.entries()) {
        expect(outcome).toMatchObject({ ok: true })
        expect(Buffer.compare((outcome as { value: Uint8Array }).value, calls[i]!.body as Uint8Array)).toBe(0)
      }
    }
  })

  test('what cannot be is a typed error', async () => {
    const [from, to] = members as [Member, Member]
    const key = keyOf(to)
    const body = new Uint8Array(MiB + 1)
    expect(await code(from, { how: 'request', to: key, type: 'echo', body })).toBe('ERR_PAYLOAD_TOO_LARGE')
    expect(await code(from, { how: 'request', to: key, type: 'unknown', body: new Uint8Array(1) })).toBe(
      'ERR_NO_HANDLER',
    )
    const failed = await from.ask('call', { how: 'request', to: key, type: 'fail', body: 1 })
    expect(failed).toEqual({ ok: false, code: 'ERR_REMOTE', message: expect.stringContaining('as asked for') })
    expect((failed as { message: string }).message).not.toContain('member.mjs')
    const nobody = `127.0.0.1:${await freePort()}`
    expect(await code(from, { how: 'requestTo', to: nobody, type: 'who', body: 1 })).toBe('ERR_UNREACHABLE')
    const peer: PlainPeer = (await to.ask('members'))[0]!
    const stale = { id: peer.id, address: peer.address, incarnation: peer.incarnation - 1n }
    expect(await code(from, { how: 'requestTo', to: stale, type: 'who', body: 1 })).toBe('ERR_NOT_MEMBER')
  })

  test('a handler learns that nobody waits for its answer any more', async () => {
    const [from, to] = members as [Member, Member]
    const options = { timeoutMs: 300 }
    expect(await code(from, { how: 'requestTo', to: to.address, type: 'wait', body: 1, options })).toBe(
      'ERR_OUTCOME_UNKNOWN',
    )
    expect(
      await until(
        () => to.ask('waiting'),
        (waiting) => waiting === 0,
        CAP_MS,
      ),
    ).toBe(0)
  })

  test('a client looks up and sends, owns nothing and enters no table', async () => {
    const keys = someKeys('client', 200)
    const owners = await client.ask('owners', { keys })
    expect(owners).toEqual(keys.map((key) => ownerOf(key, ids)))
    for (const to of members) {
      const call = { how: 'request', to: keyOf(to), type: 'who', body: 'hi' } as const
      const seen = (await value(client, call)) as Seen
      expect(seen).toMatchObject({ pid: to.pid, body: 'hi', from: { address: '' } })
      expect(ids).not.toContain(seen.from.id)
      const direct = (await value(client, { how: 'requestTo', to: to.address, type: 'who', body: 'ho' })) as Seen
      expect(direct).toMatchObject({ pid: to.pid, body: 'ho', from: { id: seen.from.id, address: '' } })
      const asPeer = { ...seen.from, incarnation: 0n }
      expect(await code(members[0]!, { how: 'requestTo', to: asPeer, type: 'who', body: 1 })).toBe('ERR_NOT_MEMBER')
    }
    const states = await untilCorrect(members, CAP_MS)
    const known = states.flatMap(({ predecessor, successors }) => [predecessor!.id, ...successors.map(({ id }) => id)])
    expect(ids).toEqual(expect.arrayContaining(known))
  })
})

test('under kill -9: what nobody served never succeeds, and what may not be repeated is not', {
  timeout: 120_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'chordite-served-'))
  const members = await spawnMembers(8)
  try {
    const log = join(directory, 'served')
    await startRing(members, {}, { serveLog: log })
    // With full lists nobody is left alone by two deaths.
    await until(
      async () => (await Promise.all(members.map((member) => member.ask('members')))).flat(),
      (states) => states.every(({ successors }) => successors.length === members.length - 1),
      CAP_MS,
    )
    await untilCorrect(members, CAP_MS)
    const victims = [members[0]!, members[5]!]
    const survivors = members.filter((member) => !victims.includes(member))

    let killed = false
    const traffic = survivors.map(async (member, m) => {
      const done: { number: number; idempotent: boolean; outcome: Outcome }[] = []
      for (let round = 0; !killed || round < 12; round++) {
        const base = (m * 1_000 + round) * 1_000
        const calls = Array.from({ length: 200 }, (_, i): Call => {
          const options = i % 2 === 0 ? { idempotent: true, timeoutMs: 15_000 } : { timeoutMs: 3_000 }
          return { how: 'request', to: `key ${base + i}`, type: 'serve', body: base + i, options }
        })
        const outcomes = await member.ask('calls', calls)
        done.push(...outcomes.map((outcome, i) => ({ number: base + i, idempotent: i % 2 === 0, outcome })))
      }
      return done
    })
    await until(
      async () => servedIn(log).size,
      (count) => count > 500,
      CAP_MS,
    )
    for (const victim of victims) victim.kill()
    await Promise.all(victims.map(({ exited }) => exited))
    killed = true
    const done = (await Promise.all(traffic)).flat()

    const served = servedIn(log)
    const times = (number: number) => served.get(number) ?? 0
    const ok = done.filter(({ outcome }) => outcome.ok)
    expect(ok.filter(({ number }) => times(number) === 0)).toEqual([])
    expect(done.filter(({ number, idempotent }) => !idempotent && times(number) > 1)).toEqual([])
    expect(done.filter(({ idempotent, outcome }) => idempotent && !outcome.ok)).toEqual([])
    const failed = done.filter(({ outcome }) => !outcome.ok)
    // Whoever may not repeat it says so, or knows that it was not delivered.
    expect(new Set(failed.map(({ outcome }) => (outcome.ok ? '' : outcome.code)))).toEqual(
      failed.length === 0 ? new Set() : new Set(['ERR_OUTCOME_UNKNOWN']),
    )
    expect(ok.length).toBeGreaterThan(done.length * 0.9)
  } finally {
    for (const member of members) member.kill()
    rmSync(directory, { recursive: true })
  }
})

/** How often each number was served. */
function servedIn(log: string): Map<number, number> {
  const counts = new Map<number, number>()
  let text = ''
  try {
    text = readFileSync(log, 'utf8')
  } catch {
    // Nobody has served anything yet.
  }
  for (const line of text.split('\n')) if (line !== '') counts.set(Number(line), (counts.get(Number(line)) ?? 0) + 1)
  return counts
}
