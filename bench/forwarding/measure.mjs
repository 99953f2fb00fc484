/** Frames by key through a process in the middle: what one costs it. Source and sinks are one C program, the same for all. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { compile } from '../lib/compile.mjs'
import { summary } from '../lib/stats.mjs'
import { watchMachine } from '../lib/watch.mjs'

export const RELAY = 'C relay'
export const NATIVE = 'chordite native'
export const TWIN = 'chordite tcp'

export const SHAPE = { connections: 16, outstanding: 64, bodyBytes: 64 }
const NODE = fileURLToPath(new URL('node.mjs', import.meta.url))

const MIDDLES = {
  [RELAY]: (sinkPort) => [compile('relay'), [String(sinkPort)]],
  [NATIVE]: (sinkPort, connections) => [process.execPath, [NODE, 'native', String(sinkPort), String(connections)]],
  [TWIN]: (sinkPort, connections) => [process.execPath, [NODE, 'tcp', String(sinkPort), String(connections)]],
}

/** Rounds of all, one after the other within each: what disturbs the machine disturbs all. */
export async function runForwarding({ quick, rounds, say }) {
  const plan = quick
    ? { rounds: rounds || 1, warmupMs: 700, windowMs: 300 }
    : { rounds: rounds || 9, warmupMs: 1500, windowMs: 2000 }
  const measured = Object.fromEntries(Object.keys(MIDDLES).map((name) => [name, []]))
  const machines = []
  for (let round = 0; round < plan.rounds; round++) {
    for (const name of Object.keys(MIDDLES)) {
      const watched = watchMachine()
      const one = await measure(name, plan)
      machines.push(watched(one.middleCpuMs + one.endsCpuMs))
      measured[name].push(one)
      say(`${name}: ${((1000 * one.middleCpuMs) / one.frames).toFixed(3)} µs a frame`)
    }
  }
  const rows = Object.entries(measured).map(([name, all]) => ({
    name,
    cpuUs: summary(all.map(({ middleCpuMs, frames }) => (1000 * middleCpuMs) / frames)),
    framesPerSecond: summary(all.map(({ frames, wallMs }) => (1000 * frames) / wallMs)),
  }))
  return { plan: { ...plan, ...SHAPE }, rows, machine: machines, gates: gatesOf(measured) }
}

/** Ratios of each round, and their medians. */
function gatesOf(measured) {
  const ratio = (a, b) => summary(measured[a].map((one, i) => cost(one) / cost(measured[b][i])))
  return [
    { what: `${NATIVE} ÷ ${RELAY}`, ratio: ratio(NATIVE, RELAY), atMost: 1.3 },
    { what: `${NATIVE} ÷ ${TWIN}`, ratio: ratio(NATIVE, TWIN), atMost: 1 / 3 },
  ]
}

const cost = ({ middleCpuMs, frames }) => middleCpuMs / frames

async function measure(name, { warmupMs, windowMs }) {
  const { connections, outstanding, bodyBytes } = SHAPE
  const ends = started(compile('ends'), [connections, outstanding, bodyBytes, warmupMs, windowMs].map(String))
  const { port: sinkPort } = await ends.line()
  const middle = started(...MIDDLES[name](sinkPort, connections))
  try {
    const { port, hellos = ['-'] } = await middle.line()
    ends.process.stdin.end(`${port} ${middle.process.pid}\n${hellos.join('\n')}\n`)
    return await ends.line()
  } finally {
    middle.process.kill()
    ends.process.kill()
    await Promise.all([middle, ends].map(({ ended }) => ended))
  }
}

/** A program that says what it has to say in lines of JSON. */
function started(program, args) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'exit')
  return {
    process: child,
    ended,
    line: async () => {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${program} ended without a word`)
      return JSON.parse(value)
    },
  }
}
