/** The section of docs/evaluation.md on upkeep, and its plot. */
import { writePage } from '../report/docs.mjs'
import { linePanels } from '../report/lines.mjs'
import { markdownTable } from '../report/markdown.mjs'

const PAGE = new URL('../../docs/evaluation.md', import.meta.url)
const COMMAND = 'node bench/maintenance.mjs --docs'
const CLASSES = ['neighbors', 'fingers', 'self', 'joins']
const COLORS = { neighbors: '#d9673c', fingers: '#5b86c4', self: '#7a9a5a', joins: '#9a7ab0' }

export function writeMaintenance(report) {
  writePage(PAGE, { maintenance: sectionOf(report) }, [plot(report)], COMMAND)
}

export function sectionOf({ idle, rates, halfLives, budgets, versions, machine }) {
  const named = [
    ...idle.map(({ nodes, costs }) => [`${nodes} nodes, idle`, costs]),
    ...rates.map(({ nodes, rate, costs }) => [`${nodes} nodes, ${rate} joins and ${rate} crashes/s`, costs]),
    ...halfLives.map(({ nodes, halfLife, costs }) => [`${nodes} nodes, half-life ${duration(halfLife)}`, costs]),
  ]
  const header = ['ring', 'bytes/s', 'messages/s', ...CLASSES.map((name) => `${name}, bytes/s`)]
  return [
    markdownTable(header, named.map(line)),
    `A node's average; budgets: ${budgets.idle} bytes/s idle, ${budgets.churn} bytes/s with a half-life of a minute.`,
    `chordite ${versions.chordite}, commit ${versions.commit}, Node.js ${versions.node}, ${machine.cpu}.`,
  ].join('\n\n')
}

function line([name, costs]) {
  const total = CLASSES.reduce(
    (sum, each) => ({ bytes: sum.bytes + costs[each].bytes, messages: sum.messages + costs[each].messages }),
    { bytes: 0, messages: 0 },
  )
  const bytes = CLASSES.map((each) => costs[each].bytes.toFixed(0))
  return [name, total.bytes.toFixed(0), total.messages.toFixed(1), ...bytes]
}

function plot({ idle, halfLives, rates }) {
  const series = (rows, x) =>
    CLASSES.map((name) => ({
      name,
      color: COLORS[name],
      points: rows.map((row) => ({ x: x(row), y: row.costs[name].bytes / 1000 })),
    }))
  const churn = [...rates, ...halfLives.map((row) => ({ ...row, rate: (row.nodes * Math.LN2) / row.halfLife }))]
  churn.sort((a, b) => a.rate - b.rate)
  const panels = [
    {
      title: 'Upkeep of an idle ring',
      x: 'log₂ of the number of nodes',
      y: 'kB/s and node',
      series: series(idle, ({ nodes }) => Math.log2(nodes)),
    },
    {
      title: `Upkeep under churn, ${churn[0].nodes} nodes`,
      x: 'log₂ of joins, and crashes, a second',
      y: 'kB/s and node',
      series: series(churn, ({ rate }) => Math.log2(rate)),
    },
  ]
  return { name: 'maintenance', svg: linePanels(panels, { about: 'Bytes per second that upkeep costs a node' }) }
}

function duration(seconds) {
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds / 60} min`
}
