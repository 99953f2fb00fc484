/**
 * What makes it fast, and lets it grow, as facts that hold on any machine. Figures are measured by `npm run bench` and
 * `bench/recovery`; see `docs/requirements.md`.
 */
import { afterEach, expect, test } from 'vitest'
import { type Call, type Member, someKeys, spawnMembers, startRing, until, untilCorrect } from '../support/members.mjs'

const CAP_MS = 60_000

let members: Member[] = []

afterEach(() => {
  for (const member of members) member.kill()
})

test('one callback and at most one flush for each wake-up, however many messages it brought', async () => {
  members = await spawnMembers(4)
  await startRing(members, {})
  await untilCorrect(members, CAP_MS)
  const [server, ...others] = members as [Member, ...Member[]]
  const calls = Array.from({ length: 4_000 }, (): Call => {
    return { how: 'requestTo', to: server.address, type: 'echo', body: new Uint8Array(64) }
  })
  const before = await server.ask('metrics')
  const outcomes = await Promise.all(others.map((member) => member.ask('calls', calls)))
  const after = await server.ask('metrics')
  expect(outcomes.flat().every(({ ok }) => ok)).toBe(true)

  type Count = Exclude<keyof typeof after.wire, 'framesPerBatch'>
  const count = (name: Count) => after.wire[name] - before.wire[name]
  const requests = calls.length * others.length
  expect(count('framesIn')).toBeGreaterThanOrEqual(requests)
  expect(count('framesOut')).toBeGreaterThanOrEqual(requests)
  expect(count('batches')).toBeLessThanOrEqual(count('wakeups'))
  expect(count('batches'), 'messages share wake-ups').toBeLessThan(requests / 4)
  // Beside the replies there is only what timers send.
  const timers = after.maintenance.sent - before.maintenance.sent
  expect(count('flushes')).toBeLessThanOrEqual(count('batches') + timers)
  expect(count('writes'), 'replies share writes').toBeLessThan(requests / 4)
  // Of each read, at most one frame that is not whole has to be moved.
  const largestFrame = 256
  expect(count('tailBytesCopied')).toBeLessThanOrEqual(count('reads') * largestFrame)
})

test('paths and tables grow with the logarithm of the number of nodes', { timeout: 120_000 }, async () => {
  members = await spawnMembers(24)
  const timing = { fingersMinMs: 300, fingersMaxMs: 1_000, idleMs: 2_000 }
  let running: Member[] = []
  for (const size of [6, 12, 24]) {
    const joining = members.slice(running.length, size)
    if (running.length === 0) await startRing(joining, { successors: 2, timing })
    else {
      const join = [running[0]!.address]
      await Promise.all(joining.map((member) => member.start({ successors: 2, timing, join })))
    }
    running = members.slice(0, size)
    await untilCorrect(running, CAP_MS)
    // The mean stays below half the logarithm, plus the last message to the owner.
    const most = Math.log2(size) / 2 + 1
    const mean = await until(
      () => meanHops(running, `of ${size}`),
      (hops) => hops <= most,
      30_000,
    )
    expect(mean, `${size} nodes`).toBeLessThanOrEqual(most)
    const metrics = await until(
      () => Promise.all(running.map((member) => member.ask('metrics'))),
      (all) => all.every(({ connections }) => connections.routing <= 2 * (Math.log2(size) + 2)),
      30_000,
    )
    for (const { connections } of metrics) expect(connections.routing).toBeLessThanOrEqual(2 * (Math.log2(size) + 2))
  }
})

test('keys spread over nodes by their share of the ring, and virtual nodes even the shares out', async () => {
  members = await spawnMembers(4)
  await startRing(members, { virtualNodes: 32 })
  await untilCorrect(members, CAP_MS)
  const keys = someKeys('spread', 4_000)
  const owners = await members[0]!.ask('owners', { keys, timeoutMs: 20_000 })
  const perProcess = members.map(({ ids }) => owners.filter((owner) => ids.includes(owner)).length)
  expect(perProcess.reduce((sum, count) => sum + count)).toBe(keys.length)
  // A process with 32 virtual nodes holds a quarter of the ring, give or take 15 % (standard deviation): five of them.
  for (const count of perProcess) expect(Math.abs(count / (keys.length / 4) - 1)).toBeLessThan(0.75)
})

async function meanHops(running: readonly Member[], name: string): Promise<number> {
  const found = await Promise.all(
    running.map((member, m) => member.ask('lookups', { keys: someKeys(`${name} ${m}`, 50) })),
  )
  const hops = found.flat().map((owner) => owner.hops)
  return hops.reduce((sum, count) => sum + count, 0) / hops.length
}
