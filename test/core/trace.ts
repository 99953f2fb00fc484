/** What happens on a simulated ring, a line per message and event, for reading a failure. */
import type { Message, Peer } from '../../src/core/messages.ts'
import type { SimRing } from './sim-ring.ts'

const short = (peer: Peer | undefined) => (peer === undefined ? '-' : peer.address)

export function trace(ring: SimRing, write: (line: string) => void): void {
  let seen = 0
  ring.onMessage = (from, to, message) =>
    write(`${ring.nowMs} ${from.address} <- ${show(message)} from/to ${to.address}`)
  const before = ring.onStep
  ring.onStep = (node) => {
    for (; seen < ring.events.length; seen++) {
      const { address, event } = ring.events[seen]!
      write(
        `${ring.nowMs}    ${address} ${JSON.stringify(event, (_, v) => (typeof v === 'bigint' ? Number(v) : (v?.address ?? v)))}`,
      )
    }
    before(node)
  }
}

function show(message: Message): string {
  return JSON.stringify(message, (k, v) => (typeof v === 'bigint' ? Number(v) : k !== '' && v?.address ? short(v) : v))
}
