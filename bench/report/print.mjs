/** The report for people, as plain text. */
import { OURS } from '../echo/contestants.mjs'
import { ratioOf } from '../lib/rows.mjs'
import { figure, spread, table } from '../lib/table.mjs'
import { whyBusy } from '../lib/watch.mjs'

export function print(report) {
  const { cpu, cores, system } = report.machine
  const parts = [`${cores} × ${cpu}, ${system}, Node.js ${report.versions.node}`]
  if (report.quick) parts.push('Quick run: shows that everything works; the figures are no evidence.')
  parts.push(...report.before.reasons.map((reason) => `The machine was busy before it began: ${reason}.`))
  if (report.micro) parts.push(...printMicro(report.micro))
  if (report.echo) parts.push(...printEcho(report.echo))
  if (report.requests) parts.push(...printRequests(report.requests))
  if (report.allocation) parts.push(printAllocation(report.allocation))
  parts.push(...report.missing.map(notMeasured))
  if (report.gates.length > 0) parts.push(printGates(report.gates))
  return parts.join('\n\n')
}

/** One table: what a request costs ours and what it costs `against`. */
export function printAgainst(echo, against) {
  const rows = echo.groups.map(({ pattern, bytes, rows: both, machine }) => {
    const [ours, theirs] = [OURS, against].map((name) => both.find((row) => row.contestant === name))
    if (ours === undefined || theirs === undefined)
      return [`${pattern}, ${bytes} B`, '–', '–', '–', '–', 'not measured']
    const cells = [spread(ours.cpuUs), spread(theirs.cpuUs), spread(ratioOf(ours, theirs, 'cpuUs'))]
    const faster = spread(ratioOf(ours, theirs, 'requestsPerSecond'))
    return [`${pattern}, ${bytes} B`, ...cells, faster, whyBusy(machine) === undefined ? '' : 'machine was busy']
  })
  const header = ['echo', `${OURS}, CPU µs`, `${against}, CPU µs`, 'CPU ratio', 'requests/s ratio', '']
  return [
    table(header, rows),
    `Server CPU per request, median (quartiles); a ratio is ours ÷ theirs. ${describePlan(echo.plan)}`,
    ...busyLines(echo.groups),
    ...echo.missing.map(notMeasured),
  ].join('\n\n')
}

function printMicro({ groups, missing, machine }) {
  const parts = groups.map(({ name, unit, rows }) => {
    const cells = rows.map((r) => {
      const { median, p25, p75 } = r.ns
      return [r.name, figure(median), `${figure(p25)}–${figure(p75)}`, figure(r.times)]
    })
    return table([name, `ns ${unit}`, 'p25–p75', '× first'], cells)
  })
  const why = whyBusy([machine])
  if (why !== undefined) parts.push(`The machine was busy: ${why}.`)
  return [...parts, ...missing.map(notMeasured)]
}

function printEcho({ plan, groups, missing }) {
  const sizes = [...new Set(groups.map((group) => group.bytes))]
  const tables = sizes.map((bytes) => {
    const header = ['server CPU µs/request', 'k requests/s', 'p50 µs', 'p99 µs', 'server cores', 'load cores']
    const cells = groups
      .filter((group) => group.bytes === bytes)
      .flatMap(({ pattern, rows }) => rows.map((r) => [`${pattern} ${r.contestant}`, ...echoCells(r)]))
    return table([`echo of ${bytes} bytes`, ...header], cells)
  })
  const notes = tables.length === 0 ? [] : [describePlan(plan), ...busyLines(groups)]
  return [...tables, ...notes, ...missing.map(notMeasured)]
}

function echoCells(row) {
  const { cpuUs, requestsPerSecond, p50Us, p99Us, serverCores, loadCores } = row
  const rate = figure(requestsPerSecond.median / 1000)
  return [spread(cpuUs), rate, ...[p50Us, p99Us, serverCores, loadCores].map(({ median }) => figure(median))]
}

export function printRequests({ plan, groups }) {
  const cells = groups.flatMap(({ bytes, rows }) =>
    rows.map((r) => [
      `${bytes} B ${r.way}`,
      spread(r.requestsPerSecond, 1000),
      spread(r.clientCpuUs),
      spread(r.serverCpuUs),
      ...[r.clientSystemUs, r.serverSystemUs, r.clientCores, r.serverCores, r.p50Us, r.p99Us].map(({ median }) =>
        figure(median),
      ),
    ]),
  )
  const header = [
    'requestTo: client → server',
    'k requests/s',
    'client CPU µs',
    'server CPU µs',
    'client kernel',
    'server kernel',
  ]
  const shape = `${plan.endpoints} endpoints × ${plan.outstanding} outstanding, ${plan.transport} transport.`
  return [
    table([...header, 'client cores', 'server cores', 'p50 µs', 'p99 µs'], cells),
    `${shape} ${describePlan(plan)}`,
    ...busyLines(groups),
  ]
}

export function printAllocation({ rows, missing }) {
  const cells = rows.map((r) => [
    r.name,
    figure(r.perMessage),
    r.unit,
    r.messages.toLocaleString('en-US'),
    r.note ?? '',
  ])
  return [table(['allocation', 'per message', 'of', 'messages', ''], cells, [2, 4]), ...missing.map(notMeasured)].join(
    '\n\n',
  )
}

export function printGates(gates) {
  const cells = gates.map((g) => [`${g.part}: ${g.name}`, g.value ? spread(g.value) : '–', limitOf(g), resultOf(g)])
  return table(['gate', 'median (p25–p75)', 'limit', 'result'], cells, [3])
}

export function resultOf({ result, reason }) {
  return reason === undefined ? result : `${result}: ${reason}`
}

export function limitOf({ atMost, atLeast }) {
  if (atMost !== undefined) return `≤ ${figure(atMost)}`
  return atLeast === undefined ? '' : `≥ ${figure(atLeast)}`
}

export function describePlan({ rounds, windowMs, warmupMs }) {
  return `Medians of ${rounds} interleaved rounds of ${windowMs} ms after ${warmupMs} ms of warm-up each.`
}

/** One line for all groups. */
export function busyLines(groups) {
  const busy = groups.filter((group) => whyBusy(group.machine) !== undefined)
  const known = groups.some((group) => group.machine.some(({ othersCores }) => othersCores !== undefined))
  if (busy.length === 0) return [known ? 'The machine was quiet.' : 'How busy the machine was is not known.']
  const names = busy.map(({ pattern, bytes }) => (pattern === undefined ? `${bytes} B` : `${pattern} ${bytes} B`))
  return [`The machine was busy: ${whyBusy(busy.flatMap(({ machine }) => machine))}; during ${names.join(', ')}.`]
}

function notMeasured({ contestant, reason }) {
  return `Not measured: ${contestant}: ${reason}`
}
