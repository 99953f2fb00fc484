/**
 * The client of a contestant: `client.mjs KIND WAY KNOWN`. Keeps requests under way on as many connections as it is told to, and
 * checks each reply: its length, and the number of the request at both ends of the body; of one in 64 all bytes.
 */

import { answerParent, cpuMs } from '../../lib/worker.mjs'
import { chainOf, isReplyTo, stamp } from '../lib/body.mjs'

const LATENCIES_MAX = 1 << 16
/** One chain in so many looks at the clock; all doing so would measure the clock. */
const TIMED_EVERY = 16

const [kind, way, known] = process.argv.slice(2)
const { open, resultOf = (result) => result } = await import(`./${kind}.mjs`)
const asks = []
const latencies = new Float64Array(LATENCIES_MAX)
const mistakes = []
let sampled = 0
let answered = 0
let failed = 0
let running = false
let underWay = 0
let stopped = () => {}

answerParent({
  async start({ connections, outstanding, bytes }) {
    const more = connections - asks.length
    if (more > 0) asks.push(...(await open(JSON.parse(known), more, { way })))
    running = true
    const begin = way === 'promises' ? keepAwaiting : keepCalling
    for (const ask of asks.slice(0, connections)) {
      for (let i = 0; i < outstanding; i++) begin(ask, chainOf(bytes), i % TIMED_EVERY === 0)
    }
  },
  /** Counts and latencies since the last one; CPU time and the clock now. */
  mark() {
    const counts = { count: answered, failed, mistakes: mistakes.splice(0) }
    const counted = {
      atMs: performance.now(),
      cpuMs: cpuMs(),
      ...counts,
      latencies: [...latencies.subarray(0, sampled)],
    }
    sampled = 0
    return counted
  },
  stop() {
    running = false
    return new Promise((resolve) => {
      stopped = resolve
      if (underWay === 0) resolve()
    })
  },
})

/** One after the other. */
async function keepAwaiting(ask, chain, timed) {
  underWay++
  while (running) {
    const beganMs = timed ? performance.now() : 0
    stamp(chain)
    try {
      check(chain, await ask(chain.body))
    } catch (error) {
      await fail(error)
      continue
    }
    if (timed) took(performance.now() - beganMs)
  }
  ended()
}

/** The same with one callback for all requests of a chain. */
function keepCalling(ask, chain, timed) {
  let beganMs = 0
  const next = () => {
    if (!running) return ended()
    if (timed) beganMs = performance.now()
    stamp(chain)
    ask(chain.body, done)
  }
  const done = (given) => {
    const reply = resultOf(given)
    if (reply instanceof Error) return fail(reply).then(next)
    if (timed) took(performance.now() - beganMs)
    check(chain, reply)
    next()
  }
  underWay++
  next()
}

function check(chain, reply) {
  if (isReplyTo(chain, reply)) answered++
  else mistake('a reply is not what was sent')
}

/** What fails goes on a moment later, so that it cannot keep the process busy with failing. */
function fail(error) {
  mistake(error?.message ?? String(error))
  return new Promise((resolve) => setTimeout(resolve, 1))
}

function mistake(what) {
  failed++
  if (mistakes.length < 3) mistakes.push(what)
}

function took(ms) {
  if (sampled < LATENCIES_MAX) latencies[sampled++] = ms
}

function ended() {
  if (--underWay === 0) stopped()
}
