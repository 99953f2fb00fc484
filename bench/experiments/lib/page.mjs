/** docs/experiments.md: prose stays, what lies between markers is written from a report. Plain text for the terminal too. */
import { figure, spread, table } from '../../lib/table.mjs'
import { whyBusy } from '../../lib/watch.mjs'
import { writePage } from '../../report/docs.mjs'
import { markdownTable } from '../../report/markdown.mjs'
import { verdictOf } from './verdict.mjs'

const PAGE = new URL('../../../docs/experiments.md', import.meta.url)
const COMMAND = 'node bench/experiments/run.mjs --docs'

export function writeExperiments(report) {
  const sections = report.experiments.map((experiment) => [
    experiment.name,
    sectionOf(report, experiment, markdownTable),
  ])
  writePage(PAGE, Object.fromEntries(sections), [], COMMAND)
}

export function textOf(report) {
  return report.experiments
    .map((experiment) => `== ${experiment.name} ==\n\n${sectionOf(report, experiment, table)}`)
    .join('\n\n')
}

function sectionOf(report, { groups }, makeTable) {
  return [...groups.flatMap((group) => groupLines(group, makeTable)), conditions(report)].join('\n\n')
}

function groupLines(group, makeTable) {
  const header = (texts) => [group.title, ...group.patterns.map(({ name }) => name), ...texts]
  const measured = group.contestants.filter((name) => group.patterns.some((pattern) => rowIn(pattern, name)))
  const cells = (name, cell) =>
    group.patterns.map((pattern) => (rowIn(pattern, name) ? cell(rowIn(pattern, name), pattern) : '–'))
  const costs = measured.map((name, i) => [
    name,
    ...cells(name, (row) => (i === 0 ? `${spread(row.cpuUs)} µs` : spread(row.ratio))),
    i === 0 ? '' : verdictOf(group, name),
  ])
  const rates = measured.map((name) => [
    name,
    ...cells(name, (row) =>
      [row.requestsPerSecond.median / 1000, row.p50Us.median, row.p99Us.median].map(figure).join(' · '),
    ),
    figure(Math.max(...group.patterns.map((pattern) => rowIn(pattern, name)?.timerLateMs.max ?? 0))),
  ])
  const withTimers = group.patterns.some(({ rows }) => rows.some((row) => row.timerLateMs.max > 0))
  const late = withTimers ? ['timer late, ms'] : []
  const busy = whyBusy(group.patterns.flatMap(({ machine }) => machine))
  return [
    'CPU time of the server for a request: µs of the first, of the others ÷ the first; medians (p25–p75) of the rounds.',
    makeTable(header(['']), costs),
    `Thousand requests/s · p50 · p99 in µs; medians${withTimers ? '; the latest timer of all rounds' : ''}.`,
    makeTable(header(late), withTimers ? rates : rates.map((row) => row.slice(0, -1))),
    ...(group.missing.length > 0
      ? [group.missing.map((lost) => `Not measured: ${lost.contestant}: ${lost.reason}.`).join('\n')]
      : []),
    ...(busy === undefined ? [] : [`**The machine was busy** (${group.title}): ${busy}.`]),
  ]
}

function rowIn(pattern, name) {
  return pattern.rows.find((row) => row.contestant === name)
}

function conditions({ plan, versions, machine, date, quick }) {
  return (
    `${plan.rounds} interleaved rounds of ${plan.windowMs} ms, bodies of ${plan.bodyBytes} bytes. chordite ${versions.chordite}, ` +
    `commit ${versions.commit}, Node.js ${versions.node}, ${machine.cores} × ${machine.cpu}, ${machine.system}, ` +
    `${date.slice(0, 10)}${quick ? '; **a quick run: no evidence**' : ''}.`
  )
}
