import { expect, test } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { DEFAULT_TIMING } from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import { lookUpSelfVia } from '../../src/core/merge.ts'
import type { Message } from '../../src/core/messages.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'

const peer = (n: number, address = `n${n}`, incarnation = 1n) => ({ id: new Id(0, 0, 0, 0, n), address, incarnation })
const config = { successors: 1, onIsolated: 'wait', rememberedPeers: 128, ...DEFAULT_TIMING } as const

/**
 * Two rings whose members have each other's ids. Asked from the other one, our place is that of the double: which is not the way
 * home, and if nobody acts on it the rings stay two for ever.
 */
test.each([
  ['the later of the two asks whether the other lives', 2n, 1n, 'ping'],
  ['the earlier tells the other of itself', 1n, 2n, 'meet'],
])('who finds that its place belongs to another with its id: %s', (_, ours, others, does) => {
  const node = new ChordNode({ self: peer(8, 'n8', ours), config, random: new SeededRandom(1) })
  node.create(0)
  while (node.poll() !== undefined);
  lookUpSelfVia(node.core, peer(4, 'elsewhere'), 1)
  const question = sent(node).find(({ message }) => message.type === 'closest')
  const double = peer(8, 'double', others)
  const answer: Message = { type: 'closestKnown', done: true, successors: [double], next: [], conflict: undefined }
  node.handleMessage(peer(4, 'elsewhere'), question?.request ?? 0, answer, 2)
  const told = sent(node).filter(({ to }) => to.address === 'double')
  expect(told.map(({ message }) => message.type)).toEqual([does])
})

function sent(node: ChordNode) {
  const messages = []
  for (let out = node.poll(); out !== undefined; out = node.poll()) if (out.kind === 'send') messages.push(out)
  return messages
}
