/** The section of docs/benchmarks.md on forwarding. */
import { figure, spread } from '../lib/table.mjs'
import { whyBusy } from '../lib/watch.mjs'
import { writePage } from '../report/docs.mjs'
import { markdownTable } from '../report/markdown.mjs'

const PAGE = new URL('../../docs/benchmarks.md', import.meta.url)
const COMMAND = 'node bench/forwarding.mjs --docs'

export function writeForwarding(report) {
  writePage(PAGE, { forwarding: sectionOf(report) }, [], COMMAND)
}

export function sectionOf({ forwarding, versions, machine, date, quick }) {
  const { plan, rows, gates } = forwarding
  const busy = whyBusy(forwarding.machine)
  const header = ['in the middle', 'CPU µs a frame', 'thousand frames/s']
  const lines = rows.map((row) => [row.name, spread(row.cpuUs), figure(row.framesPerSecond.median / 1000)])
  const judged = gates.map(({ what, ratio, atMost }) => [
    what,
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}`,
    `≤ ${atMost.toFixed(2)}`,
    verdict(ratio.median <= atMost, busy, quick),
  ])
  return [
    markdownTable(header, lines),
    markdownTable(['', 'median of the rounds', 'rounds', 'gate', ''], judged),
    `${plan.connections} connections × ${plan.outstanding} outstanding, bodies of ${plan.bodyBytes} bytes, ${plan.rounds} rounds of ${plan.windowMs} ms each.`,
    `chordite ${versions.chordite}, commit ${versions.commit}, Node.js ${versions.node}, ${machine.cores} × ${machine.cpu}, ${date.slice(0, 10)}${quick ? '; **a quick run: no evidence**' : ''}.`,
    ...(busy === undefined ? [] : [`**The machine was busy**: ${busy}.`]),
  ].join('\n\n')
}

function verdict(met, busy, quick) {
  if (quick) return 'quick run'
  if (busy !== undefined) return 'machine busy'
  return met ? 'met' : '**missed**'
}
