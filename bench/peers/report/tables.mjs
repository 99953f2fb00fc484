/** The figures as tables, for text and for the page alike: `{ header, rows, texts? }` by the part that they belong to. */
import { figure, spread } from '../../lib/table.mjs'
import { limitOf } from '../../report/print.mjs'
import { OURS as HOP_OURS } from '../hop/contestants.mjs'
import { operations, OURS as RING_OURS } from '../rings/contestants.mjs'

export const OURS = [...HOP_OURS, RING_OURS, 'chordite/compat/chord']

/** For each size of body: rates, CPU time of the server and of both, and latencies; a column for each pattern. */
export function hopTables({ groups }) {
  const figures = [
    ['k requests/s', (row) => spread(row.requestsPerSecond, 1000)],
    ['server CPU µs', (row) => spread(row.serverCpuUs)],
    ['client CPU µs', (row) => figure(row.clientCpuUs.median)],
    ['p50 – p99 µs', (row) => `${figure(row.p50Us.median)} – ${figure(row.p99Us.median)}`],
  ]
  return distinct(groups, 'bytes').flatMap((bytes) => {
    const some = groups.filter((group) => group.bytes === bytes)
    const names = namesIn(some)
    return figures.map(([title, cellOf]) => ({
      header: [`${bytes} bytes, ${title}`, ...some.map(({ pattern }) => pattern)],
      rows: names.map((name) => [name, ...some.map((group) => cellIn(group, name, cellOf))]),
    }))
  })
}

/** For each place and operation: a row for each contestant and size of ring. */
export function ringTables({ groups }) {
  return distinct(groups, 'place').flatMap((place) =>
    operations.flatMap(({ name, title }) => {
      const some = groups.filter((group) => group.place === place && group.operation === name)
      if (some.length === 0) return []
      const header = [`${title}, nodes ${place}`, '1 at a time, /s', 'p50 – p99 µs', 'CPU µs']
      for (const many of ['64', '1,024']) header.push(`${many}, /s`, 'p99 ms', 'CPU µs')
      const rows = distinct(some, 'nodes').flatMap((nodes) => {
        const ring = some.filter((group) => group.nodes === nodes)
        return namesIn(ring).map((contestant) => [`N = ${nodes}, ${contestant}`, ...ringCells(ring, contestant)])
      })
      return [{ header: [...header, 'failed'], rows }]
    }),
  )
}

function ringCells(ring, contestant) {
  const cells = ring.flatMap((group) => {
    const latency = (row) =>
      group.outstanding === 1
        ? `${figure(row.p50Us.median)} – ${figure(row.p99Us.median)}`
        : figure(row.p99Us.median / 1000)
    const cpu = (row) => figure(row.cpuUs.median)
    return [(row) => spread(row.requestsPerSecond), latency, cpu].map((cellOf) => cellIn(group, contestant, cellOf))
  })
  const failed = ring.flatMap(({ rows }) => rows.filter((row) => row.contestant === contestant)).map(failedShare)
  return [...cells, failed.every((share) => share === 0) ? '0' : `≤ ${figure(100 * Math.max(...failed))} %`]
}

/** The most of any round. */
function failedShare({ rounds }) {
  return Math.max(...rounds.map((round) => round.failedShare))
}

export function namesTable({ rows }) {
  return {
    header: ['lookupMany', 'k names/s', 'CPU of all, µs a name', 'of the caller', 'wrong', 'failed'],
    rows: rows.map((row) => [
      row.contestant,
      spread(row.requestsPerSecond, 1000),
      spread(row.cpuUs),
      figure(row.askerCpuUs.median),
      row.wrong.max,
      row.failed.max,
    ]),
  }
}

/**
 * Gates of one hop, a table for each of our forms, of patterns and peers: how many times the rate, and how many times less CPU time of
 * the server.
 */
function aheadTables(gates) {
  const hop = gates.filter(({ peer }) => peer !== undefined)
  const peers = distinct(hop, 'peer')
  return distinct(hop, 'ours').map((ours) => {
    const cellOf = (pattern, peer) => {
      const both = hop.filter((gate) => gate.ours === ours && gate.pattern === pattern && gate.peer === peer)
      return `${both.map(({ value }) => figure(value.median)).join(' / ')} ${verdictOf(both)}`
    }
    const rows = distinct(hop, 'pattern').map((pattern) => [pattern, ...peers.map((peer) => cellOf(pattern, peer))])
    return { header: [`${ours}: × the rate / × less server CPU`, ...peers], rows }
  })
}

function verdictOf(gates) {
  const limit = gates[0].atLeast === 1 ? '' : `(≥ ${gates[0].atLeast}) `
  const results = new Set(gates.map(({ result }) => result))
  return results.size === 1 ? `${limit}${gates[0].result}` : `${limit}${gates.map(({ result }) => result).join(' / ')}`
}

/** All gates: those of one hop as above, the others one by one. */
export function gatesTables(gates) {
  const others = gates.filter(({ peer }) => peer === undefined)
  return [...aheadTables(gates), ...(others.length > 0 ? [gatesTable(others)] : [])]
}

function gatesTable(gates) {
  const rows = gates.map((gate) => [
    `${gate.part}: ${gate.name}`,
    gate.value ? spread(gate.value) : '–',
    limitOf(gate),
    gate.result === 'no gate' ? '' : gate.result,
  ])
  return { header: ['', 'median (quartiles)', 'limit', ''], rows, texts: [3] }
}

/** One line for each mistake that was seen; what was wrong is never left out. */
export function mistakesOf({ hop, rings, names }) {
  const groups = [...(hop?.groups ?? []), ...(rings?.groups ?? []), ...(names ? [names] : [])]
  return [...new Set(groups.flatMap(({ mistakes }) => mistakes))]
}

/** Requests of all rounds of one hop that failed, by contestant. */
export function hopFailures({ groups }) {
  const count = new Map()
  for (const { rows } of groups) {
    for (const { contestant, rounds } of rows) {
      const failed = rounds.reduce((sum, round) => sum + round.failed, 0)
      count.set(contestant, (count.get(contestant) ?? 0) + failed)
    }
  }
  const some = [...count].filter(([, failed]) => failed > 0)
  if (some.length === 0) return 'No request failed, and each reply was the right one.'
  return `Failed: ${some.map(([name, failed]) => `${failed.toLocaleString('en-US')} of ${name}`).join(', ')}.`
}

export function namesIn(groups) {
  return [...new Set(groups.flatMap(({ rows }) => rows.map((row) => row.contestant)))]
}

export function distinct(groups, name) {
  return [...new Set(groups.map((group) => group[name]))]
}

function cellIn(group, contestant, cellOf) {
  const row = group.rows.find((one) => one.contestant === contestant)
  return row === undefined ? '–' : cellOf(row)
}
