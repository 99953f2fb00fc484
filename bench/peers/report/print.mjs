/** The report for people, as plain text. */
import { table } from '../../lib/table.mjs'
import { whyBusy } from '../../lib/watch.mjs'
import { gatesTables, hopFailures, hopTables, mistakesOf, namesTable, ringTables } from './tables.mjs'

export function printPeers(report) {
  const { machine, versions, hop, rings, names, gates } = report
  const parts = [`${machine.cores} × ${machine.cpu}, ${machine.system}, Node.js ${versions.node}`]
  if (report.quick) parts.push('Quick run: shows that everything works; the figures are no evidence.')
  parts.push(...report.before.reasons.map((reason) => `The machine was busy before it began: ${reason}.`))
  if (hop) parts.push(...hopTables(hop).map(text), describePlan(hop), hopFailures(hop))
  if (rings) parts.push(...ringTables(rings).map(text), describePlan(rings))
  if (names) parts.push(text(namesTable(names)))
  parts.push(...mistakesOf(report).map((mistake) => `Failed: ${mistake}`), ...notMeasured(report), busyLine(report))
  return [...parts, ...gatesTables(gates).map(text)].join('\n\n')
}

export function describePlan({ plan: { rounds, windowMs, warmupMs } }) {
  return `Medians of ${rounds} interleaved rounds of ${windowMs} ms or more after ${warmupMs} ms of warm-up each.`
}

export function notMeasured({ hop, rings, names }) {
  const missing = [hop, rings, names].flatMap((part) => part?.missing ?? [])
  return missing.map(({ contestant, reason }) => `Not measured: ${contestant}: ${reason}`)
}

export function busyLine({ hop, rings, names }) {
  const groups = [...(hop?.groups ?? []), ...(rings?.groups ?? []), ...(names ? [names] : [])]
  const busy = groups.filter(({ machine }) => whyBusy(machine) !== undefined)
  if (busy.length === 0) return 'The machine was quiet.'
  const why = whyBusy(busy.flatMap(({ machine }) => machine))
  return `The machine was busy in ${busy.length} of ${groups.length} groups of rounds: ${why}.`
}

function text({ header, rows, texts }) {
  return table(header, rows, texts)
}
