/** `requestTo` through the public API, one client process and one of 16 endpoints. Interleaved rounds, medians, ratios. */
import { quantile, summary } from '../lib/stats.mjs'
import { startWorker } from './worker.mjs'

/** How the client calls, and how the server handles. The first is what a program writes without thinking of speed. */
export const ways = [
  { name: 'promises → handle', form: 'promises', handler: 'handle' },
  { name: 'callbacks → handle', form: 'callbacks', handler: 'handle' },
  { name: 'promises → handleBatch', form: 'promises', handler: 'handleBatch' },
  { name: 'callbacks → handleBatch', form: 'callbacks', handler: 'handleBatch' },
]

export const bodies = [64, 1024]

const FULL = { rounds: 9, warmupMs: 200, windowMs: 500 }
const QUICK = { rounds: 1, warmupMs: 300, windowMs: 200 }

/** One row for each way and size of body. `say` is told of progress. */
export async function runRequests({ quick = false, rounds, windowMs, only, transport, say = () => {} } = {}) {
  const plan = { ...(quick ? QUICK : FULL), ...(rounds ? { rounds } : {}), ...(windowMs ? { windowMs } : {}) }
  const wanted = ways.filter((way) => only === undefined || way.name.includes(only))
  const pairs = []
  try {
    for (const way of wanted) {
      say(`requests: starting ${way.name}`)
      pairs.push(await startPair(way, transport))
    }
    const rows = []
    for (const bytes of bodies) {
      const samples = new Map(pairs.map((pair) => [pair, []]))
      for (let round = 0; round < plan.rounds; round++) {
        say(`requests of ${bytes} bytes: round ${round + 1} of ${plan.rounds}`)
        for (let i = 0; i < pairs.length; i++) {
          const pair = pairs[(i + round) % pairs.length]
          samples.get(pair).push(await measureOnce(pair, bytes, plan))
        }
      }
      for (const [pair, list] of samples) rows.push(row(pair.way, bytes, list))
    }
    return { plan, rows }
  } finally {
    for (const pair of pairs) for (const worker of [pair.client, pair.server]) worker?.kill()
  }
}

/** Processes of their own for each way: none runs code that another way has made general. */
async function startPair(way, transport) {
  const env = transport === undefined ? {} : { CHORDITE_TRANSPORT: transport }
  const server = await startWorker('server', [way.handler], { env })
  const client = await startWorker('client', [way.form, ...server.ready.addresses], { env })
  return { way, server, client }
}

async function measureOnce({ client, server }, bytes, { warmupMs, windowMs }) {
  await client.ask('start', bytes)
  await passed(warmupMs)
  const begin = await marks(client, server)
  await passed(windowMs)
  const end = await marks(client, server)
  await client.ask('stop')
  const ofClient = between(begin.client, end.client)
  const ofServer = between(begin.server, end.server)
  return {
    requestsPerSecond: (ofClient.count * 1000) / ofClient.wallMs,
    clientCpuUs: (ofClient.cpuMs * 1000) / ofClient.count,
    serverCpuUs: (ofServer.cpuMs * 1000) / ofServer.count,
    clientCores: ofClient.cpuMs / ofClient.wallMs,
    serverCores: ofServer.cpuMs / ofServer.wallMs,
    p50Us: quantile(end.client.latencies, 0.5) * 1000,
    p99Us: quantile(end.client.latencies, 0.99) * 1000,
    cpuMs: ofClient.cpuMs + ofServer.cpuMs,
  }
}

async function marks(client, server) {
  const [ofClient, ofServer] = await Promise.all([client.ask('mark'), server.ask('mark')])
  return { client: ofClient, server: ofServer }
}

/** Each side by its own clock and count: a busy process hears of the ends of the window a moment later. */
function between(begin, end) {
  return { wallMs: end.atMs - begin.atMs, cpuMs: end.cpuMs - begin.cpuMs, count: end.count - begin.count }
}

function passed(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function row(way, bytes, samples) {
  const of = (name) => summary(samples.map((sample) => sample[name]))
  const names = ['requestsPerSecond', 'clientCpuUs', 'serverCpuUs', 'clientCores', 'serverCores', 'p50Us', 'p99Us']
  return { way: way.name, bytes, ...Object.fromEntries(names.map((name) => [name, of(name)])), samples }
}
