/** Bytes of JavaScript memory for a message, and calls of malloc: none should be needed to receive and to answer one. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { helloHex } from '../echo/hello.mjs'
import { compile } from '../lib/compile.mjs'
import { startWorker } from '../lib/worker.mjs'
import { startPair } from '../request/pair.mjs'

const FULL = { warmupMs: 1500, windowMs: 1000 }
const QUICK = { warmupMs: 500, windowMs: 200 }
/** Room for what is allocated in a window, in MiB: where nothing is collected the heap's growth tells all. */
const HEAP = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128']
const BYTES = 64
const CONNECTIONS = 16
const OUTSTANDING = 64
/** For V8's own: feedback, and code that is compiled anew. */
const BYTES_MAX = 1

const serverScript = fileURLToPath(new URL('./echo-server.mjs', import.meta.url))

/** Rows: `{ name, unit, perMessage, messages, atMost, note }`. What cannot be measured is in `missing`, with the reason. */
export async function runAllocation({ quick = false, say = () => {} } = {}) {
  const plan = quick ? QUICK : FULL
  const parts = {
    'receive path': () => receivePath(plan),
    malloc: () => mallocCalls(plan),
    'callbacks, handleBatch': () => requests(plan, 'callbacks', 'handleBatch'),
    'promises, handle': () => requests(plan, 'promises', 'handle'),
  }
  const rows = []
  const missing = []
  for (const [name, measure] of Object.entries(parts)) {
    say(`allocation: ${name}`)
    try {
      rows.push(...(await measure()))
    } catch (error) {
      missing.push({ contestant: `allocation, ${name}`, reason: error.message })
    }
  }
  return { rows, missing }
}

/**
 * Of the transport: frames are read from the ring, and copied back, by a handler that allocates nothing either. Node.js
 * takes a little for each wake-up; two loads with more and fewer messages a wake-up tell that from what a message takes.
 */
async function receivePath(plan) {
  const server = await startWorker(serverScript, ['native'], { execArgv: HEAP })
  try {
    const many = await heapUnderLoad(server, OUTSTANDING, plan)
    const few = await heapUnderLoad(server, 1, plan)
    return [{ name: 'receive and answer a frame', unit: 'bytes of heap', ...solved(many, few), atMost: BYTES_MAX }]
  } finally {
    server.kill()
  }
}

/** bytes = aMessage × messages + aWakeUp × wakeUps, twice. */
function solved(many, few) {
  const det = many.messages * few.wakeUps - few.messages * many.wakeUps
  const aMessage = (many.bytes * few.wakeUps - few.bytes * many.wakeUps) / det
  const aWakeUp = (few.bytes * many.messages - many.bytes * few.messages) / det
  const batch = Math.round(many.messages / many.wakeUps)
  const inAll = (many.bytes / many.messages).toFixed(2)
  return {
    perMessage: Math.max(0, aMessage),
    messages: many.messages + few.messages,
    note: `besides ${Math.round(aWakeUp)} for a wake-up, here of ${batch} messages: ${inAll} in all`,
  }
}

async function heapUnderLoad(server, outstanding, plan) {
  const loading = load(server, outstanding, plan)
  await passed(plan.warmupMs)
  const { bytes, before, after } = await heapOf(server, plan)
  await loading
  return { bytes, messages: after.count - before.count, wakeUps: after.batches - before.batches }
}

/** The larger of two estimates from below: samples may miss what is rare, growth what was collected. */
async function heapOf(worker, { windowMs }) {
  const before = await worker.ask('beginHeap')
  await passed(windowMs)
  const { counted: after, sampledBytes, grownBytes, sites } = await worker.ask('endHeap')
  return { bytes: Math.max(sampledBytes, grownBytes ?? 0), sites, before, after }
}

async function mallocCalls(plan) {
  const env = { LD_PRELOAD: compile('malloc-count', { shared: true }) }
  const server = await startWorker(serverScript, ['native'], { env, pipes: 1 })
  try {
    const loading = load(server, OUTSTANDING, plan)
    await passed(plan.warmupMs)
    const before = await server.ask('mark')
    server.process.kill('SIGUSR2')
    await passed(plan.windowMs)
    const report = new Promise((resolve) => server.process.stdio[4].once('data', resolve))
    server.process.kill('SIGUSR2')
    const [calls, byAddon] = new BigUint64Array(new Uint8Array(await report).buffer)
    const after = await server.ask('mark')
    await loading
    const messages = after.count - before.count
    const aWakeUp = (Number(calls) / (after.batches - before.batches)).toFixed(1)
    const row = (name, count) => ({ name, unit: 'calls of malloc', perMessage: Number(count) / messages, messages })
    return [
      { ...row('the addon, receiving and answering', byAddon), atMost: 0 },
      { ...row('Node.js around it', calls - byAddon), note: `${aWakeUp} for a wake-up, to call JavaScript` },
    ]
  } finally {
    server.kill()
  }
}

/** Here bodies become the application's own, so something is allocated; the sites say what. */
async function requests(plan, form, handler) {
  const { client, server } = await startPair({ form, handler }, { execArgv: HEAP })
  try {
    await client.ask('start', BYTES)
    await passed(plan.warmupMs)
    const ofClient = requestRow(`requestTo with ${form}, client`, await heapOf(client, plan))
    const ofServer = requestRow(`${handler}, server`, await heapOf(server, plan))
    return [ofClient, ofServer]
  } finally {
    client.kill()
    server.kill()
  }
}

function requestRow(name, { bytes, sites, before, after }) {
  const messages = after.count - before.count
  const perMessage = sites.map((site) => ({ ...site, bytes: Math.round(site.bytes / messages) }))
  const main = perMessage.filter((site) => site.bytes > 0).map((site) => `${site.bytes} ${site.site}`)
  return { name, unit: 'bytes of heap', perMessage: bytes / messages, messages, note: main.join(', ') }
}

/** Longer than the window: the questions to a busy server take a while to be answered. Whoever waits for its end is told. */
function load(server, outstanding, { warmupMs, windowMs }) {
  const args = [server.ready.port, server.process.pid, 'frame', BYTES, CONNECTIONS, outstanding]
  args.push(0, warmupMs + windowMs + 300, helloHex())
  const loading = promisify(execFile)(compile('load'), args.map(String))
  loading.catch(() => {})
  return loading
}

function passed(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
