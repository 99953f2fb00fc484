/** What comparing with peers must show. Each is a ratio within one run, but for what is counted. */
import { decide, quotient } from '../gates.mjs'
import { ratioOf } from '../lib/rows.mjs'
import { whyBusy } from '../lib/watch.mjs'
import { BATCHES, CALLBACKS, OURS as HOP_OURS, LIMIT } from './hop/contestants.mjs'
import { ORIGINAL, OURS } from './rings/contestants.mjs'

const BYTES = 64
/** Ahead of everybody everywhere; at 16×64 by that much. */
const AT_LEAST = { '16×64': { '@grpc/grpc-js': 100, zeromq: 8, 'dht-rpc': 8 } }
const ROUTED_AT_LEAST = { 64: 5, 1024: 20 }
const NAMES_AT_LEAST = 50
const NODES = 32

/** `{ part, name, value, atMost | atLeast, result, reason }` of all that was measured. */
export function judgePeers({ hop, rings, names }) {
  return [
    ...(hop ? hop.groups.filter(({ bytes }) => bytes === BYTES).flatMap(judgeHop) : []),
    ...(rings ? rings.groups.filter(({ nodes }) => nodes === NODES).flatMap(judgeRing) : []),
    ...(names ? judgeNames(names, rings) : []),
  ]
}

/**
 * How many times the requests/s of each peer ours are, and its server's CPU time for a request how many times ours: with a handler for
 * each message, and at our best, as the server of `node:net` is at its.
 */
function judgeHop({ pattern, rows, machine }) {
  const peers = rows.filter(({ contestant }) => !HOP_OURS.includes(contestant) && contestant !== LIMIT)
  const busy = whyBusy(machine)
  return [CALLBACKS, BATCHES].flatMap((name) => {
    const ours = rows.find(({ contestant }) => contestant === name)
    if (ours === undefined) return []
    return peers.flatMap((peer) => {
      const atLeast = AT_LEAST[pattern]?.[peer.contestant] ?? 1
      const gate = { part: 'one hop', ours: name, pattern, peer: peer.contestant, atLeast }
      const named = (what) => ({ ...gate, name: `${pattern}: ${what}` })
      const rate = ratioOf(ours, peer, 'requestsPerSecond')
      const cpu = ratioOf(peer, ours, 'serverCpuUs')
      return [
        decide(named(`${name} ÷ ${peer.contestant}, requests/s`), rate, busy),
        decide(named(`${peer.contestant} ÷ ${name}, server CPU`), cpu, busy),
      ]
    })
  })
}

function judgeRing({ place, operation, outstanding, rows, machine }) {
  const [ours, original] = [OURS, ORIGINAL].map((name) => rows.find(({ contestant }) => contestant === name))
  if (operation !== 'request' || ours === undefined || original === undefined) return []
  const gate = { part: 'rings', name: `${NODES} nodes ${place}, ${outstanding} outstanding: ` }
  const busy = whyBusy(machine)
  if (outstanding === 1) {
    const name = `${gate.name}${ORIGINAL} ÷ ${OURS}, p50`
    return [decide({ ...gate, name, atLeast: 1 }, ratioOf(original, ours, 'p50Us'), busy)]
  }
  const faster = {
    ...gate,
    name: `${gate.name}${OURS} ÷ ${ORIGINAL}, routed requests/s`,
    atLeast: ROUTED_AT_LEAST[outstanding],
  }
  const cheaper = { ...gate, name: `${gate.name}${ORIGINAL} ÷ ${OURS}, CPU of the whole ring` }
  return [
    decide(faster, ratioOf(ours, original, 'requestsPerSecond'), busy),
    decide(cheaper, ratioOf(original, ours, 'cpuUs'), busy),
  ]
}

/** Against the most that the original routes in that ring, with however many outstanding. */
function judgeNames({ rows, machine }, rings) {
  const routed = (rings?.groups ?? [])
    .filter(({ nodes, place, operation }) => nodes === NODES && place === 'apart' && operation === 'request')
    .flatMap((group) => group.rows.filter(({ contestant }) => contestant === ORIGINAL))
    .map(({ requestsPerSecond }) => requestsPerSecond)
    .sort((a, b) => b.median - a.median)[0]
  return rows.flatMap(({ contestant, requestsPerSecond, wrong, failed }) => {
    const gate = { part: 'lookupMany', name: `${contestant}: wrong or no owner`, atMost: 0 }
    const count = wrong.max + failed.max
    const counted = decide(gate, { median: count, p25: count, p75: count })
    if (routed === undefined) return [counted]
    const name = `${contestant}: names/s ÷ ${ORIGINAL}'s routed requests/s`
    const faster = { part: 'lookupMany', name, atLeast: NAMES_AT_LEAST }
    return [decide(faster, quotient(requestsPerSecond, routed), whyBusy(machine)), counted]
  })
}
