/** Terminates workers in the middle of traffic, in both roles. Ends by itself, with 0. */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { startEcho, startLoad } from './common.mjs'

if (isMainThread) {
  for (let round = 0; round < 4; round++) {
    const server = new Worker(new URL(import.meta.url), { workerData: { role: 'echo' } })
    const [port] = await once(server, 'message')
    const client = new Worker(new URL(import.meta.url), { workerData: { role: 'load', port } })
    let replies = 0
    const load = startLoad(port, { onReply: () => replies++ })
    await once(client, 'message')
    while (replies < 10_000) await new Promise(setImmediate)
    await Promise.all(round % 2 === 0 ? [server.terminate(), client.terminate()] : [client.terminate()])
    if (round % 2 === 1) await server.terminate()
    await load.destroy()
  }
  console.log('done')
} else if (workerData.role === 'echo') {
  const { port } = await startEcho()
  parentPort.postMessage(port)
} else {
  let replies = 0
  startLoad(workerData.port, { onReply: () => ++replies === 5000 && parentPort.postMessage('busy') })
}
