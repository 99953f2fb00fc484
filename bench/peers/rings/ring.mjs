/** A ring of one contestant in processes of its own, formed and checked, whose first node asks. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { quantile } from '../../lib/stats.mjs'
import { startWorker } from '../../lib/worker.mjs'
import { someNames } from '../lib/names.mjs'
import { passed, within } from '../lib/rounds.mjs'

const WORKER = fileURLToPath(new URL('./worker.mjs', import.meta.url))
const AT_ONCE = 4
const NAMES = 1024
const FORMS_MS = 300_000
const HANGS_MS = 90_000
const WINDOWS_MAX = 50
const REPLIES_MIN = 20
/** How much faster timers run that a library does not let us set, while a ring forms. */
const hastened = (nodes) => (nodes > 32 ? 2 : 10)

/** Resolves when the node that asks gets the right answer for each of NAMES names. */
export async function startRing({ kind, operations }, { nodes, place }, { quick }) {
  const processes = place === 'apart' ? nodes : 1
  const workers = []
  const kill = () => {
    for (const worker of workers) worker.kill()
  }
  try {
    await within(FORMS_MS, 'forming the ring', form())
  } catch (error) {
    kill()
    throw error
  }
  const used = async () => (await Promise.all(workers.map((worker) => worker.ask('used')))).reduce((a, b) => a + b, 0)
  const round = (...args) => within(HANGS_MS, 'a round', measureRound(workers[0], used, ...args))
  return { asker: workers[0], measure: round, used, kill }

  async function form() {
    while (workers.length < processes) {
      const more = Math.min(AT_ONCE, processes - workers.length)
      workers.push(...(await Promise.all(Array.from({ length: more }, () => startWorker(WORKER, [kind])))))
    }
    const [asker, ...others] = workers
    const how = { count: nodes / processes, network: `bench ${randomUUID()}`, times: hastened(nodes) }
    const members = await asker.ask('start', how)
    const { contact } = members[0]
    for (let i = 0; i < others.length; i += AT_ONCE) {
      const starting = others.slice(i, i + AT_ONCE).map((worker) => worker.ask('start', { ...how, contact }))
      members.push(...(await Promise.all(starting)).flat())
    }
    for (const worker of workers) await worker.ask('acquaint')
    await asker.ask('know', { names: someNames(NAMES), points: members.map(({ point }) => point) })
    const right = async () => {
      while ((await asker.ask('wrong', { operation: operations[0] })) > 0) await passed(200)
    }
    await right()
    if (!quick) await passed(asker.ready.fingersMs / how.times)
    await Promise.all(workers.map((worker) => worker.ask('hasten', 1)))
    await right()
  }
}

async function measureRound(asker, used, operation, outstanding, { warmupMs, windowMs }) {
  await asker.ask('begin', { operation, outstanding })
  await passed(warmupMs)
  const begin = await marks(asker, used)
  let end = begin
  const [latencies, mistakes] = [[], []]
  // Who is slow gets a longer window rather than none.
  for (let i = 0; i < WINDOWS_MAX && end.count - begin.count < REPLIES_MIN; i++) {
    await passed(windowMs)
    end = await marks(asker, used)
    latencies.push(...end.latencies)
    mistakes.push(...end.mistakes)
  }
  await asker.ask('stop')
  const count = end.count - begin.count
  const failed = end.failed - begin.failed
  const wallMs = end.atMs - begin.atMs
  const why = mistakes.length === 0 ? '' : `: ${mistakes[0]}`
  if (count === 0) throw new Error(`no reply in ${Math.round(wallMs)} ms${why}`)
  return {
    requestsPerSecond: (count * 1000) / wallMs,
    askerCpuUs: ((end.cpuMs - begin.cpuMs) * 1000) / count,
    cpuUs: ((end.usedMs - begin.usedMs) * 1000) / count,
    p50Us: quantile(latencies, 0.5) * 1000,
    p99Us: quantile(latencies, 0.99) * 1000,
    failed,
    failedShare: failed / (count + failed),
    mistakes,
  }
}

/** The whole ring's CPU time, and what the one that asks has counted. */
async function marks(asker, used) {
  const usedMs = await used()
  return { ...(await asker.ask('mark')), usedMs }
}
