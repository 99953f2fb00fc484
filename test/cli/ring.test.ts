import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chordite, lines, Running } from './chordite.ts'

interface Ring {
  whole: boolean
  members: { id: string; address: string; share: number; range: { after: string; upTo: string } }[]
  breaks: string[]
}

let up: Running
let to: string
let ring: Ring

beforeAll(async () => {
  up = new Running(['up', '--nodes', '4', '--json', '--virtual-nodes', '2'])
  to = ((await up.event(({ event }) => event === 'up')) as { addresses: string[] }).addresses[0]!
  ring = await walkUntilWhole()
})

afterAll(async () => {
  await up?.end('SIGINT')
})

/** The pointers settle just after the nodes have joined; each status report of a node is a reason to look again. */
async function walkUntilWhole(): Promise<Ring> {
  for (;;) {
    const walked = await chordite(['ring', '--to', to, '--json'])
    const result = JSON.parse(walked.stdout) as Ring
    expect(walked.code).toBe(result.whole ? 0 : 2)
    if (result.whole) return result
    const seen = up.events.length
    await up.event((event) => up.events.indexOf(event) >= seen)
  }
}

/** The first member at or after the id: what the ring must say, computed without it. */
function rightOwner(key: string): string {
  const id = createHash('sha1').update(key).digest('hex')
  const ids = ring.members.map((member) => member.id).sort()
  return ids.find((candidate) => candidate >= id) ?? ids[0]!
}

test('ring walks all members in order, and their shares add up', () => {
  expect(ring.members).toHaveLength(8)
  expect(new Set(ring.members.map(({ address }) => address)).size).toBe(4)
  expect(ring.members.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
  const ids = ring.members.map(({ id }) => id)
  const start = ids.indexOf([...ids].sort()[0]!)
  expect([...ids.slice(start), ...ids.slice(0, start)]).toEqual([...ids].sort())
})

test('ring prints a table for people', async () => {
  const { code, stdout, stderr } = await chordite(['ring', '--to', to])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(lines(stdout)).toHaveLength(1 + 8 + 1)
  expect(stdout).toContain('8 members in 4 processes')
})

test('lookup names the right owner, by key and by id, both ways of routing', async () => {
  const key = 'left-pad'
  const id = createHash('sha1').update(key).digest('hex')
  for (const args of [[key], ['--id', id], [key, '--route', 'iterative']]) {
    const { code, stdout } = await chordite(['lookup', ...args, '--to', to, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ id, owner: { id: rightOwner(key) } })
  }
})

test('route sends each line to its owner', async () => {
  const keys = Array.from({ length: 1000 }, (_, index) => `key ${index} ✓`)
  const { code, stdout } = await chordite(['route', '--to', to, '--json'], `${keys.join('\n')}\n\n`)
  expect(code).toBe(0)
  const printed = lines(stdout).map((line) => JSON.parse(line))
  const { summary } = printed.pop()
  expect(printed.map(({ key, id }) => [key, id])).toEqual(keys.map((key) => [key, rightOwner(key)]))
  expect(summary).toMatchObject({ keys: 1000, failed: 0 })
  expect(summary.nodes.reduce((sum: number, node: { keys: number }) => sum + node.keys, 0)).toBe(1000)
})

test('route prints a summary for people, and nothing where there are no keys', async () => {
  const some = await chordite(['route', '--to', to, '--verbose'], 'one\ntwo\n')
  expect(some).toMatchObject({ code: 0, stderr: '' })
  expect(lines(some.stdout)[0]).toMatch(/^one {2}127\.0\.0\.1:\d+ {2}\d+$/)
  expect(some.stdout).toMatch(/2 keys in .* keys\/s/)
  expect(await chordite(['route', '--to', to], '')).toMatchObject({ code: 0, stderr: '' })
})
