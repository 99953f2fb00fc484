import { expect, test } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { DEFAULT_TIMING } from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import type { Message } from '../../src/core/messages.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'

const peer = (n: number) => ({ id: new Id(0, 0, 0, 0, n), address: `n${n}`, incarnation: 1n })
const config = {
  successors: 1,
  onIsolated: 'wait',
  rememberedPeers: 128,
  ...DEFAULT_TIMING,
  evictAfterMisses: 1,
} as const

/** What it sends; its services are done at once. */
function poll(node: ChordNode): Message[] {
  const sent: Message[] = []
  for (let out = node.poll(); out !== undefined; out = node.poll()) {
    if (out.kind === 'send') sent.push(out.message)
    else if (out.kind === 'handover') node.handedOver(out.token, 0)
  }
  return sent
}

/** It has asked the last whom it knows two things: whether it lives, and to take the range. */
function leaver(): ChordNode {
  const node = new ChordNode({ self: peer(8), config, random: new SeededRandom(1) })
  node.create(0)
  node.core.sole = false
  node.core.successors = [peer(4)]
  node.silent('n4', 0)
  node.leave(0)
  expect(poll(node).map(({ type }) => type)).toEqual(['ping', 'handOver'])
  return node
}

function deadlineMs({ core }: ChordNode): number {
  return Math.max(...[...core.pending.values()].map((question) => question.deadlineMs))
}

/** The first of the questions ends it; what the second would do was to come again and again, in no time. */
test.each([
  ['breaks', (node: ChordNode) => node.connectionLost('n4', 1)],
  ['is refused', (node: ChordNode) => node.refused('n4', 1)],
  ['is silent for too long', (node: ChordNode) => node.handleTimeout(deadlineMs(node))],
])('a leaver whose connection to the last that it knows %s has left, and wants nothing more', (_, happens) => {
  const node = leaver()
  happens(node)
  expect(node.status).toBe('left')
  expect(poll(node)).toEqual([])
  expect(node.nextTimeout()).toBe(Number.POSITIVE_INFINITY)
  node.silent('n4', 2)
  expect(poll(node)).toEqual([])
})
