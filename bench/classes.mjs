/**
 * `node bench/classes.mjs`: what a look-up and a request wait for while the same connection carries bulk. Two processes,
 * each a node; one calls the other many at a time, at 70 % of what it can take and at all of it, and asks one at a time.
 *
 *   --rounds N    instead of 5
 *   --bytes N     of a bulk message: 1,024
 *   --burn N      µs that its handler takes: 20
 *   --dist DIR    of another build of chordite, to compare with
 *   --quick       one short round: shows that it runs; the figures are no evidence
 *   --json        the figures as JSON on standard output
 */
import { fork } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine, versions } from './lib/machine.mjs'
import { rowOf } from './lib/rows.mjs'
import { figure, spread, table } from './lib/table.mjs'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string' },
    bytes: { type: 'string', default: '1024' },
    burn: { type: 'string', default: '20' },
    dist: { type: 'string', default: fileURLToPath(new URL('../dist', import.meta.url)) },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    serve: { type: 'string' },
  },
})
const { createNode, raw } = await import(`${resolve(flags.dist)}/index.js`)
const BULK = { name: 'bulk', request: raw, reply: raw }
const ASK = { name: 'ask', request: raw, reply: raw }
/** Of one call for many, and how many of those are under way when there is no bound. */
const MANY = 2_000
const AT_ONCE = 4
const LOAD_SHARE = 0.7
const FIGURES = ['lookupP50Us', 'lookupP99Us', 'requestP50Us', 'requestP99Us', 'perSecond']
const windowMs = flags.quick ? 300 : 2_000
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5))
const one = new Uint8Array(1)
const asked = new Uint8Array(64)

await (flags.serve === undefined ? measure() : serve(flags.serve))

/** The other process: its handlers take their time. */
async function serve(contact) {
  const node = createNode({ listen: '127.0.0.1:0', join: [contact], transport: 'native' })
  node.handle(ASK, () => one)
  node.handle(BULK, () => {
    const endMs = performance.now() + Number(flags.burn) / 1000
    while (performance.now() < endMs);
    return one
  })
  await node.start()
  process.send(node.address)
  process.on('disconnect', () => process.exit())
}

async function measure() {
  const node = createNode({ listen: '127.0.0.1:0', transport: 'native' })
  await node.start()
  const args = ['--serve', node.address, '--dist', flags.dist, '--burn', flags.burn]
  const child = fork(fileURLToPath(import.meta.url), args)
  const address = await new Promise((ready) => child.once('message', ready))
  const keys = await keysOf(node, address)
  const samples = { alone: [], 'at 70 %': [], 'at 100 %': [] }
  await sample(node, address, keys, Number.POSITIVE_INFINITY)
  for (let round = 0; round < rounds; round++) {
    samples.alone.push(await sample(node, address, keys, 0))
    const full = await sample(node, address, keys, Number.POSITIVE_INFINITY)
    samples['at 100 %'].push(full)
    samples['at 70 %'].push(await sample(node, address, keys, LOAD_SHARE * full.perSecond))
  }
  child.disconnect()
  await node.close()
  const rows = Object.entries(samples).map(([name, list]) => ({ name, ...rowOf(FIGURES, list) }))
  console.log(
    flags.json ? JSON.stringify({ machine: machine(), versions: versions(), rounds, rows }, null, 2) : print(rows),
  )
}

/** Enough for one call for many, all of them the other's. */
async function keysOf(node, address) {
  const keys = []
  for (let i = 0; keys.length < MANY; i++) {
    const { owner } = await node.lookup(`name-${i}`)
    if (owner.address === address) keys.push(`name-${i}`)
  }
  return keys
}

/** One window: bulk at that rate, and beside it one look-up and one request after the other. */
async function sample(node, address, keys, perSecond) {
  const state = { over: false, done: 0 }
  const lookups = []
  const requests = []
  const bulk = perSecond === 0 ? [] : Array.from({ length: AT_ONCE }, (_, i) => load(node, keys, perSecond, i, state))
  await pause(windowMs / 4)
  const before = state.done
  const startMs = performance.now()
  const probes = [
    probe(lookups, state, (i) => node.lookup(keys[i % keys.length])),
    probe(requests, state, () => node.requestTo(address, ASK, asked, { timeoutMs: 10_000 })),
  ]
  await pause(windowMs)
  const rate = ((state.done - before) * 1000) / (performance.now() - startMs)
  state.over = true
  await Promise.all([...probes, ...bulk])
  return {
    lookupP50Us: quantile(lookups, 0.5),
    lookupP99Us: quantile(lookups, 0.99),
    requestP50Us: quantile(requests, 0.5),
    requestP99Us: quantile(requests, 0.99),
    perSecond: rate,
  }
}

async function load(node, keys, perSecond, which, state) {
  const share = perSecond === Number.POSITIVE_INFINITY ? keys : keys.slice(0, MANY / 20)
  const body = new Uint8Array(Number(flags.bytes))
  const everyMs = (1000 * share.length * AT_ONCE) / perSecond
  let dueMs = performance.now() + (everyMs * which) / AT_ONCE
  while (!state.over) {
    const results = await node.requestMany(
      share,
      BULK,
      share.map(() => body),
      { timeoutMs: 10_000 },
    )
    for (const result of results) if (result.ok) state.done++
    dueMs += everyMs
    if (dueMs > performance.now()) await pause(dueMs - performance.now())
  }
}

async function probe(list, state, ask) {
  for (let i = 0; !state.over; i++) {
    const startMs = performance.now()
    try {
      await ask(i)
      list.push((performance.now() - startMs) * 1000)
    } catch {
      // Refused: a wait without end for who asked, and counted as the longest that there is.
      list.push(windowMs * 1000)
      await pause(1)
    }
  }
}

function quantile(list, share) {
  return list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))]
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms))
}

function print(rows) {
  const cells = rows.map((row) => [
    `beside bulk ${row.name}`.replace('beside bulk alone', 'alone'),
    ...FIGURES.slice(0, 4).map((name) => spread(row[name])),
    figure(row.perSecond.median / 1000),
  ])
  const header = ['one at a time, µs', 'look-up p50', 'p99', 'request p50', 'p99', 'k bulk/s']
  return `${table(header, cells)}\n\n${flags.bytes} bytes each, whose handler takes ${flags.burn} µs`
}
