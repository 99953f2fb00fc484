/** Charts of what comparing with peers came to: a name for the file, and the SVG. */
import { barPanels } from '../../report/charts.mjs'
import { operations } from '../rings/contestants.mjs'
import { distinct, namesIn } from './tables.mjs'

const COLORS = {
  'chordite promises': '#e3a888',
  'chordite callbacks': '#d9673c',
  'chordite callbacks, handleBatch': '#b5502a',
  'chordite callbacks, many nodes': '#ecc4ad',
  chordite: '#d9673c',
  'chordite/compat/chord': '#e3a888',
  'C epoll': '#8a929c',
  'node:net': '#4f8f5b',
  zeromq: '#5b86c4',
  'dht-rpc': '#a77bb5',
  '@grpc/grpc-js': '#c9a23f',
  chordhelper: '#4f8f5b',
  hyperdht: '#a77bb5',
  'bittorrent-dht': '#5b86c4',
}
const RINGS_AT = 64

export function plotsOf({ hop, rings }) {
  return [
    ...(hop ? [hopPlot(hop, 'peers-hop-rate', 'requestsPerSecond', 1000, 'Thousands of requests per second')] : []),
    ...(hop ? [hopPlot(hop, 'peers-hop-cpu', 'serverCpuUs', 1, 'Server CPU for a request, µs')] : []),
    ...(rings ? [ringPlot(rings)] : []),
  ]
}

/** Two rows of panels, three patterns each, of bodies of 64 bytes. */
function hopPlot({ groups }, name, figureName, per, about) {
  const some = groups.filter(({ bytes }) => bytes === 64)
  const panels = some.map((group, i) => panelOf(group, namesIn(some), group.pattern, i % 3 === 0, figureName, per))
  return { name, svg: barPanels([panels.slice(0, 3), panels.slice(3)].filter(hasAny), { about, namesWidth: 215 }) }
}

/** A row for each place and operation, a panel for each size of ring, with 64 outstanding. */
function ringPlot({ groups }) {
  const rows = distinct(groups, 'place').flatMap((place) =>
    operations.map(({ name, title }) => {
      const is = (group) => group.place === place && group.operation === name && group.outstanding === RINGS_AT
      const some = groups.filter(is)
      return some.map((group, i) =>
        panelOf(group, namesIn(some), `${title}/s, ${group.nodes} nodes ${place}`, i === 0, 'requestsPerSecond', 1),
      )
    }),
  )
  const about = `Owner look-ups and routed requests per second, ${RINGS_AT} outstanding`
  return { name: 'peers-rings', svg: barPanels(rows.filter(hasAny), { about, namesWidth: 160 }) }
}

function panelOf({ rows }, names, title, named, figureName, per) {
  const bars = names.map((name) => {
    const value = rows.find(({ contestant }) => contestant === name)?.[figureName]
    return { name, color: COLORS[name], value: inUnitsOf(per, value) }
  })
  return { title, named, bars }
}

function inUnitsOf(per, value) {
  if (value === undefined) return undefined
  return { median: value.median / per, p25: value.p25 / per, p75: value.p75 / per }
}

function hasAny(row) {
  return row.length > 0
}
