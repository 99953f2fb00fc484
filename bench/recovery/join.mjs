/**
 * 128 nodes join at once: 16 running processes with 8 virtual nodes each. Measures from the first `start()` until each
 * of the 128 knows its neighbours and its range, and 1,000 look-ups name the right owners.
 *
 *   node bench/recovery/join.mjs [--rounds 5] [--json]
 */
import { parseArgs } from 'node:util'
import { spawnMembers, startRing, untilCorrect, wrongAnswers } from '../../test/support/members.mjs'
import { summary } from '../lib/stats.mjs'
import { figure, table } from '../lib/table.mjs'
import { busyBefore } from '../lib/watch.mjs'

const PROCESSES = 16
const VIRTUAL_NODES = 8
const KEYS = 1_000
const TARGET_MS = 5_000
const GIVE_UP_MS = 60_000

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
})
const machine = busyBefore()
const rounds = []
for (let i = 0; i < Number(flags.rounds); i++) rounds.push(await run(i))
report(rounds)

async function run(index) {
  const members = await spawnMembers(PROCESSES)
  try {
    const cpuBefore = await totalCpuMs(members)
    const beginMs = performance.now()
    await startRing(members, { virtualNodes: VIRTUAL_NODES })
    const startedMs = performance.now() - beginMs
    const states = await untilCorrect(members, GIVE_UP_MS)
    const correctMs = performance.now() - beginMs
    const cpuMs = (await totalCpuMs(members)) - cpuBefore
    const keys = Array.from({ length: KEYS }, (_, k) => `round ${index} key ${k}`)
    return {
      nodes: states.length,
      startedMs,
      correctMs,
      cpuMs,
      wrong: (await wrongAnswers(members, keys, 5_000)).length,
    }
  } finally {
    for (const member of members) member.kill()
  }
}

async function totalCpuMs(members) {
  const all = await Promise.all(members.map((member) => member.ask('cpuMs')))
  return all.reduce((sum, ms) => sum + ms, 0)
}

function report(rounds) {
  const times = rounds.map((round) => round.correctMs)
  const pass = rounds.every((round) => round.correctMs <= TARGET_MS && round.wrong === 0)
  const result = {
    rounds,
    correctMs: { ...summary(times), max: Math.max(...times) },
    targetMs: TARGET_MS,
    pass,
    machine,
  }
  if (flags.json) return console.log(JSON.stringify(result, null, 2))
  const rows = rounds.map((r, i) => [
    i + 1,
    r.nodes,
    figure(r.startedMs),
    figure(r.correctMs),
    figure(r.cpuMs),
    r.wrong,
  ])
  console.log(
    table(['round', 'nodes', 'all started after ms', 'correct ring after ms', 'CPU ms of all', 'wrong look-ups'], rows),
  )
  const { median, max } = result.correctMs
  console.log(
    `\nmedian ${figure(median)} ms, longest ${figure(max)} ms, target ${TARGET_MS} ms: ${pass ? 'pass' : 'fail'}`,
  )
  for (const reason of result.machine.reasons) console.log(`The machine was busy: ${reason}.`)
}
