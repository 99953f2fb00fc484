import { expect, test } from 'vitest'
import { ChordNode } from '../../src/core/chord-node.ts'
import { DEFAULT_TIMING } from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import { acceptHandOver } from '../../src/core/responsibility.ts'
import { SeededRandom } from '../../src/transports/virtual-clock.ts'

const config = { successors: 8, onIsolated: 'wait', rememberedPeers: 128, ...DEFAULT_TIMING } as const
const id = (digit: string) => Id.parse(digit.padStart(40, '0'))
const peer = (digit: string) => ({ id: id(digit), address: `${digit}:1`, incarnation: 1n })

/** Each was cut off and took what it thought was nobody's, before one of them leaves. */
test.each([
  ['ends where ours begins', '1', '1'],
  ['covers the whole ring', '3', '8'],
  ['reaches into ours', '5', '8'],
  ['is all but ours', '8', '8'],
])('the range of a leaver that %s is added to ours', (_, after, start) => {
  const node = new ChordNode({ self: peer('8'), config, random: new SeededRandom(1) })
  const range = { after: id('3'), upTo: id('8') }
  node.core.setRange(range, { gained: range, cause: 'takeover' })
  const boundary = { peer: undefined, dead: false }
  expect(acceptHandOver(node.core, peer('3'), { type: 'handOver', after: id(after), boundary })).toBe(true)
  expect(node.range).toEqual({ after: id(start), upTo: id('8') })
  expect(node.core.outputs.at(-1)).toMatchObject({ event: { gained: [{ after: id(start), upTo: id('3') }] } })
})
