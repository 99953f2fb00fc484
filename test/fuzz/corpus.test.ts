/** What the fuzzer found worth keeping goes through its target with every test run. `npm run fuzz` looks for more. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import fragments from './fragments.ts'
import frames from './frames.ts'
import hello from './hello.ts'
import type { Target } from './input.ts'
import messages from './messages.ts'
import recording from './recording.ts'
import routing_table from './routing_table.ts'
import streams from './streams.ts'

const targets: Record<string, Target> = { fragments, frames, hello, messages, recording, routing_table, streams }

describe.each(Object.entries(targets))('corpus of %s', (name, target) => {
  const folder = new URL(`corpus/${name}/`, import.meta.url)
  const files = readdirSync(folder)

  test('is not empty', () => {
    expect(files.length).toBeGreaterThan(10)
  })

  test('is taken', () => {
    for (const file of files) {
      try {
        target(new Uint8Array(readFileSync(new URL(file, folder))))
      } catch (cause) {
        throw new Error(`${name}/${file}`, { cause })
      }
    }
  })
})
