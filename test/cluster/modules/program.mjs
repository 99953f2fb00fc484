/** A process with a cluster: how it ends is what is tested. */
import { createCluster } from '../../../dist/index.js'

const [how, transport] = process.argv.slice(2)
const cluster = createCluster({ workers: 2, transport, module: new URL('./app.mjs', import.meta.url) })
await cluster.start({ timeoutMs: 60_000 })
if (how === 'close') await cluster.close()
if (how === 'leave') await cluster.leave()
if (how === 'unref') cluster.unref()
console.log('done')
