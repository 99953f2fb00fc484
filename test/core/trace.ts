/** What happens on a simulated ring, a line per message and event, for reading a failure. */
import type { Peer } from '../../src/core/messages.ts'
import type { SimRing } from './sim-ring.ts'

export function trace(ring: SimRing, write: (line: string) => void): void {
  let seen = 0
  ring.onMessage = (from, to, message) => write(`${ring.nowMs}  ${name(from)} → ${name(to)}  ${show(message)}`)
  const { onStep } = ring
  ring.onStep = (node) => {
    for (const { event } of ring.events.slice(seen)) write(`${ring.nowMs}  ${name(node.self)}: ${show(event)}`)
    seen = ring.events.length
    onStep(node)
  }
}

/** Address and the first digits of the id: short, and different enough. */
function name(peer: Peer): string {
  return `${peer.address}.${String(peer.id).slice(0, 4)}`
}

function show(value: object): string {
  return JSON.stringify(value, (_, part) => {
    if (typeof part === 'bigint') return Number(part)
    return part !== null && typeof part === 'object' && 'address' in part ? name(part as Peer) : part
  })
}
