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

/** Rows: `{ name, unit, perMessage, messages, atMost, note }`. */
export async function runAllocation({ quick = false, say = () => {} } = {}) {
  const plan = quick ? QUICK : FULL
  say('allocation: receive path')
  const rows = [await receivePath(plan)]
  say('allocation: malloc')
  rows.push(...(await mallocCalls(plan)))
  for (const [form, handler] of [
    ['callbacks', 'handleBatch'],
    ['promises', 'handle'],
  ]) {
    say(`allocation: ${form}, ${handler}`)
    rows.push(...(await requests(plan, form, handler)))
  }
  return rows
}

/**
 * Of the transport: frames are read from the ring, and copied back, by a handler that allocates nothing either. Node.js
 * takes a little for each wake-up; two loads with more and fewer messages a wake-up tell that from what a message takes.
 */
async function receivePath(plan) {
  const server = await startWorker(serverScript, ['native'], { execArgv: HEAP })
  const many = await heapUnderLoad(server, OUTSTANDING, plan)
  const few = await heapUnderLoad(server, 1, plan)
  server.kill()
  const aMessage =
    (many.bytes * few.wakeUps - few.bytes * many.wakeUps) / (many.messages * few.wakeUps - few.messages * many.wakeUps)
  const aWakeUp = (few.bytes - aMessage * few.messages) / few.wakeUps
  const batch = Math.round(many.messages / many.wakeUps)
  return {
    name: 'receive and answer a frame',
    unit: 'bytes of heap',
    perMessage: Math.max(0, aMessage),
    messages: many.messages + few.messages,
    atMost: BYTES_MAX,
    note: `besides ${Math.round(aWakeUp)} for a wake-up, here of ${batch} messages: ${(many.bytes / many.messages).toFixed(2)} in all`,
  }
}

async function heapUnderLoad(server, outstanding, plan) {
  const loading = load(server, outstanding, plan)
  await passed(plan.warmupMs)
  const before = await server.ask('count')
  await server.ask('beginHeap')
  await passed(plan.windowMs)
  const heap = await server.ask('endHeap')
  const after = await server.ask('count')
  await loading
  const messages = after.frames - before.frames
  return { bytes: bytesOf(heap), messages, wakeUps: after.batches - before.batches, sites: heap.sites }
}

async function mallocCalls(plan) {
  const env = { LD_PRELOAD: compile('malloc-count', { shared: true }) }
  const server = await startWorker(serverScript, ['native'], { env, pipes: 1 })
  const loading = load(server, OUTSTANDING, plan)
  await passed(plan.warmupMs)
  const before = await server.ask('count')
  server.process.kill('SIGUSR2')
  await passed(plan.windowMs)
  const report = new Promise((resolve) => server.process.stdio[4].once('data', resolve))
  server.process.kill('SIGUSR2')
  const [calls, byAddon] = new BigUint64Array(new Uint8Array(await report).buffer)
  const after = await server.ask('count')
  await loading
  server.kill()
  const messages = after.frames - before.frames
  const aWakeUp = (Number(calls) / (after.batches - before.batches)).toFixed(1)
  const row = (name, count) => ({ name, unit: 'calls of malloc', perMessage: Number(count) / messages, messages })
  return [
    { ...row('the addon, receiving and answering', byAddon), atMost: 0 },
    { ...row('Node.js around it, same thread', calls - byAddon), note: `${aWakeUp} for a wake-up, to call JavaScript` },
  ]
}

/** Here bodies become the application's own, so something is allocated; the sites say what. */
async function requests(plan, form, handler) {
  const { client, server } = await startPair({ form, handler }, { execArgv: HEAP })
  await client.ask('start', BYTES)
  await passed(plan.warmupMs)
  const rows = []
  for (const [worker, name] of [
    [client, `requestTo with ${form}, client`],
    [server, `${handler}, server`],
  ]) {
    const before = await worker.ask('mark')
    await worker.ask('beginHeap')
    await passed(plan.windowMs)
    const heap = await worker.ask('endHeap')
    const after = await worker.ask('mark')
    const messages = after.count - before.count
    const sites = heap.sites.map(({ site, bytes }) => ({ site, perMessage: Math.round(bytes / messages) }))
    const main = sites.filter((site) => site.perMessage > 0).map(({ site, perMessage }) => `${perMessage} ${site}`)
    rows.push({ name, ...bytesRow(heap, messages), note: main.join(', ') })
  }
  await client.ask('stop')
  client.kill()
  server.kill()
  return rows
}

function bytesRow(heap, messages) {
  return { unit: 'bytes of heap', perMessage: bytesOf(heap) / messages, messages }
}

/** Both are estimates from below: samples may miss what is rare, and growth what was collected. */
function bytesOf({ sampledBytes, grownBytes }) {
  return Math.max(sampledBytes, grownBytes ?? 0)
}

/** Longer than the window: the questions to a busy server take a while to be answered. */
async function load(server, outstanding, { warmupMs, windowMs }) {
  const args = [server.ready.port, server.process.pid, 'frame', BYTES, CONNECTIONS, outstanding]
  args.push(0, warmupMs + windowMs + 300, helloHex())
  await promisify(execFile)(compile('load'), args.map(String))
}

function passed(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
