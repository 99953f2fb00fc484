import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const EXAMPLE = new URL('../../examples/embed.mjs', import.meta.url)

test('the embedding example of the README is the one that runs', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1])
  expect(blocks).toContain(readFileSync(EXAMPLE, 'utf8'))
})

test('and it does what it says', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [fileURLToPath(EXAMPLE)])
  expect(stderr).toBe('')
  expect(stdout).toContain('hello alice, from its owner')
})
