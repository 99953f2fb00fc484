/** Two processes, an echo, and what a request costs the one that answers. Interleaved rounds of all contestants. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { compile } from '../lib/compile.mjs'
import { rowOf } from '../lib/rows.mjs'
import { watchMachine } from '../lib/watch.mjs'
import { bodies, contestants, patterns } from './contestants.mjs'
import { helloHex } from './hello.mjs'
import { startServers } from './servers.mjs'

const FULL = { rounds: 9, warmupMs: 150, windowMs: 400 }
const QUICK = { rounds: 1, warmupMs: 30, windowMs: 70 }
/** Beyond its time a load is taken to hang. */
const HANGS_MS = 10_000
const FIGURES = ['cpuUs', 'requestsPerSecond', 'p50Us', 'p99Us', 'serverCores', 'loadCores']

/**
 * A group for each pattern and size of body: its rows, one for each contestant, and what the machine was doing in
 * each round. `only` picks contestants by their names; `say` is told of progress.
 */
export async function runEcho({ quick = false, rounds, only, say = () => {} } = {}) {
  const plan = { ...(quick ? QUICK : FULL), ...(rounds ? { rounds } : {}) }
  const wanted = contestants.filter(({ name }) => only === undefined || only.includes(name))
  const { servers, missing } = await startServers(wanted, say)
  /** One that fails is out of its group, and said to be. */
  const lost = (what, server, error) => {
    const reason = `${what}: ${error.stderr?.trim() || error.message}`
    missing.push({ contestant: server.name, reason })
  }
  try {
    const groups = []
    for (const bytes of servers.length === 0 ? [] : bodies) {
      for (const pattern of patterns) {
        groups.push(await measureGroup(servers, pattern, bytes, plan, { say, lost }))
      }
    }
    return { plan, groups, missing }
  } finally {
    for (const server of servers) server.process.kill('SIGKILL')
  }
}

async function measureGroup(servers, pattern, bytes, plan, { say, lost }) {
  const what = `echo ${pattern.name}, ${bytes} bytes`
  const samples = new Map(servers.map((server) => [server, []]))
  const machine = []
  for (let round = 0; round < plan.rounds; round++) {
    say(`${what}: round ${round + 1} of ${plan.rounds}`)
    const watched = watchMachine()
    let ownCpuMs = 0
    for (const server of rotated([...samples.keys()], round)) {
      try {
        const sample = await load(server, pattern, bytes, plan)
        ownCpuMs += sample.totalCpuMs
        samples.get(server).push(sample)
      } catch (error) {
        samples.delete(server)
        lost(what, server, error)
      }
    }
    machine.push(watched(ownCpuMs))
  }
  const rows = [...samples].map(([server, list]) => ({ contestant: server.name, ...rowOf(FIGURES, list) }))
  return { pattern: pattern.name, bytes, rows, machine }
}

/** One round of the load in C on a server of `startServers`: what it cost that server, and how fast it was. */
export async function load(server, pattern, bytes, plan) {
  const args = [server.port, server.process.pid, server.protocol, bytes, pattern.connections, pattern.outstanding]
  args.push(plan.warmupMs, plan.windowMs, ...(server.hello ? [helloHex()] : []))
  const timeout = plan.warmupMs + plan.windowMs + HANGS_MS
  const { stdout } = await promisify(execFile)(compile('load'), args.map(String), { timeout })
  const { requests, wallMs, serverCpuMs, loadCpuMs, totalCpuMs, p50Us, p99Us } = JSON.parse(stdout)
  return {
    cpuUs: (serverCpuMs * 1000) / requests,
    requestsPerSecond: (requests * 1000) / wallMs,
    p50Us,
    p99Us,
    serverCores: serverCpuMs / wallMs,
    loadCores: loadCpuMs / wallMs,
    totalCpuMs,
  }
}

/** So that nobody always follows the same neighbor. */
export function rotated(list, by) {
  return list.map((_, i) => list[(i + by) % list.length])
}
