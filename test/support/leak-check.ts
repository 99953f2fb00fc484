/** Loaded before each file of tests by scripts/sanitize.mjs: what its process has leaked is reported at its end. */
import { createRequire } from 'node:module'
import { afterAll } from 'vitest'

const { check } = createRequire(import.meta.url)(process.env.CHORDITE_LEAK_CHECK!) as { check(): void }
afterAll(() => check())
