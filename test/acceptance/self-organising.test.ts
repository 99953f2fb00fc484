/** Independent processes organise themselves, with no central authority, and survive joining, leaving and failing. */
import { afterEach, expect, test } from 'vitest'
import { sizeOf, WHOLE_RING } from '../support/ideal-ring.ts'
import {
  type Call,
  type Member,
  someKeys,
  spawnMember,
  spawnMembers,
  startRing,
  until,
  untilCorrect,
  wrongAnswers,
} from '../support/members.mjs'
import { pick, randomFrom } from '../support/random.ts'

const PROCESSES = 16
const VICTIMS = 4
const CAP_MS = 45_000
const SEED = 2

let members: Member[] = []

afterEach(() => {
  for (const member of members) member.kill()
})

test('any 4 of 16 processes are killed: the others find every owner, and 4 new ones take their places', {
  timeout: 240_000,
}, async () => {
  const random = randomFrom(SEED)
  members = await spawnMembers(PROCESSES)
  const [contact] = members as [Member]
  await startRing(members, {})
  await untilCorrect(members, CAP_MS)

  const inRing = [...members].sort((a, b) => (a.ids[0]! < b.ids[0]! ? -1 : 1))
  const start = (inRing.indexOf(contact) + PROCESSES / 2) % PROCESSES
  const neighbors = Array.from({ length: VICTIMS }, (_, i) => inRing[(start + i) % PROCESSES]!)
  await replace('4 neighbours', neighbors)
  await replace('the contact that all joined through, and 3 others', [
    contact,
    ...pick(
      random,
      members.filter((member) => member !== contact),
      VICTIMS - 1,
    ),
  ])
  await replace('any 4', pick(random, members, VICTIMS))
})

/** Kills the victims, sees every owner found again, and lets as many new processes join through a survivor. */
async function replace(name: string, victims: readonly Member[]): Promise<void> {
  const survivors = members.filter((member) => !victims.includes(member))
  for (const victim of victims) victim.kill()
  const keys = someKeys(name, 1_000)
  const wrong = await until(
    () => wrongAnswers(survivors, keys, 10_000),
    (answers) => answers.length === 0,
    CAP_MS,
  )
  expect(wrong, `${name}: wrong owners at the end`).toEqual([])
  await untilCorrect(survivors, CAP_MS)

  const newcomers = await spawnMembers(victims.length)
  members = [...survivors, ...newcomers]
  await Promise.all(newcomers.map((member) => member.start({ join: [survivors[0]!.address] })))
  await untilCorrect(members, CAP_MS)
  expect(await wrongAnswers(members, keys, 10_000), `${name}: wrong owners after others have joined`).toEqual([])
}

test('processes that leave lose nothing that they owned, and no message', { timeout: 120_000 }, async () => {
  members = await spawnMembers(8)
  await startRing(members, {})
  await untilCorrect(members, CAP_MS)
  const inRing = [...members].sort((a, b) => (a.ids[0]! < b.ids[0]! ? -1 : 1))
  const leavers = [inRing[1]!, inRing[2]!, inRing[5]!]
  const stayers = members.filter((member) => !leavers.includes(member))

  let leaving = true
  const traffic = stayers.map(async (member, m) => {
    const outcomes = []
    for (let round = 0; leaving; round++) outcomes.push(...(await member.ask('calls', requests(`${m} ${round}`))))
    return outcomes
  })
  await Promise.all(leavers.map((leaver) => leaver.ask('leave')))
  const owned = (await Promise.all(stayers.map((member) => member.ask('members')))).flat()
  leaving = false

  // At once, not after a while: who left has been told that somebody else owns what it did.
  expect(owned.reduce((sum, { range }) => sum + sizeOf(range!), 0n)).toBe(WHOLE_RING)
  const outcomes = (await Promise.all(traffic)).flat()
  expect(outcomes.length).toBeGreaterThan(0)
  expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.code)).filter((code) => code !== 'ok')).toEqual([])
  expect(await wrongAnswers(stayers, someKeys('after leaving', 1_000), 10_000)).toEqual([])
  expect(await Promise.all(leavers.map((leaver) => leaver.ask('state')))).toEqual(['closed', 'closed', 'closed'])
  await untilCorrect(stayers, CAP_MS)
})

function requests(name: string): Call[] {
  return someKeys(name, 50).map((key) => ({ how: 'request', to: key, type: 'who', body: key }))
}

test('128 virtual nodes in 16 processes join at once', { timeout: 120_000 }, async () => {
  members = await spawnMembers(PROCESSES)
  await startRing(members, { virtualNodes: 8 })
  const states = await untilCorrect(members, 60_000)
  expect(states).toHaveLength(128)
  expect(states.reduce((sum, { range }) => sum + sizeOf(range!), 0n)).toBe(WHOLE_RING)
  expect(await wrongAnswers(members, someKeys('mass', 1_000), 10_000)).toEqual([])
})

test('nobody is in charge: a ring lives on without any of those that it began with', { timeout: 120_000 }, async () => {
  const founders = await spawnMembers(2)
  members = founders
  await startRing(founders, {})
  const heirs: Member[] = []
  for (let i = 0; i < 3; i++) {
    const heir = await spawnMember()
    members = [...founders, ...heirs, heir]
    await heir.start({ join: [founders[i % 2]!.address] })
    heirs.push(heir)
  }
  await untilCorrect(members, CAP_MS)
  for (const founder of founders) founder.kill()
  await untilCorrect(heirs, CAP_MS)
  expect(await wrongAnswers(heirs, someKeys('heirs', 200), 10_000)).toEqual([])
})
