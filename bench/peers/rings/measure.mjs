/** Look-ups of owners and requests to them, in rings of each contestant, in turns of one or of all beside each other. */
import { rotated } from '../../echo/measure.mjs'
import { rowOf } from '../../lib/rows.mjs'
import { watchMachine } from '../../lib/watch.mjs'
import { reasonOf } from '../lib/rounds.mjs'
import { contestants, NODES_BESIDE_EACH_OTHER, NODES_TWICE, operations, outstandings, rings } from './contestants.mjs'
import { startRing } from './ring.mjs'

const FULL = { rounds: 6, warmupMs: 200, windowMs: 500, compileMs: 3000 }
const QUICK = { rounds: 1, warmupMs: 50, windowMs: 100, compileMs: 100, quick: true }
const COMPILES_OUTSTANDING = 64
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
    for (const { party, rounds } of turnsOf(ring, whose, plan)) {
      groups.push(...(await measureRing(ring, party, { ...plan, rounds }, { say, missing })))
    }
  }
  return { plan, groups: joined(groups).map(withRows), missing }
}

/** Who is measured beside whom, one turn after the other, and for how many rounds. */
function turnsOf({ place, nodes }, whose, { rounds, quick }) {
  if (place === 'together' || nodes <= NODES_BESIDE_EACH_OTHER) return [{ party: whose, rounds }]
  const once = whose.map((contestant) => ({ party: [contestant], rounds }))
  if (nodes > NODES_TWICE || quick) return once
  const half = once.map((turn) => ({ ...turn, rounds: Math.ceil(rounds / 2) }))
  return [...half, ...half.toReversed()]
}

/** All groups of one ring, for contestants that have their processes at the same time. */
async function measureRing(ring, party, plan, { say, missing }) {
  const what = `${ring.nodes} nodes ${ring.place}`
  const running = []
  const lose = (one, during, error) => {
    missing.push({ contestant: one.name, reason: `${during}: ${reasonOf(error)}` })
    const at = running.findIndex(({ name }) => name === one.name)
    if (at >= 0) running.splice(at, 1)[0].kill()
  }
  try {
    for (const contestant of party) {
      say(`${what}: forming the ring of ${contestant.name}`)
      try {
        const one = { ...contestant, ...(await startRing(contestant, ring, plan)) }
        running.push(one)
        for (const operation of one.operations) {
          await one.measure(operation, COMPILES_OUTSTANDING, { warmupMs: 0, windowMs: plan.compileMs })
        }
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
  return { samples: [...samples].map(([one, list]) => [one.name, list]), machine, mistakes: [...new Set(mistakes)] }
}

async function usedBy(all) {
  const used = await Promise.all([...all].map((one) => one.used()))
  return used.reduce((sum, ms) => sum + ms, 0)
}

/** Groups of the same ring, operation and number that were not measured in one turn, as one. */
function joined(groups) {
  const all = new Map()
  for (const group of groups) {
    const key = [group.place, group.nodes, group.operation, group.outstanding].join()
    const same = all.get(key)
    if (same === undefined) all.set(key, group)
    else for (const part of ['samples', 'machine', 'mistakes']) same[part].push(...group[part])
  }
  return [...all.values()]
}

/** A row for each contestant, of all its rounds. */
function withRows({ samples, ...group }) {
  const lists = new Map()
  for (const [contestant, list] of samples) lists.set(contestant, [...(lists.get(contestant) ?? []), ...list])
  return { ...group, rows: [...lists].map(([contestant, list]) => ({ contestant, ...rowOf(FIGURES, list) })) }
}
