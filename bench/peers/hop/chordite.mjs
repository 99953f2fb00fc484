/**
 * chordite through its public API, with defaults. A connection is one client endpoint to one server node, as for the others many
 * clients talk to one server; with `nodes` it is one client endpoint to that many nodes of the server process.
 */
import { connect, createNode, raw } from '../../../dist/index.js'

const ECHO = { name: 'echo', request: raw, reply: raw }
const OPTIONS = {}
const NODES = 256

export async function serve({ handler }) {
  const nodes = []
  while (nodes.length < (handler === 'nodes' ? NODES : 1)) {
    const node = createNode()
    if (handler === 'handleBatch') node.handleBatch(ECHO.name, echoBatch)
    else node.handle(ECHO, ({ body }) => body)
    await node.start()
    nodes.push(node)
  }
  return { addresses: nodes.map((node) => node.address), transport: nodes[0].transport }
}

let shared
let connected = 0

export async function open({ addresses }, count, { way }) {
  const from = connected
  connected += count
  if (addresses.length > 1) {
    shared ??= await connect({ to: addresses.slice(0, 1) })
    return addresses.slice(from, connected).map((address) => askerOf(shared, address, way))
  }
  const [address] = addresses
  return Promise.all(Array.from({ length: count }, async () => askerOf(await connect({ to: [address] }), address, way)))
}

/** What a callback gets, as the driver wants it. */
export const resultOf = (result) => (result.ok ? result.value : result.error)

function askerOf(client, address, way) {
  if (way === 'promises') return (body) => client.requestTo(address, ECHO, body)
  return (body, done) => client.requestTo(address, ECHO, body, OPTIONS, done)
}

function echoBatch(batch) {
  for (let i = 0; i < batch.length; i++) batch.reply(i, batch.memory(i), batch.start(i), batch.end(i))
}
