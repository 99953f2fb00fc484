import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { chordite, MAIN, Running } from './chordite.ts'

test('a node prints where it is, and leaves on SIGTERM', async () => {
  const node = new Running(['node', '--json', '--virtual-nodes', '2'])
  const ready = await node.event(({ event }) => event === 'ready')
  expect(ready.address).toMatch(/^127\.0\.0\.1:\d+$/)
  expect(ready.members).toHaveLength(2)
  expect(ready.pid).toBe(node.process.pid)
  expect(await node.end('SIGTERM')).toBe(0)
  expect(node.events.at(-1)).toEqual({ event: 'closed', graceful: true })
})

test('a node that leaves hands its range to the one that stays', async () => {
  const first = new Running(['node', '--json'])
  const { address } = (await first.event(({ event }) => event === 'ready')) as { address: string }
  const second = new Running(['node', '--json', '--join', address])
  await second.event(({ event }) => event === 'ready')
  await first.event(({ event, lost }) => event === 'range' && (lost as unknown[]).length > 0)
  expect(await second.end('SIGINT')).toBe(0)
  const back = await first.event(({ event, cause }) => event === 'range' && cause === 'leave')
  expect(back.gained).toHaveLength(1)
  expect(await first.end('SIGTERM')).toBe(0)
})

test('a signal while it still tries to join ends it at once', async () => {
  const node = new Running(['node', '--json', '--join', '127.0.0.1:1', '--start-timeout', '60000'])
  await node.event(({ event, current }) => event === 'state' && current === 'joining')
  expect(await node.end('SIGTERM')).toBe(0)
})

test('without --json it prints one line for people', async () => {
  const child = spawn(process.execPath, [MAIN, 'node'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  expect((await output.next()).value).toMatch(/^ready 127\.0\.0\.1:\d+ \((native|tcp) transport, id [0-9a-f]{40}\)$/)
  child.kill('SIGTERM')
  expect((await output.next()).value).toBe('left')
  await once(child, 'close')
  expect(child.exitCode).toBe(0)
})

test('up runs a ring until Ctrl-C, and no process of it stays', async () => {
  const up = new Running(['up', '--nodes', '3', '--json'])
  const { addresses } = (await up.event(({ event }) => event === 'up')) as { addresses: string[] }
  expect(new Set(addresses).size).toBe(3)
  const pids = up.events.filter(({ event }) => event === 'ready').map(({ pid }) => pid as number)
  expect(await up.end('SIGINT')).toBe(0)
  expect(up.events.filter(({ event }) => event === 'ended')).toHaveLength(3)
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

test('the nodes of an up that is killed leave by themselves', async () => {
  const up = new Running(['up', '--nodes', '2', '--json'])
  const { addresses } = (await up.event(({ event }) => event === 'up')) as { addresses: string[] }
  const watcher = new Running(['node', '--json', '--join', addresses[0]!])
  await watcher.event(({ event }) => event === 'ready')
  const closed = once(up.process, 'close')
  up.process.kill('SIGKILL')
  await closed
  const alone = await watcher.event(
    ({ event, range }) =>
      event === 'range' &&
      (range as { after: string; upTo: string } | undefined)?.after === (range as { upTo: string }).upTo,
  )
  expect(alone.event).toBe('range')
  expect(await watcher.end('SIGTERM')).toBe(0)
})

test('with --workers it is several members; all leave on SIGTERM', async () => {
  const first = new Running(['node', '--json'])
  const { address } = (await first.event(({ event }) => event === 'ready')) as { address: string }
  const both = new Running(['node', '--json', '--workers', '2', '--join', address, '--status', '50'])
  const status = await both.event(({ event }) => event === 'status')
  expect(status.state).toBe('member')
  expect(status.members).toHaveLength(2)
  const ready = both.events.filter(({ event }) => event === 'ready')
  expect(new Set(ready.map(({ address }) => address)).size).toBe(2)
  expect(ready.map(({ worker }) => worker).sort()).toEqual([0, 1])
  const routed = await chordite(['route', '--json', '--to', ready[0]!.address as string], 'ann\nbob\n')
  expect(routed.code).toBe(0)
  expect(await both.end('SIGTERM')).toBe(0)
  expect(both.events.at(-1)).toEqual({ event: 'closed', graceful: true })
  expect(await first.end('SIGTERM')).toBe(0)
})

test('with --workers and without --json it prints a line for each', async () => {
  const child = spawn(process.execPath, [MAIN, 'node', '--workers', '2'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ready = /^ready 127\.0\.0\.1:\d+ \((native|tcp) transport, worker [01], id [0-9a-f]{40}\)$/
  expect((await output.next()).value).toMatch(ready)
  expect((await output.next()).value).toMatch(ready)
  child.kill('SIGTERM')
  expect((await output.next()).value).toBe('left')
  await once(child, 'close')
  expect(child.exitCode).toBe(0)
})
