/** The report for people. */
import { figure, spread, table } from './table.mjs'

export function print(report) {
  const { cpu, cores, system, node } = report.machine
  const parts = [`${cores} × ${cpu}, ${system}, Node.js ${node}`]
  if (report.quick) parts.push('Quick run: shows that everything works; the figures are no evidence.')
  if (report.micro) parts.push(printMicro(report.micro))
  if (report.echo) parts.push(printEcho(report.echo))
  return parts.join('\n\n')
}

function printMicro({ groups, missing }) {
  const parts = groups.map(({ name, unit, rows }) => {
    const cells = rows.map((r) => [
      r.name,
      figure(r.ns.median),
      `${figure(r.ns.p25)}–${figure(r.ns.p75)}`,
      figure(r.times),
    ])
    return table([name, `ns ${unit}`, 'p25–p75', '× first'], cells)
  })
  return [...parts, ...missing.map(notMeasured)].join('\n\n')
}

function printEcho({ rows, gates, missing, machine, plan }) {
  const cells = rows.map((r) => [
    `${r.pattern} ${r.contestant}`,
    spread(r.cpuUs),
    figure(r.requestsPerSecond.median / 1000),
    figure(r.p50Us.median),
    figure(r.p99Us.median),
    figure(r.serverCores.median),
    figure(r.loadCores.median),
  ])
  const header = [
    '64-byte echo',
    'server CPU µs/request',
    'k requests/s',
    'p50 µs',
    'p99 µs',
    'server cores',
    'load cores',
  ]
  const judged = gates.map((g) => [
    `${g.pattern} chordite native ÷ ${g.against}`,
    g.ratio === undefined ? '–' : spread(g.ratio),
    g.limit === undefined ? '' : `≤ ${g.limit}`,
    g.result,
  ])
  return [
    table(header, cells),
    table(['gate: CPU per request', 'ratio (p25–p75)', 'limit', 'result'], judged),
    `Medians of ${plan.rounds} interleaved rounds of ${plan.windowMs} ms after ${plan.warmupMs} ms of warm-up each.`,
    machine.busy ? `The machine was busy: ${machine.reasons.join('; ')}.` : 'The machine was quiet.',
    ...missing.map(notMeasured),
  ].join('\n\n')
}

function notMeasured({ contestant, reason }) {
  return `Not measured: ${contestant}: ${reason}`
}
