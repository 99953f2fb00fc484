/**
 * The public types: everything a user of chordite sees, one room each in `api/`. Behaviour is documented there; the code behind
 * it lives in `runtime/`. Durations are milliseconds, never absolute times.
 */
export type * from './api/caller.ts'
export type * from './api/cluster.ts'
export type * from './api/messages.ts'
export type * from './api/node.ts'
export type * from './api/options.ts'
export type * from './api/ring.ts'
export type * from './api/service.ts'
export type * from './api/streams.ts'
export type { ChordError, ErrorCode } from './core/errors.ts'
export type { Id } from './core/id.ts'
export type { TransportCounters } from './transports/transport.ts'
