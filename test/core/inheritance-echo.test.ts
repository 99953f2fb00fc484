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

/** Found by exploring a ring of one, which two join and the first leaves. */
test('a leaver whose heir owns nothing yet does not ask it again at the speed of messages', () => {
  const [self, heir, before] = [peer(1), peer(2), peer(3)]
  const node = memberBeside(self, before)
  node.core.follow([heir, before], 0)
  node.leave(0)
  let handOvers = 0
  for (let steps = 0; steps < 200; steps++) {
    const out = node.poll()
    if (out === undefined) break
    if (out.kind === 'handover') node.handedOver(out.token, 0)
    if (out.kind !== 'send') continue
    const { message, to, request } = out
    if (message.type === 'grant') node.handleMessage(to, request, { type: 'granted', accepted: true }, 0)
    if (message.type !== 'handOver') continue
    handOvers++
    node.handleMessage(to, request, { type: 'handedOver', accepted: false, leaving: false }, 0)
  }
  expect(handOvers).toBe(1)
})
