/** Every error that a user can meet, with a stable code. Peers and users cause these; only bugs cause assertions. */

export type ErrorCode =
  | 'ERR_ABORTED' // the caller's signal fired
  | 'ERR_ADDRESS_IN_USE' // listen: the port is taken
  | 'ERR_ADVERTISE_REQUIRED' // a wildcard listen address, and nobody to tell us how we are seen
  | 'ERR_BAD_ADDRESS' // not host:port, [v6]:port or dns://name:port
  | 'ERR_BAD_BODY' // the other side's codec could not read the body
  | 'ERR_BAD_OPTION' // unknown option, or a value out of range
  | 'ERR_BUSY' // a queue is full; try again later
  | 'ERR_CLOSED' // this node or client has been closed
  | 'ERR_CONNECTION_LOST' // the connection broke under an open stream
  | 'ERR_DUPLICATE_HANDLER' // the message type has a handler already
  | 'ERR_DUPLICATE_ID' // a live node has our id
  | 'ERR_HOP_LIMIT' // routed too often without meeting the owner
  | 'ERR_ISOLATED' // no known node answers, and the key is not ours
  | 'ERR_JOIN_TIMEOUT' // no contact let us in before the deadline
  | 'ERR_LISTEN' // the address cannot be bound
  | 'ERR_NATIVE_UNAVAILABLE' // the native transport was demanded and cannot be loaded
  | 'ERR_NOT_CACHED' // asked to answer at once, and the key's owner is not known here
  | 'ERR_NOT_MEMBER' // the addressed node is no (longer a) member, or is a client
  | 'ERR_NO_HANDLER' // the receiver handles no such message type
  | 'ERR_OUTCOME_UNKNOWN' // it may or may not have been delivered
  | 'ERR_PAYLOAD_TOO_LARGE' // over limits.payloadBytes
  | 'ERR_REMOTE' // the handler threw
  | 'ERR_RESET' // the other side destroyed the stream
  | 'ERR_STATE' // not possible in the node's present state
  | 'ERR_TIMEOUT' // the deadline passed, and nothing was delivered
  | 'ERR_UNREACHABLE' // no connection to that address
  | 'ERR_STATE_FILE' // the state file cannot be read or written
  | 'ERR_RECORDING' // a recording cannot be written or read
  | 'ERR_WORKER' // a worker thread of a cluster died, cannot load its module, or does not end
  | 'ERR_HANDLER' // warning only: a listener or service of the application threw

export class ChordError extends Error {
  override readonly name = 'ChordError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** A broken promise of our own code. Never for what came from the network or a user. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`chordite bug: ${message}`)
}
