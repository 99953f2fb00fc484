/**
 * The middle as a node of a ring whose other members the C program plays: it knows sixteen successors, evenly spaced, and passes frames on to
 * them. Upkeep is switched off, since nobody there would answer it.
 *
 *   node.mjs TRANSPORT SINK_PORT CONNECTIONS
 *
 * Prints its port, and hellos in hex for the connections and the next nodes.
 */
import { Id } from '../../dist/core/id.js'
import { systemEnvironment } from '../../dist/runtime/environment.js'
import { coresOf, createNodeWith } from '../../dist/runtime/node.js'
import { encodeHello } from '../../dist/wire/hello.js'
import { padded } from '../../dist/wire/layout.js'

const SINKS = 16
const NEVER = 2 ** 31 - 1
const [transport, sinkPort, connections] = process.argv.slice(2)

const sinks = Array.from({ length: SINKS }, (_, i) => `127.0.0.${i + 1}:${sinkPort}`)
const sources = Array.from({ length: Number(connections) }, (_, i) => `127.0.1.${i + 1}:40000`)
/** Each next node owns the keys with its four first bits, and we, at the very end, next to nothing. */
const idOf = (address) => {
  const sink = sinks.indexOf(address)
  if (sink >= 0) return new Id((sink << 28) | 0x0fffffff, -1, -1, -1, sink === SINKS - 1 ? -2 : -1)
  return sources.includes(address) ? Id.hash(address) : new Id(-1, -1, -1, -1, -1)
}

const timing = Object.fromEntries(
  [
    'stabilizeMinMs',
    'stabilizeMaxMs',
    'fingersMinMs',
    'fingersMaxMs',
    'selfLookupMs',
    'rejoinMinMs',
    'rejoinMaxMs',
  ].map((name) => [name, NEVER]),
)
const node = createNodeWith({ timing: { ...timing, idleMs: NEVER } }, { ...systemEnvironment(transport), idOf })
await node.start()
const { core } = coresOf(node)[0]
core.sole = false
core.successors = sinks.map((address) => ({ address, id: idOf(address), incarnation: 1n }))
core.predecessor = core.successors[SINKS - 1]
core.range = { after: core.predecessor.id, upTo: core.self.id }
core.tableVersion++

const hellos = [...sources, ...sinks].map((address, i) => helloOf(address, BigInt(1000 + i)))
console.log(JSON.stringify({ port: Number(node.address.split(':')[1]), hellos, transport: node.transport }))
process.on('SIGTERM', () => {
  const { routed, wire } = node.metrics()
  process.stderr.write(`${process.env.CHORDITE_BENCH_VERBOSE ? `${JSON.stringify({ routed, wire })}\n` : ''}`)
  process.exit(0)
})

function helloOf(address, nonce) {
  const frame = encodeHello({
    ...{
      protocolMin: 1,
      protocolMax: 1,
      features: 0,
      role: 'member',
      refusal: 'none',
      nonce,
      network: 'chordite',
      address,
    },
    ...{ observedHost: '127.0.0.1', incarnations: [1n], clientId: undefined },
  })
  const wire = Buffer.alloc(padded(frame.length))
  wire.set(frame)
  return wire.toString('hex')
}
