/** The public numbers, gathered from where they are counted. */
import type { Metrics, NodeState } from '../api.ts'
import { zeroCounters } from '../transports/counters.ts'
import type { Host } from './host.ts'
import type { Streams } from './streams/streams.ts'

export function metricsOf(state: NodeState, transport: 'native' | 'tcp', host: Host, streams: Streams): Metrics {
  const { traffic, opened } = host
  const { sent, received, sentBytes } = traffic.maintenance.stats
  const { stats } = traffic.forward
  const wire = opened?.transport.counters() ?? zeroCounters()
  return {
    state,
    transport,
    members: host.views().length,
    connections: opened?.counts() ?? { routing: 0, reply: 0, accepted: 0, total: 0 },
    calls: { pending: traffic.exchange.table.pending, ...traffic.exchange.stats, ...traffic.exchange.hedging.stats },
    routed: { ...stats, forwarded: stats.forwarded + wire.framesPassedOn },
    ranges: { cached: traffic.ranges.cache.size, ...traffic.ranges.stats },
    handled: { ...traffic.delivery.stats },
    streams: streams.metrics(),
    maintenance: { sent, received, sentBytes, evictions: host.evictions },
    wire,
    closed: { ...opened?.transport.closeReasons() },
    refused: { ...opened?.refused() },
  }
}
