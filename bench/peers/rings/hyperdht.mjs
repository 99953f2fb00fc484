/**
 * `hyperdht`, a Kademlia over UDP: `findNode`, which asks the 20 nearest; and a command of ours to the nearest of those. Nodes are
 * persistent and not behind a firewall, with a bootstrap node of their own ring, a
 * larger receive buffer, and three times as many requests in flight as by default (more drown in the socket).
 */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { isReplyTo } from '../lib/body.mjs'
import { wordAt } from '../lib/bytes.mjs'

const HyperDHT = createRequire(import.meta.url)('hyperdht')
const HOST = '127.0.0.1'
const ECHO = 200
const RECEIVE_BYTES = 4 << 20
const SETTINGS = { host: HOST, ephemeral: false, firewalled: false, maxWindow: 256 }

class EchoingDHT extends HyperDHT {
  onrequest(request) {
    if (request.command !== ECHO) return super.onrequest(request)
    this.table.id.copy(request.value, 4, 0, 4)
    request.reply(request.value, { token: false, closerNodes: false })
    return true
  }
}

export const pointOf = (key) => createHash('sha256').update(key).digest('hex')
export { nearestTo as ownerOf } from './owners.mjs'

export async function startNode({ contact }) {
  const bootstrap = contact === undefined ? [] : [contact]
  const dht = new EchoingDHT({ ...SETTINGS, bootstrap })
  await dht.bind()
  for (const socket of [dht.io.serverSocket, dht.io.clientSocket]) socket.setRecvBufferSize(RECEIVE_BYTES)
  await dht.fullyBootstrapped()
  const nearest = async (key) => {
    key.target ??= Buffer.from(key.point, 'hex')
    const query = dht.findNode(key.target)
    await query.finished()
    if (query.closestReplies.length === 0) throw new Error('nobody answered')
    return query.closestReplies[0].from
  }
  return {
    contact: { host: HOST, port: dht.io.serverSocket.address().port },
    point: dht.table.id.toString('hex'),
    acquaint: (key) => nearest(key),
    lookup(key, _, done) {
      nearest(key).then((owner) => done(undefined, wordAt(owner.id, 0)), done)
    },
    request(key, chain, done) {
      ask(key, chain).then((word) => done(undefined, word), done)
    },
  }

  async function ask(key, chain) {
    const { error, value } = await dht.request({ command: ECHO, value: chain.body }, await nearest(key))
    if (error !== 0) throw new Error(`error ${error}`)
    if (!isReplyTo(chain, value)) throw new Error('a reply is not what was sent')
    return wordAt(value, 4)
  }
}
