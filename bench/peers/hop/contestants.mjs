/**
 * Who answers one hop, and how each is called. A kind is a module in this folder: `serve()` starts its server in one process and
 * returns what a client has to know; `open(known, count)` connects as many clients in another and returns an `ask` for each.
 */
export const CALLBACKS = 'chordite callbacks'
export const PROMISES = 'chordite promises'
export const BATCHES = 'chordite callbacks, handleBatch'
export const NODES = 'chordite callbacks, many nodes'
export const LIMIT = 'C epoll'
/** Ours, in several forms. */
export const OURS = [PROMISES, CALLBACKS, BATCHES, NODES]

export const contestants = [
  { name: PROMISES, kind: 'chordite', way: 'promises', handler: 'handle' },
  { name: CALLBACKS, kind: 'chordite', way: 'callbacks', handler: 'handle' },
  { name: BATCHES, kind: 'chordite', way: 'callbacks', handler: 'handleBatch' },
  { name: NODES, kind: 'chordite', way: 'callbacks', handler: 'nodes' },
  { name: LIMIT, kind: 'c' },
  { name: 'node:net', kind: 'net', way: 'callbacks' },
  { name: 'zeromq', kind: 'zeromq', way: 'callbacks' },
  { name: 'dht-rpc', kind: 'dht-rpc', way: 'promises' },
  { name: '@grpc/grpc-js', kind: 'grpc', way: 'callbacks' },
]

/** Connections × requests outstanding on each. */
export const patterns = [
  { name: '1×1', connections: 1, outstanding: 1 },
  { name: '1×128', connections: 1, outstanding: 128 },
  { name: '16×64', connections: 16, outstanding: 64 },
  { name: '64×1', connections: 64, outstanding: 1 },
  { name: '256×1', connections: 256, outstanding: 1 },
  { name: '256×4', connections: 256, outstanding: 4 },
]

export const bodies = [64, 1024]
