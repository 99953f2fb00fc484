/** What calls in bulk take, by a member that has just joined a ring and by a client, in rounds. */
import { connect } from '../../dist/index.js'
import { packKeys } from '../../dist/native/pack.js'
import { summary } from '../lib/stats.mjs'
import { watchMachine } from '../lib/watch.mjs'
import { ECHO, oracle, plain, settled, startNode, startRing } from './ring.mjs'

const BODY = new Uint8Array(64).fill(7)

/**
 * Rows: `{ name, keys, rounds, perSecond, ns, frames }`, summaries over the rounds: of keys a second, of CPU time a key in this
 * process, and of frames that it sent.
 */
export async function runBulk({ names, nodes, processes, transport, rounds, repeats, say }) {
  say(`bulk: ${nodes} nodes`)
  const ring = await startRing({ count: nodes - 1, processes, transport })
  const rows = new Map()
  const watched = []
  try {
    for (let round = 0; round < rounds; round++) {
      say(`bulk: round ${round + 1} of ${rounds}`)
      const watch = watchMachine()
      const before = await cpuOf(ring)
      await oneRound({ ring, names, transport, repeats, note: (name, figures) => note(rows, name, figures) })
      watched.push(watch((await cpuOf(ring)) - before))
    }
  } finally {
    await Promise.all(ring.map((node) => node.stop()))
  }
  return { nodes, processes, keys: names.length, rounds, rows: [...rows].map(summed), watched }
}

/** With a member and a client of its own, to which everything is new. */
async function oneRound({ ring, names, transport, repeats, note }) {
  const node = await startNode({ transport, join: [ring[0].address] })
  const self = { members: async () => node.members.map(plain) }
  const owners = oracle(await settled([...ring, self]), names)
  const client = await connect({ transport, to: [ring[1].address] })
  try {
    const packed = await timed(note, 'packing (strings to bytes and offsets)', names.length, repeats, () => pack(names))
    // A client has no metrics.
    for (const [who, caller, counted] of [
      ['member', node, node],
      ['client', client],
    ]) {
      const look = async (name, times, o, keys) => {
        const found = await timed(
          note,
          `${who}: ${name}`,
          names.length,
          times,
          () => caller.lookupMany(keys, o),
          counted,
        )
        check(found, owners, name)
      }
      await look('lookupMany, cold', 1, {}, names)
      await look('lookupMany, warm', repeats, {}, names)
      await look('lookupMany, warm, packed keys and results', repeats, { packed: true }, packed)
      const ask = () => caller.requestMany(names, ECHO, { all: BODY }, { timeoutMs: 60_000 })
      const answers = await timed(note, `${who}: requestMany, 64 bytes each way`, names.length, 1, ask, counted)
      if (!answers.every((answer) => answer.ok && answer.value.length === BODY.length))
        throw new Error('a request failed')
      await look(
        'cached, packed keys and results, SHA-1 included',
        10 * repeats,
        { cached: true, packed: true },
        packed,
      )
      await look('cached, strings and objects', repeats, { cached: true }, names)
    }
  } finally {
    await client.close()
    await node.leave()
  }
}

/** `fn` so many times after each other; a round's figures are of all of them together. Gives the last result. */
async function timed(note, name, keys, times, fn, node) {
  const framesBefore = node?.metrics().wire.framesOut
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  let result
  for (let i = 0; i < times; i++) result = await fn()
  const ms = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpu)
  const frames = node && (node.metrics().wire.framesOut - framesBefore) / times
  note(name, { perSecond: (1000 * keys * times) / ms, ns: (1000 * (user + system)) / (keys * times), frames })
  return result
}

/** Every owner, not a sample. */
function check(found, owners, name) {
  const addressOf = Array.isArray(found)
    ? (i) => (found[i].ok ? found[i].value.owner.address : found[i].error.code)
    : (i) => found.owners[found.indexes[i]]?.owner.address ?? found.errors.get(i).code
  for (const [i, owner] of owners.entries()) {
    if (addressOf(i) !== owner) throw new Error(`${name}: key ${i} belongs to ${owner}, not to ${addressOf(i)}`)
  }
}

/** A copy: what `packKeys` gives is written over by the next call. */
function pack(names) {
  const { bytes, offsets } = packKeys(names)
  return { bytes: bytes.slice(0, offsets[names.length]), offsets }
}

async function cpuOf(ring) {
  const each = await Promise.all(ring.map((node) => node.cpuMs()))
  return each.reduce((sum, ms) => sum + ms, 0)
}

function note(rows, name, figures) {
  if (!rows.has(name)) rows.set(name, [])
  rows.get(name).push(figures)
}

function summed([name, rounds]) {
  const of = (field) => (rounds[0][field] === undefined ? undefined : summary(rounds.map((round) => round[field])))
  return { name, perSecond: of('perSecond'), ns: of('ns'), frames: of('frames') }
}
