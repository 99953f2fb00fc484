/** Keeps requests under way to each endpoint through the public API: `connect`, then `requestTo`, in one of its forms. */
import { connect } from '../../dist/index.js'
import { answerParent, cpuMs, systemMs } from '../lib/worker.mjs'
import { ECHO, OUTSTANDING } from './shape.mjs'

const LATENCIES_MAX = 1 << 16
/** For all calls: what a call allocates by itself is for the library to answer for. */
const OPTIONS = {}

const [form, ...addresses] = process.argv.slice(2)
const client = await connect({ to: addresses })
const latencies = new Float64Array(LATENCIES_MAX)
let sampled = 0
let answered = 0
let body = new Uint8Array(0)
let running = false
let underWay = 0
let stopped = () => {}
let failure

answerParent({
  start(bytes) {
    body = new Uint8Array(bytes).fill(120)
    running = true
    const begin = form === 'callbacks' ? keepCalling : keepAwaiting
    for (const address of addresses) for (let i = 0; i < OUTSTANDING; i++) begin(address, i === 0)
  },
  /** Counts and latencies since the last one. */
  mark() {
    if (failure !== undefined) throw failure
    const counted = {
      atMs: performance.now(),
      count: answered,
      cpuMs: cpuMs(),
      systemMs: systemMs(),
      latencies: Array.from(latencies.subarray(0, sampled)),
    }
    sampled = 0
    return counted
  },
  stop() {
    running = false
    return new Promise((resolve) => {
      stopped = resolve
    })
  },
})

/** One after the other. One chain of each endpoint looks at the clock; all doing so would measure the clock. */
async function keepAwaiting(address, timed) {
  underWay++
  try {
    while (running) {
      const beganMs = timed ? performance.now() : 0
      const reply = await client.requestTo(address, ECHO, body)
      if (timed) took(performance.now() - beganMs)
      check(reply)
    }
  } catch (error) {
    failure ??= error
  }
  ended()
}

/** The same with one callback for all calls of a chain. */
function keepCalling(address, timed) {
  let beganMs = 0
  const next = () => {
    if (timed) beganMs = performance.now()
    client.requestTo(address, ECHO, body, OPTIONS, onResult)
  }
  const onResult = (result) => {
    if (timed) took(performance.now() - beganMs)
    if (result.ok) check(result.value)
    else failure ??= result.error
    if (running && result.ok) next()
    else ended()
  }
  underWay++
  next()
}

function check(reply) {
  if (reply.length !== body.length) failure ??= new Error(`a reply of ${reply.length} bytes to ${body.length}`)
  answered++
}

function took(ms) {
  if (sampled < LATENCIES_MAX) latencies[sampled++] = ms
}

function ended() {
  if (--underWay === 0) stopped()
}
