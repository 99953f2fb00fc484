/**
 * Routed request and reply through the API of the 2013 package, by a program that either library can run: `nodes` members with a socket each,
 * all in this process, and so many requests outstanding, each from the next member to the owner of the next key.
 *
 *   node bench/peers/chordhelper/routed.mjs [ours|original] [nodes] [outstanding] [seconds]
 */
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { port } from '../../../test/compat/programs/stage.mjs'

const KEYS = 4_096
/** Of datagrams some are lost: what has not been answered by then is asked anew. */
const LOST_MS = 1_000

export async function routed({ chord, nodes, outstanding, seconds, settleMs, warmMs = 5_000 }) {
  const keys = Array.from({ length: KEYS }, (_, i) => chord.hash(`key ${i}`))
  const waiting = new Map()
  const times = []
  let next = 0
  let answered = 0
  let lost = 0
  let isRunning = true
  const onMessage = (_from, _id, message, reply) => {
    if (message.question !== undefined) return reply({ answer: message.question, text: message.text })
    const sentMs = waiting.get(message.answer)
    if (sentMs === undefined) return
    waiting.delete(message.answer)
    answered++
    times.push(performance.now() - sentMs)
    if (isRunning) ask()
  }
  const ask = () => {
    const question = next++
    waiting.set(question, performance.now())
    members[question % nodes](null, keys[question % KEYS], { question, text: 'as much as one says in a tweet' })
  }
  const members = await ring(chord, nodes, onMessage)
  await sleep(settleMs)
  const again = setInterval(() => {
    const beforeMs = performance.now() - LOST_MS
    for (const [question, sentMs] of waiting) {
      if (sentMs > beforeMs) continue
      waiting.delete(question)
      lost++
      ask()
    }
  }, 100)
  for (let i = 0; i < outstanding; i++) ask()
  await sleep(warmMs)
  times.length = answered = lost = 0
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  await sleep(1_000 * seconds)
  const tookMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpu)
  const done = answered
  isRunning = false
  clearInterval(again)
  times.sort((a, b) => a - b)
  const at = (share) => Math.round(1_000 * (times[Math.floor(share * times.length)] ?? 0))
  const each = (us) => Math.round((us / done) * 10) / 10
  return {
    nodes,
    outstanding,
    perSecond: Math.round((1_000 * done) / tookMs),
    p50Us: at(0.5),
    p99Us: at(0.99),
    userUs: each(user),
    systemUs: each(system),
    lost,
  }
}

async function ring(chord, nodes, onMessage) {
  const ports = []
  for (let i = 0; i < nodes; i++) ports.push(await port())
  return ports.map((one, index) => {
    const listen = { port: one, address: '127.0.0.1' }
    const contact = { address: '127.0.0.1', port: ports[0] }
    return index === 0 ? chord.Chord(listen, 1, onMessage) : chord.Chord(listen, 1, contact, onMessage)
  })
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [which = 'ours', nodes = 32, outstanding = 64, seconds = 3] = process.argv.slice(2)
  const isOurs = which === 'ours'
  const chord = createRequire(import.meta.url)(isOurs ? '../../../dist/compat/chord/index.js' : './load.cjs')
  const shape = { nodes: Number(nodes), outstanding: Number(outstanding), seconds: Number(seconds) }
  console.log(JSON.stringify(await routed({ chord, ...shape, settleMs: isOurs ? 10_000 : 30_000 })))
  process.exit()
}
