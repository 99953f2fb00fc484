/** Rounds of a group: all contestants one after the other, in another order each time. */
import { rotated } from '../../echo/measure.mjs'
import { ratioOf, rowOf } from '../../lib/rows.mjs'
import { watchMachine } from '../../lib/watch.mjs'
import { loadServer, startServer } from './servers.mjs'

const FIGURES = ['cpuUs', 'requestsPerSecond', 'p50Us', 'p99Us', 'timerLateMs', 'resent', 'serverCores', 'loadCores']

/** Rows by pattern and contestant; who could not be measured is in `missing`, with the reason. */
export async function measureGroup(group, plan, say) {
  const missing = []
  const servers = []
  try {
    for (const contestant of group.contestants) {
      say(`${group.title}: building and starting '${contestant.name}'`)
      try {
        servers.push(await startServer(contestant))
      } catch (error) {
        missing.push({ contestant: contestant.name, reason: reasonOf(error) })
      }
    }
    const patterns = []
    for (const pattern of group.patterns) patterns.push(await measurePattern(servers, pattern, plan, say, missing))
    return { title: group.title, contestants: group.contestants.map(({ name }) => name), patterns, missing }
  } finally {
    for (const server of servers) server.stop()
  }
}

async function measurePattern(servers, name, plan, say, missing) {
  const [connections, outstanding] = name.split('×').map(Number)
  const samples = new Map(servers.map((server) => [server, []]))
  const machine = []
  for (let round = 0; round < plan.rounds; round++) {
    say(`${name}: round ${round + 1} of ${plan.rounds}`)
    const watched = watchMachine()
    let ownCpuMs = 0
    for (const server of rotated([...samples.keys()], round)) {
      try {
        const sample = await loadServer(server, { connections, outstanding }, plan)
        samples.get(server).push(sample)
        ownCpuMs += sample.totalCpuMs
      } catch (error) {
        samples.delete(server)
        missing.push({ contestant: server.name, reason: `${name}: ${reasonOf(error)}` })
      }
    }
    machine.push(watched(ownCpuMs))
  }
  const rows = [...samples].map(([server, list]) => ({ contestant: server.name, ...rowOf(FIGURES, list) }))
  for (const row of rows) row.ratio = ratioOf(row, rows[0], 'cpuUs')
  return { name, rows, machine }
}

function reasonOf(error) {
  return (error.stderr?.toString().trim() || error.message).split('\n')[0]
}
