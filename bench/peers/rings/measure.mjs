/** Look-ups of owners and requests to them, in rings of each contestant. Interleaved rounds of all that can be. */
import { rotated } from '../../echo/measure.mjs'
import { rowOf } from '../../lib/rows.mjs'
import { watchMachine } from '../../lib/watch.mjs'
import { reasonOf } from '../lib/rounds.mjs'
import { contestants, NODES_BESIDE_EACH_OTHER, operations, outstandings, rings } from './contestants.mjs'
import { startRing } from './ring.mjs'

const FULL = { rounds: 5, warmupMs: 200, windowMs: 500 }
const QUICK = { rounds: 1, warmupMs: 50, windowMs: 100, quick: true }
const QUICK_NODES = 8
const FIGURES = ['requestsPerSecond', 'cpuUs', 'askerCpuUs', 'p50Us', 'p99Us', 'failed', 'failedShare']

/**
 * A group for each ring, operation and number outstanding: its rows, one for each contestant, and what the machine was doing.
 * `nodes` and `place` pick rings, `only` contestants.
 */
export async function measureRings({ quick = false, rounds, only, nodes, place, say = () => {} } = {}) {
  const plan = { ...(quick ? QUICK : FULL), ...(rounds ? { rounds } : {}) }
  const groups = []
  const missing = []
  const whose = contestants.filter(({ name }) => only === undefined || name.includes(only))
  for (const ring of rings) {
    if (ring.nodes !== (nodes ?? (quick ? QUICK_NODES : ring.nodes)) || ring.place !== (place ?? ring.place)) continue
    const apart = ring.place === 'apart' && ring.nodes > NODES_BESIDE_EACH_OTHER
    const parties = apart ? whose.map((contestant) => [contestant]) : [whose]
    for (const party of parties) groups.push(...(await measureRing(ring, party, plan, { say, missing })))
  }
  return { plan, groups: joined(groups), missing }
}

/** All groups of one ring, for contestants that run beside each other. */
async function measureRing(ring, party, plan, { say, missing }) {
  const what = `${ring.nodes} nodes ${ring.place}`
  const running = []
  const lose = (one, during, error) => {
    missing.push({ contestant: one.name, reason: `${during}: ${reasonOf(error)}` })
    one.kill?.()
    if (running.includes(one)) running.splice(running.indexOf(one), 1)
  }
  try {
    for (const contestant of party) {
      say(`${what}: forming the ring of ${contestant.name}`)
      try {
        running.push({ ...contestant, ...(await startRing(contestant, ring, plan)) })
      } catch (error) {
        lose(contestant, what, error)
      }
    }
    const groups = []
    for (const { outstanding, operation } of steps()) {
      const able = running.filter(({ operations: offered }) => offered.includes(operation))
      if (able.length === 0) continue
      const step = `${what}, ${operation}, ${outstanding} outstanding`
      const told = (round) => say(`${step}: round ${round + 1} of ${plan.rounds}`)
      const lost = (one, error) => lose(one, `${step} and what follows`, error)
      const group = await measureGroup(able, operation, outstanding, plan, { told, lost })
      groups.push({ ...ring, operation, outstanding, ...group })
    }
    return groups
  } finally {
    for (const one of running) one.kill()
  }
}

/** The most outstanding come last: what they do to a ring may last. */
function steps() {
  return outstandings.flatMap((outstanding) => operations.map(({ name }) => ({ outstanding, operation: name })))
}

async function measureGroup(able, operation, outstanding, plan, { told, lost }) {
  const samples = new Map(able.map((one) => [one, []]))
  const machine = []
  const mistakes = []
  for (let round = 0; round < plan.rounds; round++) {
    told(round)
    const watched = watchMachine()
    const before = await usedBy(samples.keys())
    for (const one of rotated([...samples.keys()], round)) {
      try {
        const { mistakes: made, ...sample } = await one.measure(operation, outstanding, plan)
        samples.get(one).push(sample)
        mistakes.push(...made.map((mistake) => `${one.name}: ${mistake}`))
      } catch (error) {
        samples.delete(one)
        lost(one, error)
      }
    }
    machine.push(watched((await usedBy(samples.keys())) - before))
  }
  const rows = [...samples].map(([one, list]) => ({ contestant: one.name, ...rowOf(FIGURES, list) }))
  return { rows, machine, mistakes: [...new Set(mistakes)] }
}

async function usedBy(all) {
  const used = await Promise.all([...all].map((one) => one.used()))
  return used.reduce((sum, ms) => sum + ms, 0)
}

/** Groups of the same ring, operation and number that were not measured beside each other, as one. */
function joined(groups) {
  const all = new Map()
  for (const group of groups) {
    const key = [group.place, group.nodes, group.operation, group.outstanding].join()
    const same = all.get(key)
    if (same === undefined) all.set(key, group)
    else for (const part of ['rows', 'machine', 'mistakes']) same[part].push(...group[part])
  }
  return [...all.values()]
}
