/** A cluster of argv[2] workers, which work argv[3] steps for a request; says at which ports. */
import { createCluster } from '../../dist/index.js'
import { NETWORK } from '../crowd/names.mjs'
import { answerParent } from '../lib/worker.mjs'

const [workers, steps] = process.argv.slice(2).map(Number)
const module = new URL('./handlers.mjs', import.meta.url)
const cluster = createCluster({ workers, module, network: NETWORK, data: { steps } })
await cluster.start({ timeoutMs: 60_000 })

const ports = cluster.addresses.map((address) => Number(address.split(':').at(-1)))
answerParent({}, { ports, transport: cluster.transport })
