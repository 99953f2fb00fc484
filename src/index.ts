/** Everything that chordite offers to a program. */
export type * from './api.ts'
export { ChordError } from './core/errors.ts'
export { Id } from './core/id.ts'
export { connect } from './runtime/client.ts'
export { createNode } from './runtime/node.ts'
export { json, raw, utf8 } from './runtime/values.ts'
export { type Registry, type RegistryOptions, registry } from './services/registry.ts'
export { ratesOf, type TransportRates } from './transports/rates.ts'
