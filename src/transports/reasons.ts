import type { CloseReason } from './transport.ts'

/** A fresh table of close reasons, each at zero. */
export function zeroReasons(): Record<CloseReason, number> {
  return {
    local: 0,
    ended: 0,
    reset: 0,
    refused: 0,
    unreachable: 0,
    length: 0,
    version: 0,
    reserved: 0,
    extensions: 0,
    padding: 0,
    hello: 0,
    memory: 0,
    connections: 0,
  }
}
