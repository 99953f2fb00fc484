import { expect, test } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { DEFAULT_TIMING } from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import type { Message, Peer } from '../../src/core/messages.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'

const peer = (n: number): Peer => ({ id: new Id(n, 0, 0, 0, 0), address: `n${n}`, incarnation: 1n })
const config = { successors: 8, onIsolated: 'wait', rememberedPeers: 128, ...DEFAULT_TIMING } as const

/** On a ring of the two, and each has last heard of the other that it owns nothing yet. */
function memberBeside(self: Peer, other: Peer): ChordNode {
  const node = new ChordNode({ self, config, random: new SeededRandom(1) })
  const { core } = node
  core.setStatus('joining')
  core.follow([other, self], 0)
  core.setPredecessor(other, false)
  core.boundary = { peer: other, dead: false }
  const range = { after: other.id, upTo: self.id }
  core.setRange(range, { gained: range, cause: 'create' })
  return node
}

/** Found by exploring a ring of one, two joiners and a leaver: without end if answers overtake questions. */
test('two that own something do not pass an inheritance to and fro', () => {
  const nodes = new Map(
    [peer(1), peer(2)].map((self, i, all) => [self.address, memberBeside(self, all[1 - i] as Peer)]),
  )
  const sent: { from: Peer; to: Peer; request: number; message: Message }[] = []
  const drain = (node: ChordNode) => {
    for (let out = node.poll(); out !== undefined; out = node.poll()) {
      if (out.kind === 'send') sent.push({ from: node.self, ...out })
    }
  }
  const give = (to: Peer, fn: (node: ChordNode) => void) => {
    const node = nodes.get(to.address) as ChordNode
    fn(node)
    drain(node)
  }
  for (const node of nodes.values()) drain(node)
  const grant: Message = { type: 'grant', after: undefined, boundary: { peer: undefined, dead: true } }
  sent.push({ from: peer(2), to: peer(1), request: 0xffff, message: grant })
  let delivered = 0
  for (; sent.length > 0 && delivered < 100; delivered++) {
    // Answers overtake questions.
    const answer = sent.findIndex(({ message }) => message.type === 'granted')
    const [next] = sent.splice(Math.max(0, answer), 1)
    if (next) give(next.to, (node) => node.handleMessage(next.from, next.request, next.message, 1))
  }
  expect(delivered).toBeLessThan(10)
})
