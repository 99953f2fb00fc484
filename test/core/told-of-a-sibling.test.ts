import { expect, test } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { DEFAULT_TIMING } from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'

const peer = (n: number, address: string) => ({ id: new Id(0, 0, 0, 0, n), address, incarnation: 1n })
const config = { successors: 1, onIsolated: 'wait', rememberedPeers: 128, ...DEFAULT_TIMING } as const

/** Of which peers it tells who notifies it, waits for a range, and is number 2. */
function toldOf(joiner: string, remembered: string): string[] {
  const node = new ChordNode({ self: peer(8, 'ours'), config, random: new SeededRandom(1) })
  node.create(0)
  node.core.remembered.add(peer(4, remembered), false)
  node.handleMessage(peer(2, joiner), 0, { type: 'notify', hasRange: false, skips: true }, 0)
  const told: string[] = []
  for (let out = node.poll(); out !== undefined; out = node.poll()) {
    if (out.kind === 'send' && out.message.type === 'meet') told.push(out.message.peer.address)
  }
  return told
}

/**
 * In a list of one there may be somebody nearer than whom we name. Then it looks at its own place from there, comes back to us,
 * and is told again. Where messages take no time that went on without end.
 */
test.each([
  ['theirs', 'others', ['others']],
  ['ours', 'others', ['others']],
  ['theirs', 'ours', ['ours']],
  ['ours', 'ours', []],
])(
  'who waits for a range, of %s, is told of a nearer one of %s unless all are of one process',
  (joiner, nearer, told) => {
    expect(toldOf(joiner, nearer)).toEqual(told)
  },
)
