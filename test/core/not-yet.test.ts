import { expect, test } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { DEFAULT_TIMING } from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import type { Peer } from '../../src/core/messages.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'

const peer = (n: number): Peer => ({ id: new Id(n, 0, 0, 0, 0), address: `n${n}`, incarnation: 1n })
const config = { successors: 8, onIsolated: 'wait', rememberedPeers: 128, ...DEFAULT_TIMING } as const

/** Its list is empty for a moment, because whoever follows it has gone: asked at once, it would say the same again, for ever. */
test('who is in no ring just now is told of its grant later, and is no suspect', () => {
  const [self, joiner] = [peer(9), peer(4)]
  const node = new ChordNode({ self, config, random: new SeededRandom(1) })
  const { core } = node
  /** Grants that it sends, while the joiner answers everything else. */
  const granted = () => {
    const requests: number[] = []
    for (let out = node.poll(); out !== undefined; out = node.poll()) {
      if (out.kind === 'handover') node.handedOver(out.token, 0)
      else if (out.kind === 'send' && out.message.type === 'grant') requests.push(out.request)
      else if (out.kind === 'send' && out.message.type === 'getNeighbors') {
        const answer = { type: 'neighbors', predecessor: undefined, successors: [self], leaving: false } as const
        node.handleMessage(joiner, out.request, answer, 1)
      }
    }
    return requests
  }
  node.create(0)
  node.handleMessage(joiner, 0, { type: 'notify', hasRange: false, skips: false }, 0)
  const [request] = granted() as [number]
  node.handleMessage(joiner, request, { type: 'notMember', joining: true }, 2)
  expect(granted()).toEqual([])
  const dueMs = core.pending.get(request)?.deadlineMs as number
  expect(dueMs).toBeGreaterThan(2)
  node.handleTimeout(dueMs)
  expect(granted()).toEqual([request])
  expect(core.detector.isSuspect(joiner)).toBe(false)
  node.handleMessage(joiner, request, { type: 'granted', accepted: true }, dueMs + 2)
  expect(String(core.range?.after)).toBe(String(joiner.id))
})
