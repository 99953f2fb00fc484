/** Two processes, a 64-byte echo, and what a request costs the one that answers. Interleaved rounds, medians, ratios. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { compile } from '../lib/compile.mjs'
import { watchMachine } from '../lib/machine.mjs'
import { summary } from '../lib/stats.mjs'
import { contestants, gates, patterns } from './contestants.mjs'
import { helloHex } from './hello.mjs'

const FULL = { rounds: 9, warmupMs: 200, windowMs: 700 }
const QUICK = { rounds: 3, warmupMs: 100, windowMs: 250 }

/** Rows for each pattern and contestant, the gates, and what the machine was doing. `say` is told of progress. */
export async function runEcho({ quick = false, rounds, say = () => {} } = {}) {
  const plan = { ...(quick ? QUICK : FULL), ...(rounds ? { rounds } : {}) }
  const { servers, missing } = await startAll(say)
  const machine = watchMachine()
  let ownCpuMs = 0
  try {
    const rows = []
    for (const pattern of patterns) {
      const samples = new Map(servers.map((server) => [server.name, []]))
      for (let round = 0; round < plan.rounds; round++) {
        say(`echo ${pattern.name}: round ${round + 1} of ${plan.rounds}`)
        for (const server of rotated(servers, round)) {
          const sample = await load(server, pattern, plan)
          // The window is most of what the two processes did, and all that we can see of it from here.
          ownCpuMs += (sample.serverCpuMs + sample.loadCpuMs) * (1 + plan.warmupMs / plan.windowMs)
          samples.get(server.name).push(sample)
        }
      }
      for (const [name, list] of samples) rows.push(row(pattern.name, name, list))
    }
    return {
      plan,
      rows: rows.map(publicRow),
      gates: gates.map((gate) => judge(gate, rows)),
      missing,
      machine: machine(ownCpuMs),
    }
  } finally {
    for (const server of servers) server.process.kill('SIGKILL')
  }
}

async function startAll(say) {
  const servers = []
  const missing = []
  try {
    compile('load')
  } catch (error) {
    return { servers, missing: [{ contestant: 'the echo', reason: error.message }] }
  }
  for (const contestant of contestants) {
    say(`echo: starting ${contestant.name}`)
    try {
      servers.push({ ...contestant, ...(await start(contestant.command())) })
    } catch (error) {
      missing.push({ contestant: contestant.name, reason: error.message.trim() })
    }
  }
  return { servers, missing }
}

function start([program, ...args]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  return new Promise((resolve, reject) => {
    let errors = ''
    child.stderr.on('data', (text) => {
      errors += text
    })
    child.on('error', reject)
    child.on('exit', (code) =>
      reject(
        new Error(
          `ended with ${code}: ${
            errors
              .trim()
              .split('\n')
              .find((l) => /error/i.test(l)) ?? errors
          }`,
        ),
      ),
    )
    child.stdout.once('data', (line) => resolve({ process: child, port: JSON.parse(line).port }))
  })
}

async function load(server, pattern, plan) {
  const args = [server.port, server.process.pid, server.protocol, pattern.connections, pattern.outstanding]
  args.push(plan.warmupMs, plan.windowMs, ...(server.hello ? [helloHex()] : []))
  const { stdout } = await promisify(execFile)(compile('load'), args.map(String))
  const sample = JSON.parse(stdout)
  return { ...sample, cpuUs: (sample.serverCpuMs * 1000) / sample.requests }
}

/** So that nobody always follows the same neighbour. */
function rotated(list, by) {
  return list.map((_, i) => list[(i + by) % list.length])
}

function row(pattern, contestant, samples) {
  const of = (pick) => summary(samples.map(pick))
  return {
    pattern,
    contestant,
    samples,
    cpuUs: of((s) => s.cpuUs),
    requestsPerSecond: of((s) => (s.requests * 1000) / s.wallMs),
    p50Us: of((s) => s.p50Us),
    p99Us: of((s) => s.p99Us),
    serverCores: of((s) => s.serverCpuMs / s.wallMs),
    loadCores: of((s) => s.loadCpuMs / s.wallMs),
  }
}

function publicRow({ samples, ...row }) {
  return { ...row, rounds: samples.map((sample) => sample.cpuUs) }
}

/** The ratio round by round: neighbours that slow the machine down slow both sides of a round. */
function judge(gate, rows) {
  const find = (contestant) => rows.find((r) => r.pattern === gate.pattern && r.contestant === contestant)
  const ours = find(contestants[0].name)
  const theirs = find(gate.against)
  if (ours === undefined || theirs === undefined) return { ...gate, result: 'not measured' }
  const ratio = summary(ours.samples.map((sample, i) => sample.cpuUs / theirs.samples[i].cpuUs))
  if (gate.limit === undefined) return { ...gate, ratio, result: 'no gate' }
  return { ...gate, ratio, result: ratio.median <= gate.limit ? 'pass' : 'fail' }
}
