/** The generated parts of docs/benchmarks.md, by the names of their markers. */
import { OURS } from '../echo/contestants.mjs'
import { figure, spread } from '../lib/table.mjs'
import { isDisturbed, OTHERS_BUSY_CORES, whyBusy } from '../lib/watch.mjs'
import { busyLines, describePlan, limitOf } from './print.mjs'

export function sectionsOf(report) {
  const { echo, requests, micro, allocation } = report
  return {
    machine: machineSection(report),
    quiet: quietSection(report),
    gates: gatesSection(report.gates),
    ...(echo && { 'echo-cpu': echoSection(echo, (row) => spread(row.cpuUs)) }),
    ...(echo && { 'echo-rate': echoSection(echo, (row) => figure(row.requestsPerSecond.median / 1000)) }),
    ...(requests && { requests: requestSection(requests) }),
    ...(allocation && { allocation: allocationSection(allocation) }),
    ...(micro && { micro: microSection(micro) }),
  }
}

function machineSection({ machine, versions, date, quick, echo, requests }) {
  const { cpu, cores, memoryBytes, system } = machine
  const names = { node: 'Node.js', v8: 'V8', openssl: 'OpenSSL' }
  const known = Object.entries(versions).filter(([, version]) => version !== undefined)
  const groups = [echo, requests].flatMap((part) => part?.groups ?? [])
  const busy = groups.filter((group) => whyBusy(group.machine) !== undefined).length
  return [
    `- Machine: ${cores} × ${cpu}, ${Math.round(memoryBytes / 2 ** 30)} GiB, ${system}`,
    `- Versions: ${known.map(([name, version]) => `${names[name] ?? name} ${version}`).join(', ')}`,
    `- Measured on ${date.slice(0, 10)}${quick ? ' by a **quick run: these figures are no evidence**' : ''}`,
    ...(busy > 0
      ? [`- **The machine was busy** in ${busy} of ${groups.length} groups of rounds: see the end of this page`]
      : []),
  ].join('\n')
}

/** How much of the machine others used, round by round. */
function quietSection({ before, echo, requests, micro }) {
  const parts = { ...(echo && { echo: machinesOf(echo) }), ...(requests && { requestTo: machinesOf(requests) }) }
  if (micro) parts['single steps'] = [micro.machine]
  const rows = Object.entries(parts).map(([name, rounds]) => [
    name,
    rounds.length,
    rangeOf(rounds, 'othersCores', 1),
    rangeOf(rounds, 'waiting', 100),
    rangeOf(rounds, 'pressureAvg10', 1),
    rounds.filter(isDisturbed).length,
  ])
  const header = [
    '',
    'rounds',
    'cores used by others',
    '% of the time somebody waited',
    '`some avg10` before',
    `disturbed: more than ${OTHERS_BUSY_CORES} cores`,
  ]
  return [
    markdownTable(header, rows),
    `Before it began, somebody had waited for a CPU ${before.pressureAvg10 ?? '?'} % of 10 s.`,
    ...[echo, requests].flatMap((part) => (part ? busyLines(part.groups) : [])).filter((line) => line.includes('busy')),
  ].join('\n\n')
}

function machinesOf({ groups }) {
  return groups.flatMap((group) => group.machine)
}

function rangeOf(rounds, name, times) {
  const values = rounds.map((round) => round[name]).filter((value) => value !== undefined)
  if (values.length === 0) return '–'
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) =>
    (times * value).toFixed(times === 1 ? 2 : 0),
  )
  return low === high ? low : `${low}–${high}`
}

function gatesSection(gates) {
  const rows = gates.map((g) => [`${g.part}: ${g.name}`, g.value ? spread(g.value) : '–', limitOf(g), resultOf(g)])
  return markdownTable(['', 'median (quartiles)', 'limit', ''], rows)
}

function resultOf({ result }) {
  return result === 'no gate' ? '' : result
}

/** A table for each size of body: a row for each contestant, a column for each pattern. */
function echoSection({ groups, plan, missing }, cellOf) {
  const sizes = [...new Set(groups.map((group) => group.bytes))]
  const tables = sizes.map((bytes) => {
    const some = groups.filter((group) => group.bytes === bytes)
    const names = [...new Set(some.flatMap(({ rows }) => rows.map((row) => row.contestant)))]
    const rows = names.map((name) => {
      const cells = some.map((group) => group.rows.find((row) => row.contestant === name))
      return [name === OURS ? `**${name}**` : name, ...cells.map((row) => (row ? cellOf(row) : '–'))]
    })
    return markdownTable([`${bytes} bytes`, ...some.map((group) => group.pattern)], rows)
  })
  const absent = missing.map(({ contestant, reason }) => `Not measured: ${contestant}: ${reason}`)
  return [...tables, describePlan(plan), ...absent].join('\n\n')
}

function requestSection({ groups, plan }) {
  const rows = groups.flatMap(({ bytes, rows: all }) =>
    all.map((r) => [
      `${bytes} bytes, ${r.way}`,
      spread(r.requestsPerSecond, 1000),
      spread(r.clientCpuUs),
      figure(r.clientSystemUs.median),
      spread(r.serverCpuUs),
      figure(r.serverSystemUs.median),
      figure(r.p50Us.median),
      figure(r.p99Us.median),
    ]),
  )
  const header = [
    'client → server',
    'k requests/s',
    'client CPU µs',
    'in the kernel',
    'server CPU µs',
    'in the kernel',
    'p50 µs',
    'p99 µs',
  ]
  return `${markdownTable(header, rows)}\n\n${describePlan(plan)}`
}

function allocationSection({ rows }) {
  const cells = rows.map((r) => [r.name, `${figure(r.perMessage)} ${r.unit}`, r.note ? r.note.replaceAll('#', '') : ''])
  return markdownTable(['', 'for a message', 'of which, or besides'], cells)
}

function microSection({ groups }) {
  const tables = groups.map(({ name, unit, rows }) => {
    const cells = rows.map(({ name: row, ns, times }) => [row, spread(ns), figure(times)])
    return markdownTable([name, `ns ${unit}`, '× first'], cells)
  })
  return tables.join('\n\n')
}

export function markdownTable(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
