/** The section of docs/benchmarks.md on calls in bulk. */
import { whyBusy } from '../lib/watch.mjs'
import { writePage } from '../report/docs.mjs'
import { markdownTable } from '../report/markdown.mjs'

const PAGE = new URL('../../docs/benchmarks.md', import.meta.url)

export function writeBulk(report) {
  writePage(PAGE, { bulk: sectionOf(report) }, [], 'node bench/bulk.mjs --docs')
}

export function sectionOf({ rows, nodes, processes, keys, rounds, transport, machine, versions, before, watched }) {
  const header = ['', 'k keys/s', 'ns of CPU a key, here', 'frames sent']
  const where = processes ? 'each other node in a process of its own' : 'all in one process, which CPU time is of'
  const busy = [...before.reasons, whyBusy(watched)].filter(Boolean)
  return [
    markdownTable(header, rows.map(line)),
    `${keys.toLocaleString('en')} names of packages, ring of ${nodes} nodes with an endpoint each (${transport}), ${where}; medians of ` +
      `${rounds} rounds (quartiles), each with a caller to which everything is new. Every owner was checked.`,
    `chordite ${versions.chordite}, commit ${versions.commit}, Node.js ${versions.node}, ${machine.cores} × ${machine.cpu}. ` +
      (busy.length === 0 ? 'The machine was quiet.' : `The machine was busy: ${busy.join('; ')}.`),
  ].join('\n\n')
}

function line({ name, perSecond, ns, frames }) {
  const thousands = (value) => (value / 1000).toLocaleString('en', { maximumSignificantDigits: 3 })
  const whole = (value) => value.toLocaleString('en', { maximumSignificantDigits: 3 })
  return [name, spread(perSecond, thousands), spread(ns, whole), frames === undefined ? '' : whole(frames.median)]
}

function spread({ median, p25, p75 }, text) {
  return `${text(median)} (${text(p25)}–${text(p75)})`
}
