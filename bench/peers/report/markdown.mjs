/** The parts of docs/benchmarks.md that compare with peers, by the names of their markers. */
import { markdownTable } from '../../report/markdown.mjs'
import { busyLine, describePlan, notMeasured } from './print.mjs'
import { gatesTables, hopFailures, hopTables, mistakesOf, namesTable, OURS, ringTables } from './tables.mjs'

export function sectionsOf(report) {
  const { hop, rings, names, gates } = report
  return {
    'peers-machine': machineSection(report),
    'peers-gates': gatesTables(gates).map(markdown).join('\n\n'),
    ...(hop && { 'peers-hop': hopSection(hop) }),
    ...(rings && { 'peers-rings': ringsSection(rings) }),
    ...(names && { 'peers-names': markdown(namesTable(names)) }),
  }
}

function hopSection(hop) {
  const charts = [
    '![Requests per second](plots/peers-hop-rate.svg)',
    '![Server CPU for a request](plots/peers-hop-cpu.svg)',
  ]
  return [...charts, ...hopTables(hop).map(markdown), describePlan(hop), hopFailures(hop)].join('\n\n')
}

function ringsSection(rings) {
  return ['![Rings](plots/peers-rings.svg)', ...ringTables(rings).map(markdown), describePlan(rings)].join('\n\n')
}

function machineSection(report) {
  const { machine, versions, date, quick, before } = report
  const known = Object.entries(versions).filter(([, version]) => version !== undefined)
  const about = [
    `Machine: ${machine.cores} × ${machine.cpu}, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB, ${machine.system}`,
    `Versions: ${known.map(([name, version]) => `${name} ${version}`).join(', ')}`,
    `Measured on ${date.slice(0, 10)}${quick ? ' by a **quick run: these figures are no evidence**' : ''}`,
    `${busyLine(report)} Before it began, somebody had waited for a CPU ${before.pressureAvg10 ?? '?'} % of 10 s.`,
    ...mistakesOf(report).map((mistake) => `Failed: ${mistake}`),
    ...notMeasured(report),
  ]
  return about.map((line) => `- ${line}`).join('\n')
}

function markdown({ header, rows }) {
  const isOurs = (cell) => OURS.includes(cell) || OURS.some((name) => String(cell).endsWith(`, ${name}`))
  return markdownTable(
    header,
    rows.map(([first, ...rest]) => [isOurs(first) ? `**${first}**` : first, ...rest]),
  )
}
