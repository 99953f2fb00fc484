/** Nodes stabilise periodically: neighbours that vanish are replaced, and where nothing happens, nothing changes. */

import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type Member,
  type PlainMember,
  someKeys,
  spawnMembers,
  startRing,
  until,
  untilCorrect,
  wrongAnswers,
} from '../support/members.mjs'
import { canConnect, portOf } from '../support/system.ts'

const PROCESSES = 6
const CAP_MS = 45_000

let members: Member[] = []

beforeEach(async () => {
  members = await spawnMembers(PROCESSES)
})

afterEach(() => {
  for (const member of members) {
    member.signal('SIGCONT')
    member.kill()
  }
})

function inRing(): Member[] {
  return [...members].sort((a, b) => (a.ids[0]! < b.ids[0]! ? -1 : 1))
}

test('a neighbour that is killed is replaced on both sides', async () => {
  await startRing(members, {})
  await untilCorrect(members, CAP_MS)
  const [before, victim, after] = inRing() as [Member, Member, Member]
  victim.kill()
  const survivors = members.filter((member) => member !== victim)
  await untilCorrect(survivors, CAP_MS)
  const [left] = (await before.ask('members')) as [PlainMember]
  const [right] = (await after.ask('members')) as [PlainMember]
  expect(left.successors[0]!.id).toBe(right.id)
  expect(right.predecessor!.id).toBe(left.id)
  expect(right.range!.after).toBe(left.id)
})

test('the lists of successors fill up again after a death', async () => {
  await startRing(members, { successors: 3 })
  expect(await lists(members, 3)).toEqual(idealLists(members, 3))
  const [victim, ...survivors] = members as [Member, ...Member[]]
  victim.kill()
  expect(await lists(survivors, 3)).toEqual(idealLists(survivors, 3))
})

test('an idle ring keeps the owner of every key, however often it stabilises', async () => {
  await startRing(members, { timing: { stabilizeMinMs: 20, stabilizeMaxMs: 20, selfLookupMs: 200 } })
  const before = await untilCorrect(members, CAP_MS)
  const seen = await Promise.all(members.map(async (member) => (await member.ask('events')).length))
  const sent = await sentBy(members)
  await until(
    () => sentBy(members),
    (now) => now.every((count, m) => count - sent[m]! > 200),
    CAP_MS,
  )
  const after = (await Promise.all(members.map((member) => member.ask('members')))).flat()
  expect(after.map(({ id, range, epoch }) => [id, range, epoch])).toEqual(
    before.map(({ id, range, epoch }) => [id, range, epoch]),
  )
  const events = await Promise.all(members.map((member, m) => member.ask('events', seen[m])))
  expect(events.flat().filter(({ name }) => name !== 'peer:up')).toEqual([])
  expect(await wrongAnswers(members, someKeys('idle', 500), 5_000)).toEqual([])
})

test('a node that was silent for a while, and taken for dead, finds its place again', { timeout: 90_000 }, async () => {
  await startRing(members, {})
  await untilCorrect(members, CAP_MS)
  const [sleeper, ...others] = members as [Member, ...Member[]]
  sleeper.signal('SIGSTOP')
  await untilCorrect(others, CAP_MS)
  expect(await wrongAnswers(others, someKeys('asleep', 200), 5_000)).toEqual([])
  sleeper.signal('SIGCONT')
  await untilCorrect(members, CAP_MS)
  expect(await wrongAnswers(members, someKeys('awake', 200), 5_000)).toEqual([])
})

test('a child process does not keep the port of a killed node open', async () => {
  await startRing(members, {})
  const victim = members[3]!
  const child = await victim.ask('spawnChild')
  try {
    victim.kill()
    await victim.exited
    const port = portOf(victim.address)
    expect(process.kill(child, 0), 'the child lives on').toBe(true)
    expect(await canConnect(port)).toBe(false)
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await untilCorrect(
      members.filter((member) => member !== victim),
      CAP_MS,
    )
  } finally {
    process.kill(child, 'SIGKILL')
  }
})

function sentBy(list: readonly Member[]): Promise<number[]> {
  return Promise.all(list.map(async (member) => (await member.ask('metrics')).maintenance.sent))
}

/** Each node's successors, as soon as they are those of an ideal ring. */
function lists(list: readonly Member[], length: number): Promise<string[][]> {
  const ideal = JSON.stringify(idealLists(list, length))
  return until(
    async () => {
      const states = (await Promise.all(list.map((member) => member.ask('members')))).flat()
      return states.map(({ successors }) => successors.map(({ id }) => id))
    },
    (found) => JSON.stringify(found) === ideal,
    CAP_MS,
  )
}

function idealLists(list: readonly Member[], length: number): string[][] {
  const ids = list.flatMap((member) => member.ids).sort()
  const after = (id: string, step: number) => ids[(ids.indexOf(id) + step) % ids.length]!
  return list.map(({ ids: [id] }) => Array.from({ length }, (_, i) => after(id!, i + 1)))
}
