/** `chordite node --workers`: a member in each of several threads, and what they print. */
import { type Cluster, type ClusterOptions, createCluster } from '../index.ts'
import { describedEvent, describedMembers, EVENTS, printReady } from './node-lines.ts'
import { note, print, printJson } from './output.ts'

interface Flags {
  startTimeout: number
  json?: boolean
  status?: number
}

/** Built beside this file. */
const MODULE = new URL('./node-worker.js', import.meta.url)

/** Ends when the cluster has closed. `stop` is told what to stop. */
export async function runWorkers(
  options: ClusterOptions,
  { startTimeout, json = false, status }: Flags,
  stop: { target: unknown },
): Promise<void> {
  const cluster = createCluster({ ...options, module: MODULE })
  stop.target = cluster
  if (json) printEvents(cluster)
  else printWarnings(cluster)
  cluster.on('worker:up', ({ address }, worker) => {
    const { transport, workers } = cluster
    printReady({ address, transport }, workers[worker]!.members, json, worker)
  })
  await cluster.start({ timeoutMs: startTimeout })
  const timer = json && status !== undefined ? setInterval(() => void printStatus(cluster), status) : undefined
  const failure = await cluster.closed
  clearInterval(timer)
  if (failure) throw failure
}

async function printStatus(cluster: Cluster): Promise<void> {
  const { total, workers } = await cluster.metrics()
  const { state, members } = cluster
  printJson({ event: 'status', state, members: describedMembers(members), metrics: total, workers })
}

function printWarnings(cluster: Cluster): void {
  cluster.on('state', ({ previous, current }, worker) => {
    if (previous === 'isolated' || current === 'isolated') print(`worker ${worker} is ${current}`)
  })
  cluster.on('warning', ({ message, code }, worker) => note(`warning: worker ${worker}: ${message} (${code})`))
  cluster.on('worker:down', ({ error, restartMs }, worker) => {
    const next = restartMs === undefined ? '' : `; starting it again in ${restartMs} ms`
    note(`warning: ${error?.message ?? `worker ${worker} left`}${next}`)
  })
}

function printEvents(cluster: Cluster): void {
  for (const event of EVENTS) {
    cluster.on(event, (value, worker) => printJson({ ...describedEvent(event, value), worker }))
  }
  cluster.on('worker:down', ({ worker, error, restartMs }) => {
    const why = error === undefined ? {} : { code: error.code, message: error.message }
    printJson({ event: 'worker:down', worker, ...why, ...(restartMs === undefined ? {} : { restartMs }) })
  })
}
