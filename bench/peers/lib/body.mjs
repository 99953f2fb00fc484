/** Bodies of requests: numbered at both ends, so that a reply can be told from any other. */
import { wordAt } from './bytes.mjs'

const COMPARE_EVERY = 64

/** A request under way at a time; its second word is for who answers. */
export function chainOf(bytes) {
  return { body: Buffer.alloc(bytes, 120), number: 0 }
}

export function stamp(chain) {
  const { body } = chain
  chain.number = (chain.number + 1) >>> 0
  write(body, 0, chain.number)
  write(body, body.length - 4, chain.number)
}

/** Its length, the number at both ends, and of one in 64 all that lies between but the second word. */
export function isReplyTo({ body, number }, reply) {
  if (reply.length !== body.length || wordAt(reply, 0) !== number || wordAt(reply, reply.length - 4) !== number)
    return false
  return number % COMPARE_EVERY !== 0 || body.subarray(8).equals(reply.subarray(8))
}

function write(bytes, at, word) {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}
