/** Programs are called when a message arrives, when their neighbours change and, above all, when their range does. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sizeOf, WHOLE_RING } from '../support/ideal-ring.ts'
import {
  type Call,
  type Member,
  type PlainEvent,
  type PlainMember,
  type PlainRange,
  someKeys,
  spawnMember,
  spawnMembers,
  startRing,
  untilCorrect,
} from '../support/members.mjs'

const CAP_MS = 45_000

let members: Member[] = []

beforeEach(async () => {
  members = await spawnMembers(5)
})

afterEach(() => {
  for (const member of members) member.kill()
})

describe('arrival', () => {
  test('handle is called for each message, handleBatch for all of one wake-up', async () => {
    await startRing(members, {})
    await untilCorrect(members, CAP_MS)
    const [to, ...others] = members as [Member, ...Member[]]
    const calls = Array.from({ length: 400 }, (_, n): Call => {
      return { how: 'requestTo', to: to.address, type: 'batch', body: new TextEncoder().encode(`message ${n}`) }
    })
    const all = await Promise.all(others.map((member) => member.ask('calls', calls)))
    for (const outcomes of all) {
      for (const [n, outcome] of outcomes.entries()) {
        const reversed = [...`message ${n}`].reverse().join('')
        expect(outcome.ok && new TextDecoder().decode(outcome.value as Uint8Array)).toBe(reversed)
      }
    }
    const batches = await to.ask('batches')
    expect(batches.reduce((sum, length) => sum + length, 0)).toBe(calls.length * others.length)
    expect(Math.max(...batches), 'several messages in one batch').toBeGreaterThan(1)

    await others[0]!.ask('call', { how: 'sendTo', to: to.address, type: 'note', body: 'one' })
    expect(await to.ask('noted')).toMatchObject([{ body: 'one', oneWay: true, from: { address: others[0]!.address } }])
  })
})

describe('changes', () => {
  test('a join moves one range between two neighbours, and a leave moves it back', async () => {
    await startRing(members, {})
    await untilCorrect(members, CAP_MS)
    const old = [...members]
    const beforeJoin = await marks(old)

    const joiner = await spawnMember()
    members.push(joiner)
    await joiner.start({ join: [old[2]!.address] })
    const states = await untilCorrect(members, CAP_MS)
    const { before, after, self } = around(states, joiner.ids[0]!)
    const joined = [...(await since(old, beforeJoin)), ...(await joiner.ask('events'))]
    const moved = { after: before.id, upTo: self.id }
    expect(
      joined
        .filter(({ name }) => name === 'range')
        .map(brief)
        .sort(byId),
    ).toEqual(
      [
        { id: self.id, gained: [moved], lost: [], cause: 'grant', from: after.id, to: undefined },
        { id: after.id, gained: [], lost: [moved], cause: 'grant', from: undefined, to: self.id },
      ].sort(byId),
    )
    expect(neighborChange(joined, 'successor', before.id)).toEqual([after.id, self.id])
    expect(neighborChange(joined, 'predecessor', after.id)).toEqual([before.id, self.id])
    const uninvolved = old.filter(({ ids }) => ids[0] !== before.id && ids[0] !== after.id)
    for (const { ids } of uninvolved) {
      expect(neighborChange(joined, 'successor', ids[0]!)).toEqual([])
      expect(neighborChange(joined, 'predecessor', ids[0]!)).toEqual([])
    }

    const beforeLeave = await marks(members)
    await joiner.ask('leave')
    await untilCorrect(old, CAP_MS)
    const left = await since(members, beforeLeave)
    expect(
      left
        .filter(({ name }) => name === 'range')
        .map(brief)
        .sort(byId),
    ).toEqual(
      [
        { id: self.id, gained: [], lost: [moved], cause: 'leave', from: undefined, to: after.id },
        { id: after.id, gained: [moved], lost: [], cause: 'leave', from: self.id, to: undefined },
      ].sort(byId),
    )
    expect(neighborChange(left, 'successor', before.id)).toEqual([self.id, after.id])
    expect(neighborChange(left, 'predecessor', after.id)).toEqual([self.id, before.id])
  })

  test('the range of who is killed goes to its successor, which says that it took it', async () => {
    await startRing(members, {})
    const states = await untilCorrect(members, CAP_MS)
    const victim = members[1]!
    const { before, after, self } = around(states, victim.ids[0]!)
    const survivors = members.filter((member) => member !== victim)
    const mark = await marks(survivors)
    victim.kill()
    await untilCorrect(survivors, CAP_MS)
    const events = await since(survivors, mark)
    const moved = { after: before.id, upTo: self.id }
    expect(events.filter(({ name }) => name === 'range').map(brief)).toEqual([
      { id: after.id, gained: [moved], lost: [], cause: 'takeover', from: self.id, to: undefined },
    ])
    const down = events.find(({ name, peer }) => name === 'peer:down' && peer?.id === self.id)
    expect(down).toBeDefined()
  })

  test('what all gained and lost adds up exactly, epoch by epoch, through joins, leaves and a kill', {
    timeout: 90_000,
  }, async () => {
    await startRing(members, { virtualNodes: 3 })
    await untilCorrect(members, CAP_MS)
    const late = await spawnMembers(2)
    members.push(...late)
    await Promise.all(late.map((member) => member.start({ virtualNodes: 3, join: [members[1]!.address] })))
    await untilCorrect(members, CAP_MS)
    const leaver = members[0]!
    await leaver.ask('leave')
    const stayers = members.filter((member) => member !== leaver)
    await untilCorrect(stayers, CAP_MS)
    const victim = stayers[1]!
    const died = (await victim.ask('members')).map(({ range }) => range!)
    const events = await victim.ask('events')
    victim.kill()
    const survivors = stayers.filter((member) => member !== victim)
    const states = await untilCorrect(survivors, CAP_MS)
    for (const member of [leaver, ...survivors]) events.push(...(await member.ask('events')))

    const changes = events.filter(({ name }) => name === 'range')
    const ends = foldByMember(changes)
    for (const { id, range, epoch } of states) expect(ends.get(id)).toEqual({ range, epoch })
    for (const id of leaver.ids) expect(ends.get(id)!.range).toBeUndefined()

    const gained = total(changes.flatMap((change) => change.gained))
    const lost = total(changes.flatMap((change) => change.lost))
    expect(gained - lost - total(died)).toBe(WHOLE_RING)
    const given = changes.filter(({ to }) => to).flatMap((c) => c.lost.map((range) => handover(c.member, c.to!, range)))
    const taken = changes
      .filter(({ from, cause }) => from && cause !== 'takeover')
      .flatMap((c) => c.gained.map((range) => handover(c.from!, c.member, range)))
    expect(taken.sort()).toEqual(given.sort())
  })

  test('owns() agrees with the look-ups of all others', async () => {
    await startRing(members, {})
    await untilCorrect(members, CAP_MS)
    for (const key of someKeys('owns', 20)) {
      const answers = await Promise.all(members.map((member) => member.ask('owns', key)))
      const [owner] = await members[0]!.ask('owners', { keys: [key] })
      expect(answers.filter((answer) => answer !== undefined)).toEqual([owner])
    }
  })
})

interface Brief {
  id: string
  gained: PlainRange[]
  lost: PlainRange[]
  cause: string
  from: string | undefined
  to: string | undefined
}

function brief({ member, gained, lost, cause, from, to }: PlainEvent): Brief {
  return { id: member.id, gained, lost, cause, from: from?.id, to: to?.id }
}

function byId(a: Brief, b: Brief): number {
  return a.id < b.id ? -1 : 1
}

/** How many events each has seen so far. */
async function marks(list: readonly Member[]): Promise<number[]> {
  return Promise.all(list.map(async (member) => (await member.ask('events')).length))
}

/** The events of those members since. */
async function since(list: readonly Member[], marks: readonly number[]): Promise<PlainEvent[]> {
  return (await Promise.all(list.map((member, m) => member.ask('events', marks[m])))).flat()
}

function around(states: readonly PlainMember[], id: string) {
  const ring = [...states].sort((a, b) => (a.id < b.id ? -1 : 1))
  const at = ring.findIndex((state) => state.id === id)
  const step = (steps: number) => ring[(at + steps + ring.length) % ring.length]!
  return { before: step(-1), self: step(0), after: step(1) }
}

/** Where one member's neighbour was and ended up; between, it may be unknown for a moment. Empty if it never changed. */
function neighborChange(events: readonly PlainEvent[], name: 'successor' | 'predecessor', id: string): string[] {
  const own = events.filter((event) => event.name === name && event.member.id === id)
  for (const [i, event] of own.entries()) if (i > 0) expect(idOf(event.previous)).toBe(idOf(own[i - 1]!.current))
  return own.length === 0 ? [] : [idOf(own[0]!.previous), idOf(own.at(-1)!.current)]
}

function idOf(peer: unknown): string {
  return (peer as { id: string } | undefined)?.id ?? 'none'
}

/** Where each member's range ends up; on the way its epoch only rises, and its range is what was before plus and minus. */
function foldByMember(changes: readonly PlainEvent[]): Map<string, { range?: PlainRange; epoch: bigint }> {
  const ends = new Map<string, { range?: PlainRange; epoch: bigint }>()
  for (const change of changes) {
    const before = ends.get(change.member.id)
    if (before) expect(change.epoch).toBeGreaterThan(before.epoch)
    const size = (range?: PlainRange) => (range ? sizeOf(range) : 0n)
    expect(size(change.range)).toBe(size(before?.range) + total(change.gained) - total(change.lost))
    const end = { epoch: change.epoch, ...(change.range ? { range: change.range } : {}) }
    ends.set(change.member.id, end)
  }
  return ends
}

function total(ranges: readonly PlainRange[]): bigint {
  return ranges.reduce((sum, range) => sum + sizeOf(range), 0n)
}

function handover(from: { id: string }, to: { id: string }, range: PlainRange): string {
  return `${from.id} to ${to.id}: (${range.after}, ${range.upTo}]`
}
