/** Processes that record, one of which is killed; then everything is told again to cores of this machine's replay. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { crc32 } from '../../src/wire/checksum.ts'
import { FILE_HEAD, RECORD_HEAD_BYTES } from '../../src/wire/recording.ts'
import { chordite, lines, Running } from './chordite.ts'

const folder = mkdtempSync(join(tmpdir(), 'chordite-record-'))
const paths = ['a', 'b', 'c'].map((name) => join(folder, `${name}.rec`))
afterAll(() => rmSync(folder, { recursive: true }))

async function ready(node: Running): Promise<string> {
  return String((await node.event(({ event }) => event === 'ready')).address)
}

beforeAll(async () => {
  const first = new Running(['node', '--json', '--record', paths[0]!])
  const address = await ready(first)
  const others = paths.slice(1).map((path) => {
    return new Running(['node', '--json', '--join', address, '--record', path, '--virtual-nodes', '2'])
  })
  const killed = others[1]!
  await Promise.all(others.map(ready))
  await first.event(({ event, current }) => event === 'predecessor' && current !== undefined)
  await killed.end('SIGKILL')
  expect(await others[0]!.end('SIGTERM')).toBe(0)
  expect(await first.end('SIGTERM')).toBe(0)
})

test('every recording leads to the same states, that of the one that was killed too', async () => {
  for (const [index, path] of paths.entries()) {
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const { code, stdout, stderr } = await chordite(['replay', path])
    // Who is killed early has not written down a state yet.
    expect(stdout + stderr).toMatch(index === 2 ? /all the same|no state was compared/ : /all the same/)
    expect(code).toBe(0)
    expect(stderr).toContain(index === 2 ? 'the process died' : '')
    // The one that was killed may have lost what it wrote last.
    if (index !== 2) expect(lines(stdout).some((line) => line.includes('cause '))).toBe(true)
  }
})

test('--json says it in values, --until stops in time, --trace shows every message', async () => {
  const { stdout } = await chordite(['replay', '--json', '--until', '20', paths[0]!])
  const values = lines(stdout).map((line) => JSON.parse(line))
  expect(values.at(-1).replayed).toMatchObject({ inputs: 20, network: 'chordite', file: 0 })
  expect(values.at(-1).replayed.members).toHaveLength(1)
  expect(values[0]).toMatchObject({ type: 'state', previous: 'new', current: 'joining', ms: 0 })
  const traced = await chordite(['replay', '--trace', paths[1]!])
  expect(traced.stdout).toMatch(/#\d+ 127\.0\.0\.1:\d+\.[0-9a-f]{4} ← .* neighbors /)
})

test('what is damaged or missing is said', async () => {
  const torn = join(folder, 'torn.rec')
  writeFileSync(torn, readFileSync(paths[0]!).subarray(0, -5))
  const { code, stderr } = await chordite(['replay', torn])
  expect(code).toBe(0)
  expect(stderr).toContain('a record is torn at byte')

  writeFileSync(torn, 'something else')
  expect(await chordite(['replay', torn])).toMatchObject({ code: 1 })
  const missing = await chordite(['replay', join(folder, 'missing')])
  expect(missing).toMatchObject({ code: 1 })
  expect(missing.stderr).toContain('ERR_RECORDING')
})

test('a recording of another version is tried, and that is said', async () => {
  const bytes = readFileSync(paths[0]!)
  const header = FILE_HEAD.length + RECORD_HEAD_BYTES
  const end = header + bytes.readUInt32LE(FILE_HEAD.length)
  bytes.write('9', bytes.indexOf('"version":"') + '"version":"'.length)
  bytes.writeUInt32LE(crc32(bytes, header, end), FILE_HEAD.length + 4)
  const other = join(folder, 'other.rec')
  writeFileSync(other, bytes)
  const { code, stdout, stderr } = await chordite(['replay', other])
  expect(stderr).toMatch(/recorded by chordite 9\S*, this is \S+; trying/)
  expect(stdout).toContain('all the same')
  expect(code).toBe(0)
})

test('a node that cannot record says so once, and lives', async () => {
  const node = new Running(['node', '--json', '--record', join(folder, 'nowhere', 'a.rec')])
  await ready(node)
  const { code } = await node.event(({ event }) => event === 'warning')
  expect(code).toBe('ERR_RECORDING')
  expect(await node.end('SIGTERM')).toBe(0)
  expect(node.events.filter(({ event }) => event === 'warning')).toHaveLength(1)
})
