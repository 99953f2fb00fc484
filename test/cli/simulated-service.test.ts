import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const EXAMPLE = fileURLToPath(new URL('../../examples/simulated-service.mjs', import.meta.url))

const run = async (seeds: string, env: Record<string, string> = {}) => {
  const { stdout } = await promisify(execFile)(process.execPath, [EXAMPLE, seeds], { env: { ...process.env, ...env } })
  return stdout
}

test('the example of a simulated service keeps every vote in a hundred worlds', async () => {
  expect(await run('100')).toMatch(/^100 worlds, \d+ virtual minutes, no vote lost;/)
}, 120_000)

test('and runs the same way every time, with native or TypeScript ids', async () => {
  const first = await run('10')
  expect(await run('10')).toBe(first)
  expect(await run('10', { CHORDITE_TRANSPORT: 'tcp' })).toBe(first)
  expect(await run('10', { CHORDITE_SEED: '7' })).toMatch(/^1 worlds/)
}, 120_000)
