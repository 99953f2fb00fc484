/**
 * Fuzzes one instrumented target in this process: node --expose-gc run.mjs PROGRAM BRIDGE TARGET COUNTERS INPUT_BYTES ARGUMENT…
 * Started by scripts/fuzz.mjs. Says how large the heap is as it goes, and fails if it grows.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const MiB = 2 ** 20
const GROWTH_BYTES_MAX = 8 * MiB
const LOOK_EVERY = 250_000

const [program, bridge, path, counters, inputBytes, ...rest] = process.argv.slice(2)
globalThis.__counters = new Uint8Array(Number(counters))
const { default: target } = await import(pathToFileURL(path).href)

const input = new Uint8Array(Number(inputBytes))
let inputs = 0
let firstBytes = 0
createRequire(import.meta.url)(bridge).run(one, input, globalThis.__counters, [program, ...rest])

function one(length) {
  // libFuzzer gives up where its first inputs raise nothing.
  globalThis.__counters[0]++
  target(input.subarray(0, length))
  if (++inputs % LOOK_EVERY === 0) lookAtHeap()
}

/** What is alive after a collection; array buffers count, whatever libFuzzer keeps does not. */
function lookAtHeap() {
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  const bytes = heapUsed + external
  firstBytes ||= bytes
  process.stderr.write(`HEAP ${inputs} ${(bytes / MiB).toFixed(1)} MiB\n`)
  if (bytes > firstBytes + GROWTH_BYTES_MAX) throw new Error(`the heap grew from ${firstBytes} to ${bytes} bytes`)
}
