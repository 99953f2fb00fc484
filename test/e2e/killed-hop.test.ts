/**
 * A node is killed while requests of several others go through it, in rings over real sockets: nobody waits past a deadline, what
 * may be sent again succeeds, and of the rest nothing is handled twice.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { chooseTransport } from '../../src/native/load.ts'
import { type Call, type Member, type Outcome, spawnMembers, startRing, untilCorrect } from '../support/members.mjs'

const SIZE = 8
const TIMEOUT_MS = 5_000
const CALLS = 200
const WAVES = 6
/** Calls that a member has under way of those it was given together. */
const AT_ONCE = 64

const forced = process.env.CHORDITE_TRANSPORT
const hasNative = chooseTransport().kind === 'native'
const kinds = (['native', 'tcp'] as const).filter((kind) => (forced ?? kind) === kind && (kind === 'tcp' || hasNative))

const folder = mkdtempSync(join(tmpdir(), 'chordite-killed-'))
let members: Member[] = []
afterEach(() => {
  for (const member of members) member.kill()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** With few successors and nothing remembered, so that most keys are several hops away. */
async function ringOf(transport: 'native' | 'tcp', serveLog: string): Promise<Member[]> {
  members = await spawnMembers(SIZE)
  const timing = { stabilizeMinMs: 50, fingersMinMs: 50 }
  await startRing(members, { transport, successors: 2, timing, limits: { cachedRanges: 0 } }, { serveLog })
  await untilCorrect(members, 20_000)
  return members
}

interface Wave {
  readonly bodies: readonly string[]
  readonly outcomes: readonly Outcome[]
  readonly tookMs: number
}

async function wave(asker: Member, name: string, idempotent: boolean): Promise<Wave> {
  const bodies = Array.from({ length: CALLS }, (_, i) => `${name}-${i}`)
  const options = { timeoutMs: TIMEOUT_MS, idempotent }
  const calls = bodies.map((body): Call => ({ how: 'request', to: body, type: 'serve', body, options }))
  const startMs = performance.now()
  const outcomes = await asker.ask('calls', calls)
  return { bodies, outcomes, tookMs: performance.now() - startMs }
}

const codesOf = (waves: readonly Wave[]) =>
  new Set(waves.flatMap(({ outcomes }) => outcomes.map((one) => (one.ok ? 'ok' : one.code))))

describe.each(kinds)('over %s', (transport) => {
  it('a node that is killed takes no call with it', async () => {
    const serveLog = join(folder, `${transport}.log`)
    const ring = await ringOf(transport, serveLog)
    const victim = ring[SIZE - 1]!
    const askers = ring.slice(0, 4)
    const left = ring.filter((member) => member !== victim)
    // Long enough that there are plans, and C++ goes by them.
    await Promise.all(askers.map((asker, a) => wave(asker, `warm-${a}`, false)))
    const passedOn = (await Promise.all(left.map((member) => member.ask('metrics')))).map(
      ({ wire }) => wire.framesPassedOn,
    )
    expect(passedOn.some((frames) => frames > 0)).toBe(transport === 'native')

    const waves = (name: string, asker: Member, idempotent: boolean) =>
      Promise.all(Array.from({ length: WAVES }, (_, w) => wave(asker, `${name}-${w}`, idempotent)))
    const once = waves('once', askers[0]!, false)
    const onceMore = waves('once-more', askers[1]!, false)
    const again = waves('again', askers[2]!, true)
    const keys = Array.from({ length: WAVES * CALLS }, (_, i) => `look-up ${i}`)
    const owners = askers[3]!.ask('owners', { keys, timeoutMs: TIMEOUT_MS })
    await askers[3]!.ask('lookups', { keys: keys.slice(0, 50) })
    victim.kill()
    await victim.exited

    const unrepeated = [...(await once), ...(await onceMore)]
    expect(codesOf(await again)).toEqual(new Set(['ok']))
    expect((await owners).filter((owner) => owner.startsWith('ERR_'))).toEqual([])
    for (const code of codesOf(unrepeated)) expect(['ok', 'ERR_OUTCOME_UNKNOWN']).toContain(code)
    for (const { tookMs } of [...unrepeated, ...(await again)])
      expect(tookMs).toBeLessThan(Math.ceil(CALLS / AT_ONCE) * TIMEOUT_MS)

    const served = new Map<string, number>()
    for (const line of readFileSync(serveLog, 'utf8').trimEnd().split('\n')) {
      served.set(line, (served.get(line) ?? 0) + 1)
    }
    for (const { bodies, outcomes } of unrepeated) {
      for (const [i, body] of bodies.entries()) {
        expect(served.get(body) ?? 0, body).toBeLessThanOrEqual(1)
        if (outcomes[i]!.ok) expect(served.get(body), body).toBe(1)
      }
    }
    // The ring is whole again, and everybody goes by it.
    await untilCorrect(left, 20_000)
    expect(codesOf([await wave(askers[0]!, 'afterwards', false)])).toEqual(new Set(['ok']))
  })
})
