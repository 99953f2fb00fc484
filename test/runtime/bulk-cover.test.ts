/** What to ask, and what an answer covers: against the plain definition, for rings and keys of all shapes. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ChordError, Id, type Owner, type Result } from '../../src/index.ts'
import { packIds } from '../../src/native/ids.ts'
import { Cover, FAILED, type Gap } from '../../src/runtime/bulk/cover.ts'
import { IdOrder } from '../../src/runtime/bulk/id-order.ts'
import { lookUpMany } from '../../src/runtime/bulk/look-up-many.ts'
import type { BulkPort } from '../../src/runtime/bulk/port.ts'
import { KnownRanges } from '../../src/runtime/known.ts'

/** All over the ring, or so close together that only the last word tells them apart. */
const anyId = fc.oneof(
  fc.uint32Array({ minLength: 5, maxLength: 5 }).map((words) => Id.fromWords(words, 0)),
  fc.nat(300).map((last) => new Id(7, 7, 7, 7, last)),
  fc.nat(3).map((first) => new Id(first << 30, 0, 0, 0, 0)),
)
const anyIds = (most: number) => fc.array(anyId, { minLength: 1, maxLength: most })

/** A ring of the given members, each the owner of what lies between it and the one before. */
function ringOf(members: readonly Id[], epoch = 1n): Owner[] {
  const ids = [...new Map(members.map((id) => [String(id), id])).values()].sort((a, b) => a.compare(b))
  return ids.map((id, i) => ({
    owner: { id, address: `10.0.0.${i}:1`, incarnation: 1n },
    range: { after: ids.at(i - 1)!, upTo: id },
    epoch,
    hops: 1,
  }))
}

function ownerOf(ring: readonly Owner[], key: Id): Owner {
  return ring.find(({ range }) => key.isBetweenOrEnd(range.after, range.upTo))!
}

/** Asks until nothing is left, `atOnce` questions at a time, in the order that `pick` says. */
function askAll(cover: Cover, answer: (gap: Gap) => void, atOnce: number, pick: (count: number) => number): number {
  const asked: Gap[] = []
  let questions = 0
  while (cover.open > 0) {
    for (let gap = cover.next(); gap !== undefined; gap = asked.length < atOnce ? cover.next() : undefined) {
      asked.push(gap)
      questions++
    }
    if (asked.length === 0) throw new Error('nothing to ask, and keys are open')
    answer(asked.splice(pick(asked.length), 1)[0]!)
  }
  return questions
}

it('ids are put in the order of the ring, equal ones in their own', () => {
  fc.assert(
    fc.property(anyIds(120), anyId, (ids, probe) => {
      const sorted = new IdOrder(packIds(ids))
      const expected = ids.map((_, i) => i).sort((a, b) => ids[a]!.compare(ids[b]!) || a - b)
      expect([...sorted.order]).toEqual(expected)
      for (const id of [probe, ids[0]!]) {
        expect(sorted.countUpTo(id)).toBe(ids.filter((one) => one.compare(id) <= 0).length)
      }
    }),
    { numRuns: 300 },
  )
})

it('every key gets its owner, in whatever order answers come', () => {
  const plan = fc.record({
    keys: anyIds(200),
    members: anyIds(60),
    hinted: anyIds(60),
    atOnce: fc.integer({ min: 1, max: 80 }),
    picks: fc.array(fc.nat(), { minLength: 1, maxLength: 50 }),
  })
  fc.assert(
    fc.property(plan, ({ keys, members, hinted, atOnce, picks }) => {
      const ring = ringOf(members)
      const cover = new Cover(packIds(keys))
      // What is remembered may be right, or of another ring, or have holes.
      cover.hint(ringOf([...members, ...hinted]).filter((_, i) => i % 3 !== picks[0]! % 3))
      let turn = 0
      const questions = askAll(
        cover,
        (gap) => {
          if (picks[turn % picks.length]! % 5 === 0) cover.split(gap)
          cover.answered(gap, ownerOf(ring, cover.keyOf(gap)))
        },
        atOnce,
        (count) => picks[turn++ % picks.length]! % count,
      )
      expect(questions).toBeLessThanOrEqual(keys.length)
      for (const [i, key] of keys.entries()) expect(cover.owners[cover.indexes[i]!]).toEqual(ownerOf(ring, key))
    }),
    { numRuns: 300 },
  )
})

it('while ranges move, every key gets one that was told to have it; and keys that fail do so alone', () => {
  const plan = fc.record({
    keys: anyIds(150),
    rings: fc.array(anyIds(20), { minLength: 2, maxLength: 4 }),
    bad: fc.nat(5),
    picks: fc.array(fc.nat(), { minLength: 1, maxLength: 50 }),
  })
  fc.assert(
    fc.property(plan, ({ keys, rings, bad, picks }) => {
      const error = new ChordError('ERR_ISOLATED', 'x')
      const isBad = (id: Id) => (id.w4 & 0xff) % 6 === bad
      const cover = new Cover(packIds(keys))
      let turn = 0
      askAll(
        cover,
        (gap) => {
          const key = cover.keyOf(gap)
          const ring = ringOf(rings[turn % rings.length]!, BigInt(turn))
          if (isBad(key)) cover.failed(gap, error)
          else cover.answered(gap, ownerOf(ring, key))
        },
        7,
        (count) => picks[turn++ % picks.length]! % count,
      )
      for (const [i, key] of keys.entries()) {
        const { range } = cover.owners[cover.indexes[i]!] ?? {}
        if (range === undefined) expect([cover.indexes[i], isBad(key)]).toEqual([FAILED, true])
        else expect(key.isBetweenOrEnd(range.after, range.upTo)).toBe(true)
        expect(cover.errors.get(i)).toBe(range === undefined ? error : undefined)
      }
    }),
    { numRuns: 300 },
  )
})

it('an owner that answers for a range without the key counts for the key', () => {
  const keys = [new Id(1, 0, 0, 0, 0), new Id(9, 0, 0, 0, 0)]
  const [odd] = ringOf([new Id(5, 0, 0, 0, 0), new Id(6, 0, 0, 0, 0)]) as [Owner]
  const strange = { ...odd, range: { after: new Id(2, 0, 0, 0, 0), upTo: new Id(3, 0, 0, 0, 0) } }
  const cover = new Cover(packIds(keys))
  expect(
    askAll(
      cover,
      (gap) => cover.answered(gap, strange),
      1,
      () => 0,
    ),
  ).toBe(2)
  expect(cover.owners[cover.indexes[1]!]).toBe(strange)
})

it('what is remembered right costs one question for each owner, and one more where the ring begins anew', () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => Id.hash(`key-${i}`))
  const ring = ringOf(Array.from({ length: 32 }, (_, i) => Id.hash(`node-${i}`)))
  const ask = (hints: readonly Owner[], atOnce: number) => {
    const cover = new Cover(packIds(keys))
    cover.hint(hints)
    const answer = (gap: Gap) => cover.answered(gap, ownerOf(ring, cover.keyOf(gap)))
    return askAll(cover, answer, atOnce, (count) => count - 1)
  }
  expect(ask(ring, 64)).toBeLessThanOrEqual(33)
  expect(ask([], 64)).toBeLessThanOrEqual(140)
  expect(ask([], 1)).toBeLessThanOrEqual(33)
})

it('own ranges and remembered ones make one table, in which our own count', () => {
  fc.assert(
    fc.property(anyIds(30), anyIds(30), anyIds(50), fc.nat(), (mine, theirs, keys, drop) => {
      const own = ringOf(mine).filter((_, i) => i % 4 === drop % 4)
      const remote = ringOf(theirs).filter((_, i) => i % 3 !== drop % 3)
      const find = (ranges: readonly Owner[], key: Id) => ownerOf(ranges, key) as Owner | undefined
      const remembered = { version: 1, find: (key: Id) => find(remote, key), owners: () => remote }
      const known = new KnownRanges(() => own, remembered)
      const { table, owners } = known.all()
      for (const key of [...keys, ...mine, ...theirs]) {
        expect(owners[table.find(key)]).toBe(find(own, key) ?? find(remote, key))
        expect(known.find(key)).toBe(find(own, key) ?? find(remote, key))
      }
      expect(known.prepared(1)).toBe(known.all())
    }),
    { numRuns: 200 },
  )
})

it('for a few keys nothing is prepared that has just changed, and the answer is the same', async () => {
  const remote = ringOf(Array.from({ length: 500 }, (_, i) => Id.hash(`node-${i}`))).filter((_, i) => i % 5 !== 0)
  const find = (key: Id) => ownerOf(remote, key) as Owner | undefined
  let version = 1
  const known = new KnownRanges(() => [], {
    get version() {
      return version
    },
    find,
    owners: () => remote,
  })
  const port = { known, refusal: () => undefined } as unknown as BulkPort
  const keys = Array.from({ length: 300 }, (_, i) => `key-${i}`)
  const addresses = async (some: readonly string[]) => {
    version++
    const results = (await lookUpMany(port, some, { cached: true })) as readonly Result<Owner>[]
    return results.map((result) => (result.ok ? result.value.owner.address : result.error.code))
  }
  const expected = keys.map((key) => find(Id.hash(key))?.owner.address ?? 'ERR_NOT_CACHED')
  expect(await addresses(keys)).toEqual(expected)
  for (let at = 0; at < keys.length; at += 30) {
    expect(await addresses(keys.slice(at, at + 30))).toEqual(expected.slice(at, at + 30))
  }
  expect(await addresses(keys)).toEqual(expected)
})
