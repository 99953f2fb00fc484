/** Whether a process with a cluster ends by itself. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { module, transports } from './clusters.ts'

describe.each(transports)('a process with a cluster over %s ends by itself', (transport) => {
  test.each(['close', 'leave', 'unref'])('after %s', async (how) => {
    const args = [decodeURIComponent(module('program.mjs').pathname), how, transport]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
    expect(stdout).toBe('done\n')
  })
})
