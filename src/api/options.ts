/** What a node or client is made with. */

export interface NodeOptions {
  /** `host:port` to bind, IPv6 in brackets; port 0 picks a free one. Default `127.0.0.1:0`. */
  listen?: string
  /** `host:port` that others reach this node at, when it differs from `listen` (containers). Its ids derive from it. */
  advertise?: string
  /** Contacts: `host:port`, `[v6]:port` or `dns://name:port` (all addresses of the name, resolved anew on retry). */
  join?: readonly string[]
  /** Nodes of different networks refuse each other. Default `chordite`. */
  network?: string
  /** Points on the ring that this process serves, 1 to 256. Default 1. */
  virtualNodes?: number
  /**
   * How much this process takes, in proportion to others: so many times `virtualNodes` points, rounded: 1 to 256. A host
   * of capacity 2 beside hosts of 1 gets two shares of the keys. The more points, the closer; see docs/evaluation.md. Above 0 and
   * up to 256, default 1.
   */
  capacity?: number
  /** Distinct processes kept in each successor list, 1 to 64. Default 8. */
  successors?: number
  /** What to do when no known node answers any more. Default `wait`. */
  onIsolated?: 'wait' | 'serve'
  /** Keeps incarnation and remembered peers between runs. */
  stateFile?: string
  /** Writes down what the ring's upkeep is told, for `chordite replay`: ids and addresses, no bodies of messages. Default off. */
  record?: string | RecordOptions
  /** Default: native where the addon loads, else tcp. `CHORDITE_TRANSPORT` overrides. */
  transport?: 'native' | 'tcp'
  timing?: Partial<Timing>
  limits?: Partial<Limits>
  logger?: Logger
}

/**
 * A recording in files that can each be replayed alone: `path`, and before it `path.1`, `path.2`, … If it cannot be written, there is
 * one warning ERR_RECORDING and no more of it.
 */
export interface RecordOptions {
  path: string
  /** All files together, those of earlier runs included. Default 64 MiB, at least 256 KiB for each file. */
  bytesMax?: number
  /** 2 to 100. Default 4. */
  files?: number
}

export interface ClientOptions {
  /** Addresses of members, in the forms that `join` takes. At least one. */
  to: readonly string[]
  network?: string
  transport?: 'native' | 'tcp'
  timing?: Partial<Timing>
  limits?: Partial<Limits>
}

/** Periods and bounds, all in milliseconds. The adaptive ones move between their two bounds. */
export interface Timing {
  /** Between stabilisations while neighbours change. Default 250. */
  stabilizeMinMs: number
  /** Between stabilisations when quiet. Default 2,000. */
  stabilizeMaxMs: number
  /** Bounds of the retransmission timeout of one probe. Defaults 50 and 2,000. */
  probeMinMs: number
  probeMaxMs: number
  /** Misses in a row until a silent peer is evicted. Default 3. */
  evictAfterMisses: number
  /** Bounds of the time between two finger refreshes. Defaults 1,000 and 30,000. */
  fingersMinMs: number
  fingersMaxMs: number
  /** Between two look-ups of one's own id (ring merging). Default 5,000. */
  selfLookupMs: number
  /** Bounds of the backoff between two attempts to rejoin. Defaults 100 and 10,000. */
  rejoinMinMs: number
  rejoinMaxMs: number
  /** How long a range grant waits for `prepare` and `transfer` of the services. Default 10,000. */
  handoverMs: number
  /** How long a connection may take to open and say hello. Default 3,000. */
  connectMs: number
  /** An unused connection is closed after this long. Default 30,000. */
  idleMs: number
  /** How long a range that another node said it owns is remembered. Default 60,000. */
  cachedMs: number
}

/** Bounds on memory and work. Counts, or bytes where the name ends in Bytes. */
export interface Limits {
  /** One message's body. Default 1 MiB. */
  payloadBytes: number
  /** Forwarding steps until a routed message is given up. Default 64. */
  hops: number
  /** Calls waiting for an answer, per node. Default 65,536. */
  pendingCalls: number
  /** Own output queued on one connection before `ERR_BUSY`. Default 1 MiB. */
  outputBytes: number
  /** Memory for messages arriving in fragments, per node. Default 32 MiB. */
  reassemblyBytes: number
  /**
   * Connections kept only to answer originators, and to send straight to owners of keys, which clients do, too; least recently used out
   * first. Default 64.
   */
  replyConnections: number
  /** Accepted connections. Default 16,384. */
  connections: number
  /** Requests remembered to drop duplicates, at most; at least the latest half of that. Default 65,536. */
  duplicates: number
  /** Peers remembered for rejoining and merging. Default 128, at least 64. */
  rememberedPeers: number
  /**
   * Ranges of other nodes remembered from their answers: a key in one of them goes straight to its owner. Default 4,096, at most
   * 32,000; 0 remembers none, so that every key takes the way of the paper.
   */
  cachedRanges: number
  /**
   * Look-ups, and idempotent requests by key, go out a second time, by another way, when they have waited longer than 95 % of their
   * kind do; so many of a hundred at most. Default 5, at most 100; 0 sends none twice before it has timed out.
   */
  hedgePercent: number
  /** Streams that are open, or not read to their end, per node. Default 2,048; 0 allows none. */
  streams: number
  /** Of them, those that one connection's other side has opened; and those that this side has. Default 1,024 each. */
  streamsPerConnection: number
  /** What one stream may have received and not read. It is given 32 KiB at first, more as its reader keeps up. Default 1 MiB. */
  streamBytes: number
  /** What all streams together are given beyond their first 32 KiB. Default 64 MiB. */
  streamsBytes: number
}

/** Receives what a person may want to read; never called for each message. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}
