/**
 * `bittorrent-dht`, a Kademlia over UDP: the `find_node` of its k-rpc, which asks the 20 nearest and is what its `lookup` does but for
 * the tokens; with its 16 queries under way at a time (with more, what one lookup asks drowns in what others ask). Nodes of a protocol that carries no messages of others: there is no request to the owner of a key.
 */
import { createHash } from 'node:crypto'
import DHT from 'bittorrent-dht'
import { wordAt } from '../lib/bytes.mjs'

const HOST = '127.0.0.1'
const RECEIVE_BYTES = 4 << 20

export const pointOf = (key) => createHash('sha1').update(key).digest('hex')
export { nearestTo as ownerOf } from './owners.mjs'

export async function startNode({ contact }) {
  const dht = new DHT({ bootstrap: contact === undefined ? false : [contact] })
  await new Promise((resolve) => dht.listen(0, HOST, resolve))
  dht._rpc.socket.socket.setRecvBufferSize(RECEIVE_BYTES)
  if (contact !== undefined) await new Promise((resolve) => dht.once('ready', resolve))
  const lookup = (key, _, done) => {
    key.target ??= Buffer.from(key.point, 'hex')
    let nearest
    const visit = ({ r }) => {
      if (nearest === undefined || isNearer(key.target, r.id, nearest)) nearest = r.id
    }
    const ended = (error) => {
      if (error || nearest === undefined) done(error ?? new Error('nobody answered'))
      else done(undefined, wordAt(nearest, 0))
    }
    dht._rpc.closest(key.target, { q: 'find_node', a: { id: dht.nodeId, target: key.target } }, visit, ended)
  }
  return {
    contact: `${HOST}:${dht.address().port}`,
    point: dht.nodeId.toString('hex'),
    acquaint: (key) => new Promise((resolve) => lookup(key, undefined, resolve)),
    lookup,
  }
}

function isNearer(target, one, other) {
  for (let i = 0; i < target.length; i++) {
    if (one[i] !== other[i]) return (target[i] ^ one[i]) < (target[i] ^ other[i])
  }
  return false
}
