/**
 * `npm start`: 8 real processes form a ring, 100,000 real names are routed into it, and the result is checked against
 * what the order of the ids says: each name must be taken by the first node at or after its SHA-1.
 */
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connect, json, utf8 } from 'chordite'

const PROCESSES = 8
/** Look-ups in one call, and messages under way at a time. */
const CHUNK = 4096
const WINDOW = 1024

const NAME = { name: 'name', request: utf8, reply: utf8 }
const COUNT = { name: 'count', request: json(), reply: json() }

const names = readFileSync(new URL('data/package-names.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const ring = await stopwatch(startRing)
const nodes = [...ring.value.values()].map(({ last }) => last).sort((a, b) => (a.id < b.id ? -1 : 1))
console.log(`a ring of ${nodes.length} processes, ${nodes[0].transport} transport, up in ${ring.seconds.toFixed(2)} s`)

const client = await connect({ to: [nodes[0].address] })
const found = await stopwatch(() => lookUpAll(client))
report('looked up', found)
console.log(`  hops  ${histogram(found.value.map(({ hops }) => hops))}`)
const takers = await stopwatch(() => sendAll(client))
report('sent to their owners and acknowledged', takers)
const received = await Promise.all(nodes.map(({ address }) => client.requestTo(address, COUNT, {})))
await client.close()

printNodes()
const problems = check()
const left = await stopwatch(stopRing)
console.log(`all processes left in ${left.seconds.toFixed(2)} s`)
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
else console.log(`every name was taken by its right owner, once: ${count(sum(received))} received in all`)

/** The first process creates the ring, the others join it together. Done when their ranges tile the ring. */
async function startRing() {
  const children = new Map()
  const complete = new Promise((resolve, reject) => {
    const start = (join) => {
      const child = fork(fileURLToPath(new URL('name-counter.mjs', import.meta.url)), join ? [join] : [])
      children.set(child, { last: undefined })
      child.on('exit', (code, signal) => reject(new Error(`a process of the ring ended early: ${signal ?? code}`)))
      child.on('message', (message) => {
        children.get(child).last = message
        if (children.size === 1 && message.started) for (let i = 1; i < PROCESSES; i++) start(message.address)
        if (tiles([...children.values()].map(({ last }) => last))) resolve()
      })
    }
    start()
  })
  await complete
  return children
}

function tiles(reports) {
  if (reports.length < PROCESSES || !reports.every((report) => report?.started && report.range)) return false
  const sorted = reports.sort((a, b) => (a.id < b.id ? -1 : 1))
  return sorted.every(({ id, range }, i) => range.upTo === id && range.after === sorted.at(i - 1).id)
}

async function stopRing() {
  const ends = [...ring.value.keys()].map((child) => {
    child.removeAllListeners('exit')
    const end = once(child, 'exit')
    child.send('leave')
    return end
  })
  for (const [code] of await Promise.all(ends)) if (code !== 0) problems.push(`a process ended with ${code}`)
}

async function lookUpAll(client) {
  const owners = []
  for (let at = 0; at < names.length; at += CHUNK) {
    for (const result of await client.lookupMany(names.slice(at, at + CHUNK))) {
      if (!result.ok) throw result.error
      owners.push({ id: String(result.value.owner.id), hops: result.value.hops })
    }
  }
  return owners
}

/** Resolves to the id of the node that took each name. */
async function sendAll(client) {
  const takers = new Array(names.length)
  const next = names.entries()
  const worker = async () => {
    for (const [index, name] of next) takers[index] = await client.request(name, NAME, name)
  }
  await Promise.all(Array.from({ length: WINDOW }, worker))
  return takers
}

function check() {
  const wrong = names.filter((name, index) => {
    const right = ownerByOrder(createHash('sha1').update(name).digest('hex'))
    return takers.value[index] !== right || found.value[index].id !== right
  })
  const problems = []
  if (wrong.length > 0) problems.push(`${wrong.length} names went to a wrong owner, for example ${wrong[0]}`)
  if (sum(received) !== names.length) problems.push(`${sum(received)} names were received, ${names.length} were sent`)
  return problems
}

/** The first node at or after the id, around the end of the ring: the definition, not the protocol. */
function ownerByOrder(id) {
  return (nodes.find((node) => node.id >= id) ?? nodes[0]).id
}

function printNodes() {
  console.log('  id            address           share of the ring   expected   received')
  nodes.forEach(({ id, address }, i) => {
    const part = (position(id) - position(nodes.at(i - 1).id) + 1) % 1
    const cells = [`${(part * 100).toFixed(1)}%`.padStart(17), count(Math.round(part * names.length)).padStart(10)]
    console.log(`  ${id.slice(0, 12)}  ${address.padEnd(16)}${cells.join(' ')} ${count(received[i]).padStart(10)}`)
  })
}

function position(id) {
  return Number.parseInt(id.slice(0, 13), 16) / 2 ** 52
}

function report(what, { seconds }) {
  const rate = count(Math.round(names.length / seconds))
  console.log(`${count(names.length)} names ${what} in ${seconds.toFixed(2)} s (${rate}/s)`)
}

function histogram(values) {
  const counts = []
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  const parts = counts.flatMap((many, hops) => [`${hops}: ${count(many)}`])
  return `${parts.join('   ')}   mean ${(sum(values) / values.length).toFixed(2)}`
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}

function count(value) {
  return value.toLocaleString('en-US')
}

async function stopwatch(fn) {
  const startedMs = performance.now()
  return { value: await fn(), seconds: (performance.now() - startedMs) / 1000 }
}
