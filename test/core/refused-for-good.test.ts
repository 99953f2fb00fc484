import { expect, test } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { DEFAULT_TIMING } from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import type { CoreEvent } from '../../src/core/output.ts'
import { settle } from '../../src/core/responsibility.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'

const peer = (n: number, address = `n${n}`) => ({ id: new Id(0, 0, 0, 0, n), address, incarnation: 1n })
const config = { successors: 1, onIsolated: 'serve', rememberedPeers: 128, ...DEFAULT_TIMING } as const

function poll(node: ChordNode) {
  const sent = []
  const events: CoreEvent[] = []
  for (let out = node.poll(); out !== undefined; out = node.poll()) {
    if (out.kind === 'send') sent.push(out)
    else if (out.kind === 'event') events.push(out.event)
    else if (out.kind === 'handover') node.handedOver(out.token, 0)
  }
  return { sent, events }
}

/** The process ends then, but what has arrived at the same moment is read first. */
test('who has an id that another has heeds no answer any more, and does nothing', () => {
  const node = new ChordNode({ self: peer(8), config, random: new SeededRandom(1) })
  const joiner = peer(4)
  node.create(0)
  node.core.setPredecessor(joiner, false)
  settle(node.core, 0)
  const grant = poll(node).sent.find(({ message }) => message.type === 'grant')
  node.core.setStatus('isolated')
  node.contact(peer(8, 'another'), 1)
  const [question] = poll(node).sent
  node.handleMessage(
    peer(8, 'another'),
    question?.request ?? 0,
    { type: 'neighbors', predecessor: undefined, successors: [joiner], leaving: false },
    2,
  )
  expect(poll(node).events.map(({ type }) => type)).toEqual(['state', 'duplicate'])
  node.handleMessage(joiner, grant?.request ?? 0, { type: 'granted', accepted: true }, 2)
  node.handleTimeout(1e9)
  expect(poll(node)).toEqual({ sent: [], events: [] })
  expect(node.nextTimeout()).toBe(Number.POSITIVE_INFINITY)
})
