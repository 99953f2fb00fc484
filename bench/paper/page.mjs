/** docs/evaluation.md: the tables between its markers, and the plots. */

import { writePage } from '../report/docs.mjs'
import { markdownTable } from '../report/markdown.mjs'
import { paperPlots } from './plots.mjs'
import { CHURN, CHURN_RANGES, FAILURE, LOAD, meanPath, STRETCH } from './published.mjs'

const PAGE = new URL('../../docs/evaluation.md', import.meta.url)
const COMMAND = 'npm run bench:paper'

export function writeEvaluation(report) {
  writePage(PAGE, sectionsOf(report), paperPlots(report.parts), COMMAND)
}

function sectionsOf({ machine, versions, seed, parts }) {
  const sections = { path: pathSection, cached: cachedSection, load: loadSection, failure: failureSection }
  Object.assign(sections, { churn: churnSection, stretch: stretchSection })
  const texts = Object.entries(parts).map(([part, figures]) => [
    part,
    `${sections[part](figures)}\n\nSeed ${seed}, ${seconds(figures.cpuMs)} of CPU; chordite ${versions.chordite}, commit ${versions.commit}, Node.js ${versions.node}, ${machine.cpu}.`,
  ])
  return Object.fromEntries(texts)
}

function pathSection({ lookups, rows, distribution }) {
  const cells = rows.map(({ exponent, paper, ours }) => [
    2 ** exponent,
    two(meanPath(2 ** exponent)),
    two(paper.mean),
    percent(paper.mean / meanPath(2 ** exponent) - 1),
    interval(paper),
    two(ours.mean),
    interval(ours),
  ])
  const header = [
    'nodes',
    'published: ½ log₂ N',
    'ours, as the paper counts',
    'differs by',
    '(p1, p99)',
    'ours, to the owner, 8 successors',
    '(p1, p99)',
  ]
  return [
    markdownTable(header, cells),
    `${count(lookups)} look-ups at each size.`,
    distributionTable(distribution),
  ].join('\n\n')
}

function cachedSection({ learning, nodes, rings, stale }) {
  const learnt = learning.map(({ nodes, plain, rows }) => [
    nodes,
    two(plain.mean),
    ...rows.map(({ mean }) => two(mean)),
  ])
  const outdated = stale.map(({ share, first, redirected, retried, later }) => [
    share,
    two(first.mean),
    interval(first),
    tenth(100 * redirected),
    tenth(100 * retried),
    two(later.mean),
  ])
  const afterwards = ['at once', '(p1, p99)', 'redirected, %', 'asked anew, %', 'after 4 look-ups for each node']
  return [
    markdownTable(['nodes', 'nothing remembered', 'first N', 'after N', 'after 4 N', 'after 16 N'], learnt),
    'Messages until the frame is at the owner, mean of N look-ups by one node that remembers ranges; the others remember none.',
    markdownTable(['replaced', ...afterwards], outdated),
    `${count(nodes)} nodes, all ranges known before that share of the nodes was replaced. ${count(rings)} rings each.`,
  ].join('\n\n')
}

function distributionTable({ exponent, lookups, shares, theory, variation }) {
  const hops = Array.from({ length: Math.max(shares.length, theory.length) }, (_, i) => i)
  const line = (name, values) => [name, ...hops.map((i) => tenth(100 * (values[i] ?? 0)))]
  return [
    markdownTable(['hops', ...hops], [line('ours, %', shares), line(`Binomial(${exponent}, ½), %`, theory)]),
    `${count(2 ** exponent)} nodes, ${count(lookups)} look-ups. Total variation distance ${variation.toFixed(3)}: no event has a chance that differs by more.`,
  ].join('\n\n')
}

function loadSection({ nodes, keys, rows }) {
  const cells = rows.map(({ virtualNodes, p1, p50, p99, theory }) => [
    virtualNodes,
    two(p1),
    published(LOAD[virtualNodes]?.p1),
    two(theory.p1),
    two(p50),
    two(p99),
    published(LOAD[virtualNodes]?.p99),
    two(theory.p99),
  ])
  const header = ['virtual nodes', 'p1', 'published', 'Gamma', 'median', 'p99', 'published', 'Gamma']
  return `${markdownTable(header, cells)}\n\nKeys of a node ÷ mean; ${count(nodes)} nodes, ${count(keys)} keys.`
}

function failureSection({ nodes, rings, lookups, successors, rows, recovery }) {
  const cells = rows.map(({ share, iterative, recursive }, i) => [
    share,
    path(FAILURE[i]),
    path(iterative.path),
    percent(iterative.path.mean / FAILURE[i].mean - 1),
    two(FAILURE[i].timeouts),
    two(iterative.timeouts.mean),
    two(recursive.timeouts.mean),
    FAILURE[i].failed,
    iterative.failed + recursive.failed,
  ])
  const header = [
    'failed nodes',
    'path: published',
    'ours',
    'differs by',
    'timeouts: published',
    'ours, iterative',
    'ours, recursive',
    'failed look-ups: published',
    'ours',
  ]
  const about = `${count(lookups)} look-ups for each share, on ${rings} rings of ${count(nodes)} nodes; successor lists of ${successors}; (p1, p99).`
  return [markdownTable(header, cells), about, recoveryTable(recovery)].join('\n\n')
}

function recoveryTable(rows) {
  const cells = rows.map(({ share, idealMs, path: hops, tookMs, failed }) => [
    share,
    Math.round(idealMs),
    path(hops),
    Math.round(tookMs.p50),
    Math.round(tookMs.p99),
    outOf(failed, { count: hops.count + failed }),
  ])
  const header = ['processes killed', 'ideal again after, ms', 'hops', 'look-up, ms, median', 'p99', 'failed']
  return markdownTable(header, cells)
}

function churnSection({ nodes, successors, rows }) {
  const of = (way) => rows.filter((row) => row.way === way)
  const about = `About ${count(nodes)} nodes, successor lists of ${successors}; one look-up a second; (p1, p99).`
  return [likeThePaper(of('crash')), forApplications(rows), about].join('\n\n')
}

function likeThePaper(rows) {
  const cells = rows.map(({ rate, once, retried }) => [
    rate.toFixed(2),
    path(once.path),
    two(once.timeouts.mean),
    CHURN.find((row) => row.rate === rate).failed,
    outOf(once.failed, once.timeouts),
    outOf(retried.failed, retried.timeouts),
  ])
  const [mean, timeouts] = [CHURN_RANGES.mean, CHURN_RANGES.timeouts].map((range) => range.join(' to '))
  const all = ['published, all rates', mean, timeouts, '', '', '']
  const header = [
    'joins and failures a second',
    'path, one attempt',
    'timeouts',
    'failed of 10,000: published',
    'ours, one attempt',
    'ours, with retry',
  ]
  return markdownTable(header, [...cells, all])
}

function forApplications(rows) {
  const names = { crash: 'processes die', vanish: 'machines vanish', leave: 'nodes take leave' }
  const cells = rows.map(({ way, rate, retried, once }) => [
    names[way],
    rate.toFixed(2),
    path(retried.path),
    two(retried.timeouts.mean),
    Math.round(retried.tookMs.p50),
    Math.round(retried.tookMs.p99),
    outOf(once.failed, once.timeouts),
    outOf(retried.failed, retried.timeouts),
    retried.strayed,
  ])
  const header = [
    '',
    'rate',
    'hops to the owner',
    'dead next hops',
    'ms, median',
    'ms, p99',
    'failed, one attempt',
    'failed, with retry',
    'of another than the first owner',
  ]
  return markdownTable(header, cells)
}

function stretchSection({ lookups, rows }) {
  const cells = rows.map(({ exponent, paper, ours }) => [
    2 ** exponent,
    ...[paper.iterative, paper.recursive, ours?.iterative, ours?.recursive].map((spread) =>
      spread === undefined ? '' : `${two(spread.median)} (${two(spread.p10)}, ${two(spread.p90)})`,
    ),
  ])
  const { exponent, iterative, recursive } = STRETCH
  const published = [`published, ${2 ** exponent}`, iterative, recursive, '', '']
  const header = ['nodes', 'as the paper counts: iterative', 'recursive', 'ours: iterative', 'recursive']
  return `${markdownTable(header, [...cells, published])}\n\nMedian (p10, p90) of ${count(lookups)} look-ups each.`
}

function path(summary) {
  return `${two(summary.mean)} ${interval(summary)}`
}

function interval({ p1, p99 }) {
  return `(${p1}, ${p99})`
}

function outOf(failed, { count: all }) {
  return `${failed} of ${count(all)}`
}

function published(value) {
  return value === undefined ? '' : String(value)
}

function two(value) {
  return value.toFixed(2)
}

function tenth(value) {
  return value < 0.05 ? '0' : value.toFixed(1)
}

function percent(share) {
  return `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)} %`
}

function count(n) {
  return n.toLocaleString('en-US')
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(0)} s`
}
