/** Which charts there are: a name for the file, and the SVG. */
import { OURS } from '../echo/contestants.mjs'
import { barPanels } from './charts.mjs'

const COLORS = {
  [OURS]: '#d9673c',
  'chordite tcp': '#e3a888',
  'C epoll': '#8a929c',
  'node:net best case': '#4f8f5b',
  'node:net pipe': '#9bc4a3',
  'uWebSockets.js': '#5b86c4',
}
const WAY_COLORS = ['#e3a888', '#d9673c', '#a3bbdd', '#5b86c4']
const NATIVE = '#d9673c'
const TWIN = '#e3a888'
const OTHERS = '#8a929c'

/** `{ name, svg }` of each chart that the report has figures for. */
export function plotsOf({ echo, requests, micro }) {
  return [
    ...(echo ? echoPlots(echo) : []),
    ...(requests ? [requestPlot(requests)] : []),
    ...(micro ? [microPlot(micro)] : []),
  ]
}

function echoPlots(echo) {
  const cpu = { name: 'echo-cpu', figureName: 'cpuUs', per: 1, about: 'Server CPU for a request of the echo, µs' }
  const rate = {
    name: 'echo-rate',
    figureName: 'requestsPerSecond',
    per: 1000,
    about: 'Thousands of echoes per second',
  }
  return [echoPlot(echo, cpu), echoPlot(echo, rate)]
}

/** A row of panels for each size of body, a panel for each pattern. */
function echoPlot({ groups }, { name, figureName, per, about }) {
  const names = [...new Set(groups.flatMap(({ rows }) => rows.map((row) => row.contestant)))]
  const panel = ({ pattern, bytes, rows }, i) => ({
    title: pattern,
    ...(i === 0 && { corner: sizeName(bytes) }),
    named: i === 0,
    bars: names.map((contestant) => {
      const value = rows.find((row) => row.contestant === contestant)?.[figureName]
      return { name: contestant, color: COLORS[contestant] ?? OTHERS, value: inUnitsOf(per, value) }
    }),
  })
  const sizes = [...new Set(groups.map((group) => group.bytes))]
  const rows = sizes.map((bytes) => groups.filter((group) => group.bytes === bytes).map(panel))
  return { name, svg: barPanels(rows, { about }) }
}

function requestPlot({ groups }) {
  const panels = groups.map(({ bytes, rows }) => {
    const bars = (name, per = 1) =>
      rows.map((row, i) => ({ name: row.way, color: WAY_COLORS[i] ?? OTHERS, value: inUnitsOf(per, row[name]) }))
    return [
      { title: 'thousands of requests/s', corner: sizeName(bytes), named: true, bars: bars('requestsPerSecond', 1000) },
      { title: 'client CPU, µs a request', bars: bars('clientCpuUs') },
      { title: 'server CPU, µs a request', bars: bars('serverCpuUs') },
    ]
  })
  return {
    name: 'requests',
    svg: barPanels(panels, { about: 'requestTo: rate, and CPU of client and server', namesWidth: 170 }),
  }
}

/** Groups whose rows do different things. */
const NOT_COMPARABLE = ['codec', 'ring read']

/** How many times as fast as the best form of others each row is. */
function microPlot({ groups }) {
  const panels = groups
    .filter(({ name }) => !NOT_COMPARABLE.includes(name))
    .map(({ name, rows }) => {
      const best = Math.min(...rows.filter((row) => colorOfRow(row.name) === OTHERS).map((row) => row.ns.median))
      const times = ({ median, p25, p75 }) => ({ median: best / median, p25: best / p75, p75: best / p25 })
      const bars = rows.map((row) => ({ name: row.name, color: colorOfRow(row.name), value: times(row.ns) }))
      return { title: name, named: true, bars }
    })
  const about = 'Single steps: how many times as fast as the best form of BigInt or node:crypto'
  return {
    name: 'micro',
    svg: barPanels(
      panels.map((panel) => [panel]),
      { about, width: 820, namesWidth: 265 },
    ),
  }
}

function colorOfRow(name) {
  if (name.startsWith('native') || name.includes('(ours')) return NATIVE
  return /twin|core|Id\.|RoutingTable/i.test(name) ? TWIN : OTHERS
}

function inUnitsOf(per, value) {
  if (value === undefined) return undefined
  return { median: value.median / per, p25: value.p25 / per, p75: value.p75 / per }
}

function sizeName(bytes) {
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`
}
