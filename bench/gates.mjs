/** What figures must show. Each gate is a ratio within one run, but for the rate of requests. */
import { OURS } from './echo/contestants.mjs'
import { ratioOf } from './lib/rows.mjs'
import { whyBusy } from './lib/watch.mjs'

const BEST_CASE = 'node:net best case'
const LIMIT = 'C epoll'
const BYTES = 64

/** Server CPU per request of ours, divided by that of `against`; at most `atMost`, or for information. */
const echoGates = [
  { pattern: '16×64', against: LIMIT, atMost: 2.0 },
  { pattern: '64×1', against: LIMIT, atMost: 1.1 },
  { pattern: '256×4', against: LIMIT, atMost: 1.1 },
  ...['16×64', '64×1', '256×4'].map((pattern) => ({ pattern, against: BEST_CASE, atMost: 0.7 })),
  ...['16×64', '64×1', '256×4'].map((pattern) => ({ pattern, against: 'node:net pipe' })),
]

/** What each is a median of; `figure` of the first way, divided by that of the second where there is one. */
const requestGates = [
  { name: 'promises, requests/s', figure: 'requestsPerSecond', ways: ['promises → handle'], atLeast: 1_000_000 },
  {
    name: 'callbacks ÷ promises, requests/s',
    figure: 'requestsPerSecond',
    ways: ['callbacks → handle', 'promises → handle'],
    atLeast: 1.3,
  },
  {
    name: 'handleBatch ÷ handle, server CPU',
    figure: 'serverCpuUs',
    ways: ['callbacks → handleBatch', 'callbacks → handle'],
    atMost: 1 / 3,
  },
]

/** All gates of what a report measured: `{ part, name, value, atMost | atLeast, result, reason }`. */
export function judge(report) {
  return [
    ...(report.micro ? report.micro.groups.flatMap((group) => judgeMicro(group, report.micro.machine)) : []),
    ...(report.echo ? echoGates.map((gate) => judgeEcho(gate, report.echo)) : []),
    ...(report.requests ? requestGates.map((gate) => judgeRequests(gate, report.requests)) : []),
    ...(report.allocation ? report.allocation.rows.filter((row) => row.atMost !== undefined).map(judgeAllocation) : []),
  ]
}

/** Groups bring gates of their own: `row` at least so many times as fast as the best of `against`. */
function judgeMicro({ name, rows, gates = [] }, machine) {
  return gates.map(({ row, against, atLeast }) => {
    const ours = rows.find((r) => r.name === row)
    const best = rows.filter((r) => against.includes(r.name)).sort((a, b) => a.ns.median - b.ns.median)[0]
    const gate = { part: 'micro', name: `${name}: ${best?.name ?? against[0]} ÷ ${row}`, atLeast }
    if (ours === undefined || best === undefined) return { ...gate, result: 'not measured' }
    return decide(gate, quotient(best.ns, ours.ns), whyBusy([machine]))
  })
}

function judgeEcho({ pattern, against, atMost }, { groups }) {
  const gate = { part: 'echo', name: `${pattern}: ${OURS} ÷ ${against}, server CPU`, atMost }
  const group = groups.find((g) => g.pattern === pattern && g.bytes === BYTES)
  const [ours, theirs] = [OURS, against].map((name) => group?.rows.find((row) => row.contestant === name))
  if (ours === undefined || theirs === undefined) return { ...gate, result: 'not measured' }
  return decide(gate, ratioOf(ours, theirs, 'cpuUs'), whyBusy(group.machine))
}

function judgeRequests({ name, figure, ways, ...limits }, { groups }) {
  const gate = { part: 'requests', name, ...limits }
  const group = groups.find((g) => g.bytes === BYTES)
  const [first, second] = ways.map((way) => group.rows.find((row) => row.way === way))
  if (first === undefined || (ways.length > 1 && second === undefined)) return { ...gate, result: 'not measured' }
  return decide(gate, second === undefined ? first[figure] : ratioOf(first, second, figure), whyBusy(group.machine))
}

/** Counted, not timed: a busy machine changes nothing. */
function judgeAllocation({ name, perMessage, unit, atMost }) {
  const value = { median: perMessage, p25: perMessage, p75: perMessage }
  return decide({ part: 'allocation', name: `${name}, ${unit}`, atMost }, value)
}

/** What a gate says of a `value`, or that the machine was too `busy` to say. */
export function decide(gate, value, busy) {
  const { atMost, atLeast } = gate
  if (atMost === undefined && atLeast === undefined) return { ...gate, value, result: 'no gate' }
  if (busy !== undefined) return { ...gate, value, result: 'not judged', reason: `machine was busy: ${busy}` }
  const passed = atMost === undefined ? value.median >= atLeast : value.median <= atMost
  return { ...gate, value, result: passed ? 'pass' : 'fail' }
}

/** Of figures that were not taken in the same rounds: the spread is the widest that the quartiles allow. */
export function quotient(above, below) {
  return { median: above.median / below.median, p25: above.p25 / below.p75, p75: above.p75 / below.p25 }
}
