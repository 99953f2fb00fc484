/**
 * Adds up what the steps of `.ci/run` left in a folder: `steps` (name, passed or failed, seconds) and, where a step runs many
 * checks, `<step>.vitest.json` or `<step>.checks.json`. Prints the tests that failed once more (who reads only the end of a
 * long log still learns which), a table and, last, `N passed, N failed, N skipped`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.argv[2]
const total = { passed: 0, failed: 0, skipped: 0 }
const steps = readFileSync(join(folder, 'steps'), 'utf8').trimEnd().split('\n')
for (const line of steps) printFailures(line.split('\t')[0])
console.log('\nstep             result   seconds   passed   failed  skipped')
for (const line of steps) {
  const [name, status, seconds] = line.split('\t')
  const counts = countsOf(name, status)
  for (const kind of Object.keys(total)) total[kind] += counts[kind]
  const cells = [seconds.padStart(8), ...Object.values(counts).map((count) => String(count).padStart(8))]
  console.log(`${name.padEnd(16)} ${status} ${cells.join(' ')}`)
}
if (total.failed > 0) process.exitCode = 1
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)

function printFailures(step) {
  for (const file of read(`${step}.vitest.json`)?.testResults ?? []) {
    // A file that could not even be loaded has a message of its own.
    if (file.status === 'failed' && file.message) console.log(`\nFAILED ${step}: ${file.name}\n${file.message}`)
    for (const test of file.assertionResults.filter(({ status }) => status === 'failed')) {
      console.log(`\nFAILED ${step}: ${file.name}: ${test.fullName}\n${test.failureMessages.join('\n')}`)
    }
  }
}

/** A step without a report counts as one; one that failed although none of its checks did counts as one failure more. */
function countsOf(name, status) {
  const counts = reported(name) ?? { passed: status === 'passed' ? 1 : 0, failed: 0, skipped: 0 }
  if (status === 'failed' && counts.failed === 0) counts.failed = 1
  return counts
}

function reported(name) {
  const vitest = read(`${name}.vitest.json`)
  if (vitest) {
    const skipped = vitest.numPendingTests + (vitest.numTodoTests ?? 0)
    return { passed: vitest.numPassedTests, failed: vitest.numFailedTests, skipped }
  }
  return read(`${name}.checks.json`)
}

function read(file) {
  const path = join(folder, file)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}
