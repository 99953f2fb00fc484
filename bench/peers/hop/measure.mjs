/** One hop: a client process and a server process for each contestant, 64 bytes and 1 KiB. Interleaved rounds of all. */
import { fileURLToPath } from 'node:url'
import { load, rotated } from '../../echo/measure.mjs'
import { startServers } from '../../echo/servers.mjs'
import { compile } from '../../lib/compile.mjs'
import { rowOf } from '../../lib/rows.mjs'
import { quantile } from '../../lib/stats.mjs'
import { watchMachine } from '../../lib/watch.mjs'
import { startWorker } from '../../lib/worker.mjs'
import { passed, reasonOf, within } from '../lib/rounds.mjs'
import { bodies, contestants, patterns } from './contestants.mjs'

const FULL = { rounds: 9, warmupMs: 150, windowMs: 400 }
const QUICK = { rounds: 1, warmupMs: 30, windowMs: 60 }
/** Beyond its time a contestant is taken to hang. */
const HANGS_MS = 30_000
const WINDOWS_MAX = 20
const REPLIES_MIN = 20
const FIGURES = ['requestsPerSecond', 'serverCpuUs', 'clientCpuUs', 'cpuUs', 'p50Us', 'p99Us', 'failed']

/**
 * A group for each pattern and size of body: its rows, one for each contestant, and what the machine was doing in each round. Who
 * cannot go on is in `missing` with the reason; replies that were wrong or did not come are counted in `failed`.
 */
export async function measureHop({ quick = false, rounds, only, say = () => {} } = {}) {
  const plan = { ...(quick ? QUICK : FULL), ...(rounds ? { rounds } : {}) }
  const missing = []
  const pairs = []
  try {
    for (const contestant of contestants.filter(({ name }) => only === undefined || name.includes(only))) {
      say(`one hop: starting ${contestant.name}`)
      try {
        pairs.push(await startPair(contestant))
      } catch (error) {
        missing.push({ contestant: contestant.name, reason: reasonOf(error) })
      }
    }
    const groups = []
    for (const bytes of bodies) {
      for (const pattern of patterns) groups.push(await measureGroup(pairs, pattern, bytes, plan, { say, missing }))
    }
    return { plan, groups, missing }
  } finally {
    for (const pair of pairs) pair.kill()
  }
}

/** `measure` resolves to what one round came to. */
async function startPair(contestant) {
  if (contestant.kind === 'c') return startC(contestant)
  const { name, kind, way, handler = '' } = contestant
  const server = await startWorker(script('server'), [kind, handler])
  let client
  const kill = () => {
    server.kill()
    client?.kill()
  }
  try {
    client = await startWorker(script('client'), [kind, way, JSON.stringify(server.ready)])
  } catch (error) {
    kill()
    throw error
  }
  const used = async () => (await client.ask('used')) + (await server.ask('used'))
  return { name, kill, used, measure: (...args) => within(HANGS_MS, 'a round', measureOnce(client, server, ...args)) }
}

async function startC({ name }) {
  compile('echo')
  const { servers, missing } = await startServers(
    [{ name, protocol: 'frame', command: () => [compile('echo')] }],
    () => {},
  )
  if (missing.length > 0) throw new Error(missing[0].reason)
  let totalMs = 0
  const measure = async (pattern, bytes, plan) => {
    const { cpuUs, requestsPerSecond, p50Us, p99Us, loadCores, totalCpuMs } = await load(
      servers[0],
      pattern,
      bytes,
      plan,
    )
    totalMs += totalCpuMs
    const clientCpuUs = (loadCores * 1e6) / requestsPerSecond
    return { requestsPerSecond, serverCpuUs: cpuUs, clientCpuUs, cpuUs: cpuUs + clientCpuUs, p50Us, p99Us, failed: 0 }
  }
  return { name, measure, kill: () => servers[0].process.kill('SIGKILL'), used: async () => totalMs }
}

async function measureGroup(pairs, pattern, bytes, plan, { say, missing }) {
  const what = `one hop ${pattern.name}, ${bytes} bytes`
  const samples = new Map(pairs.map((pair) => [pair, []]))
  const machine = []
  const mistakes = []
  for (let round = 0; round < plan.rounds; round++) {
    say(`${what}: round ${round + 1} of ${plan.rounds}`)
    const watched = watchMachine()
    const before = await usedBy(samples.keys())
    for (const pair of rotated([...samples.keys()], round)) {
      try {
        const { mistakes: made = [], ...sample } = await pair.measure(pattern, bytes, plan)
        samples.get(pair).push(sample)
        mistakes.push(...made.map((mistake) => `${pair.name}: ${mistake}`))
      } catch (error) {
        samples.delete(pair)
        pairs.splice(pairs.indexOf(pair), 1)
        pair.kill()
        missing.push({ contestant: pair.name, reason: `${what} and what follows: ${reasonOf(error)}` })
      }
    }
    machine.push(watched((await usedBy(samples.keys())) - before))
  }
  const rows = [...samples].map(([pair, list]) => ({ contestant: pair.name, ...rowOf(FIGURES, list) }))
  return { pattern: pattern.name, bytes, rows, machine, mistakes: [...new Set(mistakes)] }
}

async function usedBy(pairs) {
  const all = await Promise.all([...pairs].map((pair) => pair.used()))
  return all.reduce((sum, ms) => sum + ms, 0)
}

async function measureOnce(client, server, { connections, outstanding }, bytes, { warmupMs, windowMs }) {
  await client.ask('start', { connections, outstanding, bytes })
  await passed(warmupMs)
  const begin = await marks(client, server)
  let end = begin
  const [latencies, mistakes] = [[], []]
  // Who is slow gets a longer window rather than none.
  for (let i = 0; i < WINDOWS_MAX && end.client.count - begin.client.count < REPLIES_MIN; i++) {
    await passed(windowMs)
    end = await marks(client, server)
    latencies.push(...end.client.latencies)
    mistakes.push(...end.client.mistakes)
  }
  await client.ask('stop')
  const count = end.client.count - begin.client.count
  const wallMs = end.client.atMs - begin.client.atMs
  const [clientMs, serverMs] = [end.client.cpuMs - begin.client.cpuMs, end.server.cpuMs - begin.server.cpuMs]
  const why = mistakes.length === 0 ? '' : `: ${mistakes[0]}`
  if (count === 0) throw new Error(`no reply in ${Math.round(wallMs)} ms${why}`)
  return {
    requestsPerSecond: (count * 1000) / wallMs,
    serverCpuUs: (serverMs * 1000) / count,
    clientCpuUs: (clientMs * 1000) / count,
    cpuUs: ((clientMs + serverMs) * 1000) / count,
    p50Us: quantile(latencies, 0.5) * 1000,
    p99Us: quantile(latencies, 0.99) * 1000,
    failed: end.client.failed - begin.client.failed,
    mistakes,
  }
}

async function marks(client, server) {
  const [ofClient, ofServer] = await Promise.all([client.ask('mark'), server.ask('mark')])
  return { client: ofClient, server: ofServer }
}

function script(name) {
  return fileURLToPath(new URL(`./${name}.mjs`, import.meta.url))
}
