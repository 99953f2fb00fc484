/** Checks that name themselves, take their time, and are counted; `.ci/run` adds the counts up. */
import { writeFileSync } from 'node:fs'

const counts = { passed: 0, failed: 0, skipped: 0 }

/** Passes unless `fn` throws; the rest goes on in any case. */
export async function check(name, fn) {
  const startedMs = performance.now()
  let failure
  try {
    await fn()
    counts.passed++
  } catch (error) {
    counts.failed++
    failure = error
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  console.log(`${failure ? 'FAILED' : 'ok    '} ${name} (${seconds} s)`)
  if (failure) console.log(`${failure.message ?? failure}`.replace(/^/gm, '       '))
}

export function skip(reason) {
  counts.skipped++
  console.log(`skipped: ${reason}`)
}

/** Exit code 1 if anything failed. */
export function finish() {
  if (process.env.CHORDITE_CHECK_REPORT) writeFileSync(process.env.CHORDITE_CHECK_REPORT, JSON.stringify(counts))
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  if (counts.failed > 0) process.exitCode = 1
}
