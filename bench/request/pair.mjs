/** A client process and the server process that it talks to. Nobody else runs code that they have made general. */
import { fileURLToPath } from 'node:url'
import { startWorker } from '../lib/worker.mjs'

const script = (name) => fileURLToPath(new URL(`./${name}.mjs`, import.meta.url))

export async function startPair({ form, handler }, options) {
  const server = await startWorker(script('server'), [handler], options)
  try {
    const client = await startWorker(script('client'), [form, ...server.ready.addresses], options)
    return { server, client }
  } catch (error) {
    server.kill()
    throw error
  }
}
