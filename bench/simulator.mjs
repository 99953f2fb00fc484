/**
 * How fast the simulator is: `node bench/simulator.mjs [--quick] [--json]`. Needs a built `dist/`. The exit code is 1 where
 * the oracles found something, or a look-up found nothing.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { figure, table } from './lib/table.mjs'
import { PARTS } from './simulator/parts.mjs'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    part: { type: 'string' },
    watched: { type: 'boolean', default: false },
  },
})

/** In a process of its own, with room for a large ring. */
function inProcess(part, watched = false) {
  const args = ['--max-old-space-size=20000', fileURLToPath(import.meta.url), '--part', part]
  if (watched) args.push('--watched')
  if (flags.quick) args.push('--quick')
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 20 }))
}

function measure() {
  const speed = []
  for (const part of ['idle', 'churn']) {
    for (const watched of [false, true]) speed.push({ part, watched, ...inProcess(part, watched) })
  }
  return { speed, joining: inProcess('joining'), ideal: inProcess('ideal') }
}

function print({ speed, joining, ideal }) {
  const header = ['100 nodes', 'oracles', 'events', 'events/s of one core', '× real time']
  const rows = speed.map(({ part, watched, events, eventsPerS, timesRealTime }) => [
    part,
    watched ? 'on' : 'off',
    figure(events),
    figure(eventsPerS),
    figure(timesRealTime),
  ])
  console.log(table(header, rows, [1]))
  const { virtualS, events } = joining
  console.log(
    `\n${figure(joining.nodes)} nodes join at once: a right ring after ${figure(virtualS)} s of its time; ` +
      `${figure(joining.cpuS)} s of ours, ${figure(events)} events, ${figure(joining.messages)} messages, ${figure(joining.rssBytes / 2 ** 20)} MiB`,
  )
  const { placing, asking, rssBytes, meanHops, found, nodes } = ideal
  console.log(
    `${figure(nodes)} nodes placed in ${figure(placing.cpuS)} s; ${figure(found)} of ${figure(nodes)} look-ups in ` +
      `${figure(asking.cpuS)} s, ${figure(meanHops)} hops on average, ${figure(rssBytes / 2 ** 20)} MiB`,
  )
}

if (flags.part !== undefined) console.log(JSON.stringify(PARTS[flags.part](flags)))
else {
  const results = measure()
  if (flags.json) console.log(JSON.stringify(results, null, 2))
  else print(results)
  const broken = results.speed.some(({ violations }) => violations > 0)
  if (broken || results.ideal.found < results.ideal.nodes) process.exitCode = 1
}
