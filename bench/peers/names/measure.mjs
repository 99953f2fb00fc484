/** `lookupMany` of 100,000 real names at once in a ring of 32 processes, every owner checked; by a client, cold and warm, and by a member. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { rowOf } from '../../lib/rows.mjs'
import { watchMachine } from '../../lib/watch.mjs'
import { startWorker } from '../../lib/worker.mjs'
import { reasonOf, within } from '../lib/rounds.mjs'

const AT_ONCE = 4
const HANGS_MS = 120_000
const FULL = { rounds: 9, names: 100_000, nodes: 32 }
const QUICK = { rounds: 1, names: 10_000, nodes: 8 }
const FIGURES = ['requestsPerSecond', 'cpuUs', 'askerCpuUs', 'wrong', 'failed']

const forms = [
  { form: 'strings', title: 'strings' },
  { form: 'packed', title: 'packed' },
  { form: 'indexes', title: 'packed, to indexes' },
]
const ways = forms.flatMap(({ form, title }) => [
  { name: `client, cold, ${title}`, action: 'cold', form },
  { name: `client, warm, ${title}`, action: 'warm', form },
  { name: `member, ${title}`, action: 'member', form },
])

export async function measureNames({ quick = false, rounds, say = () => {} } = {}) {
  const plan = { ...(quick ? QUICK : FULL), ...(rounds ? { rounds } : {}) }
  const ring = []
  let asker
  try {
    say(`names: forming a ring of ${plan.nodes} processes`)
    asker = await within(HANGS_MS, 'forming the ring', form(ring, plan))
    return { plan, ...(await measure(ring, asker, plan, say)), missing: [] }
  } catch (error) {
    return {
      plan,
      rows: [],
      machine: [],
      mistakes: [],
      missing: [{ contestant: 'lookupMany', reason: reasonOf(error) }],
    }
  } finally {
    for (const worker of [asker, ...ring]) worker?.kill()
  }
}

/** All but one process are those of the other rings; the last one asks. */
async function form(ring, plan) {
  const script = (path) => fileURLToPath(new URL(path, import.meta.url))
  const network = `bench ${randomUUID()}`
  const members = []
  for (let at = 0; at < plan.nodes - 1; at += AT_ONCE) {
    const more = Array.from({ length: Math.min(AT_ONCE, plan.nodes - 1 - at) }, () =>
      startWorker(script('../rings/worker.mjs'), ['chordite']),
    )
    const workers = await Promise.all(more)
    ring.push(...workers)
    const contact = members[0]?.contact
    const start = (worker, to) => worker.ask('start', { count: 1, network, times: 1, contact: to })
    if (contact === undefined) members.push(...(await start(workers.shift())))
    const started = await Promise.all(workers.map((worker) => start(worker, members[0].contact)))
    members.push(...started.flat())
  }
  const asker = await startWorker(script('./worker.mjs'), [members[0].contact, network])
  const points = [...members.map(({ point }) => point), asker.ready.point]
  await asker.ask('know', { count: plan.names, points })
  await settle(asker)
  return asker
}

async function settle(asker) {
  for (;;) {
    const { wrong, failed } = await asker.ask('cold', { form: 'strings' })
    if (wrong + failed === 0) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function measure(ring, asker, plan, say) {
  const samples = new Map(ways.map((way) => [way, []]))
  const machine = []
  const mistakes = []
  const used = async (of) => (await Promise.all(of.map((worker) => worker.ask('used')))).reduce((a, b) => a + b, 0)
  for (let round = 0; round < plan.rounds; round++) {
    say(`names: round ${round + 1} of ${plan.rounds}`)
    const watched = watchMachine()
    const beforeAll = await used([asker, ...ring])
    for (const [way, list] of samples) {
      const before = await used(ring)
      const made = await within(HANGS_MS, way.name, asker.ask(way.action, { form: way.form }))
      const all = (await used(ring)) - before + made.cpuMs
      mistakes.push(...made.mistakes.map((text) => `${way.name}: ${text}`))
      list.push({
        requestsPerSecond: (plan.names * 1000) / made.wallMs,
        cpuUs: (all * 1000) / plan.names,
        askerCpuUs: (made.cpuMs * 1000) / plan.names,
        wrong: made.wrong,
        failed: made.failed,
      })
    }
    machine.push(watched((await used([asker, ...ring])) - beforeAll))
  }
  const rows = [...samples].map(([{ name }, list]) => ({ contestant: name, ...rowOf(FIGURES, list) }))
  return { rows, machine, mistakes: [...new Set(mistakes)] }
}
