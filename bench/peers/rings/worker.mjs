/**
 * A process with nodes of one kind: `worker.mjs KIND`. Its first node is the one that asks: it keeps look-ups or requests under way
 * and checks who answered.
 */
import { answerParent, cpuMs } from '../../lib/worker.mjs'
import { chainOf, stamp } from '../lib/body.mjs'

const BODY_BYTES = 64
const LATENCIES_MAX = 1 << 16
const TIMED_EVERY = 16
const ACQUAINTANCES = 4

const [kind] = process.argv.slice(2)
const {
  startNode,
  pointOf,
  ownerOf,
  fingersMs = 0,
  hasten = () => {},
} = await import(`./${kind === 'compat' ? 'chordhelper' : kind}.mjs`)
const nodes = []
const latencies = new Float64Array(LATENCIES_MAX)
const mistakes = []
let keys = []
let next = 0
let sampled = 0
let answered = 0
let failed = 0
let running = false
let underWay = 0
let stopped = () => {}

answerParent(
  {
    async start({ count, contact, network, times }) {
      hasten(times)
      for (let i = 0; i < count; i++) nodes.push(await startNode({ contact: contact ?? nodes[0]?.contact, network }))
      return nodes.map(({ contact, point }) => ({ contact, point }))
    },
    /** Kademlia learns of others by asking; in a ring that is in use everybody has. */
    async acquaint() {
      for (const { acquaint, point } of nodes) {
        if (acquaint === undefined) return
        for (let i = 0; i < ACQUAINTANCES; i++) await acquaint(keyOf(`${point} ${i}`))
      }
    },
    hasten,
    /** The names, and who owns them among all `points`. */
    know({ names, points }) {
      const sorted = [...points].sort()
      keys = names.map((name) => {
        const key = keyOf(name)
        return { ...key, owner: Number.parseInt(ownerOf(key.point, sorted, nodes[0].point).slice(0, 8), 16) }
      })
    },
    /** How many of all keys somebody else answers for, or nobody. */
    wrong: ({ operation }) => countWrong(operation),
    begin({ operation, outstanding }) {
      running = true
      const perform = nodes[0][operation]
      for (let i = 0; i < outstanding; i++) keepAsking(perform, i % TIMED_EVERY === 0)
    },
    mark() {
      const counts = { count: answered, failed, mistakes: mistakes.splice(0) }
      const counted = {
        atMs: performance.now(),
        cpuMs: cpuMs(),
        ...counts,
        latencies: [...latencies.subarray(0, sampled)],
      }
      sampled = 0
      return counted
    },
    stop() {
      running = false
      return new Promise((resolve) => {
        stopped = resolve
        if (underWay === 0) resolve()
      })
    },
  },
  { fingersMs },
)

function keyOf(name) {
  return { key: name, point: pointOf(name) }
}

function keepAsking(perform, timed) {
  const chain = chainOf(BODY_BYTES)
  let beganMs = 0
  let key
  const ask = () => {
    if (!running) return ended()
    key = keys[next++ % keys.length]
    stamp(chain)
    if (timed) beganMs = performance.now()
    perform(key, chain, done)
  }
  const done = (error, owner) => {
    if (error !== undefined || owner !== key.owner) {
      mistake(error?.message ?? 'somebody answered who does not own the key')
      // A moment later, so that failing cannot keep the process busy.
      setTimeout(ask, 1)
      return
    }
    if (timed && sampled < LATENCIES_MAX) latencies[sampled++] = performance.now() - beganMs
    answered++
    ask()
  }
  underWay++
  ask()
}

async function countWrong(operation) {
  const chain = () => {
    const one = chainOf(BODY_BYTES)
    stamp(one)
    return one
  }
  let wrong = 0
  for (let i = 0; i < keys.length; i += 16) {
    const some = keys.slice(i, i + 16).map(
      (key) =>
        new Promise((resolve) => {
          nodes[0][operation](key, chain(), (error, owner) => resolve(error !== undefined || owner !== key.owner))
        }),
    )
    wrong += (await Promise.all(some)).filter(Boolean).length
  }
  return wrong
}

function mistake(what) {
  failed++
  if (mistakes.length < 3) mistakes.push(what)
}

function ended() {
  if (--underWay === 0) stopped()
}
