/** `requestTo` through the public API, one client process and one of 16 endpoints. Interleaved rounds, medians, ratios. */
import { rowOf } from '../lib/rows.mjs'
import { quantile } from '../lib/stats.mjs'
import { watchMachine } from '../lib/watch.mjs'
import { startPair } from './pair.mjs'
import { ENDPOINTS, OUTSTANDING } from './shape.mjs'

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
const FIGURES = [
  'requestsPerSecond',
  ...['clientCpuUs', 'clientSystemUs', 'clientCores'],
  ...['serverCpuUs', 'serverSystemUs', 'serverCores'],
  ...['p50Us', 'p99Us'],
]

/** A group for each size of body: its rows, one for each way, and what the machine was doing in each round. */
export async function runRequests({ quick = false, rounds, windowMs, only, transport, say = () => {} } = {}) {
  const plan = { ...(quick ? QUICK : FULL), ...(rounds ? { rounds } : {}), ...(windowMs ? { windowMs } : {}) }
  const wanted = ways.filter((way) => only === undefined || way.name.includes(only))
  const env = transport === undefined ? {} : { CHORDITE_TRANSPORT: transport }
  const pairs = []
  try {
    for (const way of wanted) {
      say(`requests: starting ${way.name}`)
      pairs.push({ way, ...(await startPair(way, { env })) })
    }
    const groups = []
    for (const bytes of bodies) {
      groups.push(
        await measureGroup(pairs, bytes, plan, (round) =>
          say(`requests, ${bytes} bytes: round ${round + 1} of ${plan.rounds}`),
        ),
      )
    }
    const { transport: used } = pairs[0].server.ready
    return { plan: { ...plan, endpoints: ENDPOINTS, outstanding: OUTSTANDING, transport: used }, groups }
  } finally {
    for (const { client, server } of pairs) for (const worker of [client, server]) worker.kill()
  }
}

async function measureGroup(pairs, bytes, plan, beforeRound) {
  const samples = new Map(pairs.map((pair) => [pair, []]))
  const machine = []
  for (let round = 0; round < plan.rounds; round++) {
    beforeRound(round)
    const watched = watchMachine()
    const before = await usedBy(pairs)
    // Nobody always follows the same neighbor.
    for (let i = 0; i < pairs.length; i++) {
      const pair = pairs[(i + round) % pairs.length]
      samples.get(pair).push(await measureOnce(pair, bytes, plan))
    }
    machine.push(watched((await usedBy(pairs)) - before))
  }
  const rows = [...samples].map(([pair, list]) => ({ way: pair.way.name, ...rowOf(FIGURES, list) }))
  return { bytes, rows, machine }
}

async function usedBy(pairs) {
  const all = await Promise.all(pairs.flatMap(({ client, server }) => [client.ask('used'), server.ask('used')]))
  return all.reduce((sum, ms) => sum + ms, 0)
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
    clientSystemUs: (ofClient.systemMs * 1000) / ofClient.count,
    serverSystemUs: (ofServer.systemMs * 1000) / ofServer.count,
    clientCores: ofClient.cpuMs / ofClient.wallMs,
    serverCores: ofServer.cpuMs / ofServer.wallMs,
    p50Us: quantile(end.client.latencies, 0.5) * 1000,
    p99Us: quantile(end.client.latencies, 0.99) * 1000,
  }
}

async function marks(client, server) {
  const [ofClient, ofServer] = await Promise.all([client.ask('mark'), server.ask('mark')])
  return { client: ofClient, server: ofServer }
}

/** Each side by its own clock and count: a busy process hears of the ends of the window a moment later. */
function between(begin, end) {
  const [cpuMs, systemMs] = [end.cpuMs - begin.cpuMs, end.systemMs - begin.systemMs]
  return { wallMs: end.atMs - begin.atMs, cpuMs, systemMs, count: end.count - begin.count }
}

function passed(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
