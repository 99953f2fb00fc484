/** chordite through its public API, with defaults; bodies are bytes. */
import { createHash } from 'node:crypto'
import { createNode, raw } from '../../../dist/index.js'
import { isReplyTo } from '../lib/body.mjs'
import { wordAt } from '../lib/bytes.mjs'

const ECHO = { name: 'echo', request: raw, reply: raw }
const OPTIONS = { timeoutMs: 20_000 }

/** The point of a key on the ring, in hexadecimal digits; and who owns it. */
export const pointOf = (key) => createHash('sha1').update(key).digest('hex')
export { successorOf as ownerOf } from './owners.mjs'

export async function startNode({ contact, network }) {
  const node = createNode({ network, join: contact === undefined ? [] : [contact] })
  node.handle(ECHO, ({ body, member }) => {
    body.set(member.id.bytes.subarray(0, 4), 4)
    return body
  })
  await node.start({ timeoutMs: 60_000 })
  return {
    contact: node.address,
    point: String(node.members[0].id),
    lookup({ key }, _, done) {
      node.lookup(key, OPTIONS).then(({ owner }) => done(undefined, wordAt(owner.id.bytes, 0)), done)
    },
    request({ key }, chain, done) {
      node.request(key, ECHO, chain.body, OPTIONS, (result) => {
        if (!result.ok) return done(result.error)
        if (!isReplyTo(chain, result.value)) return done(new Error('a reply is not what was sent'))
        done(undefined, wordAt(result.value, 4))
      })
    },
  }
}
