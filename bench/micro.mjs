/** What single steps cost, in nanoseconds: native batches, their TypeScript twins, BigInt, node:crypto. */
import { Bench } from 'tinybench'
import { nativeBatches } from '../dist/native/batch.js'
import { twinBatches } from '../dist/native/ids.js'
import { loadNative } from '../dist/native/load.js'
import { summary } from './lib/stats.mjs'
import { arcGroups } from './micro/arcs.mjs'
import { codecGroup } from './micro/codec.mjs'
import { intervalGroup } from './micro/intervals.mjs'
import { ringReadGroup } from './micro/ring-read.mjs'
import { routingGroups } from './micro/routing.mjs'
import { sha1Group } from './micro/sha1.mjs'

const GROUPS = [sha1Group, intervalGroup, ...routingGroups, ...arcGroups, codecGroup, ringReadGroup]

/** Groups of rows, nanoseconds for one operation each; `times` is the ratio to the first row of the group. */
export async function runMicro({ quick = false, say = () => {} } = {}) {
  const native = nativeBatches()
  const missing = native ? [] : [{ contestant: 'native batches', reason: loadNative().reason }]
  const groups = []
  for (const makeGroup of GROUPS) {
    const group = makeGroup({ native, twin: twinBatches })
    say(`micro: ${group.name}`)
    const { name, unit, gates } = group
    groups.push({ name, unit, gates, rows: await measure(group, quick) })
  }
  return { groups, missing }
}

async function measure({ tasks, count }, quick) {
  const bench = new Bench({ time: quick ? 50 : 500, warmupTime: quick ? 20 : 150, retainSamples: true })
  for (const [name, fn] of Object.entries(tasks)) bench.add(name, fn)
  await bench.run()
  const rows = bench.tasks.map((task) => ({ name: task.name, ns: nanoseconds(task, count) }))
  return rows.map((row) => ({ ...row, times: row.ns.median / rows[0].ns.median }))
}

/** A sample is one call of the task, in milliseconds; it does `count` operations. */
function nanoseconds(task, count) {
  if (task.result.state !== 'completed') throw task.result.error ?? new Error(`${task.name}: ${task.result.state}`)
  return summary(task.result.latency.samples.map((ms) => (ms * 1e6) / count))
}
