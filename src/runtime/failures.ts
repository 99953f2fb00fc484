/** Failures as they travel, and as the caller sees them. */
import { ChordError, type ErrorCode } from '../core/errors.ts'
import {
  FAIL_ABORTED,
  FAIL_BAD_BODY,
  FAIL_BUSY,
  FAIL_HOP_LIMIT,
  FAIL_ISOLATED,
  FAIL_LOST,
  FAIL_NO_HANDLER,
  FAIL_NOT_MEMBER,
  FAIL_REMOTE,
  FAIL_UNSETTLED,
} from '../wire/answers.ts'
import type { Call } from './calls.ts'

const CODES: Readonly<Record<number, ErrorCode>> = {
  [FAIL_UNSETTLED]: 'ERR_TIMEOUT',
  [FAIL_BUSY]: 'ERR_BUSY',
  [FAIL_HOP_LIMIT]: 'ERR_HOP_LIMIT',
  [FAIL_NOT_MEMBER]: 'ERR_NOT_MEMBER',
  [FAIL_NO_HANDLER]: 'ERR_NO_HANDLER',
  [FAIL_REMOTE]: 'ERR_REMOTE',
  [FAIL_BAD_BODY]: 'ERR_BAD_BODY',
  [FAIL_ISOLATED]: 'ERR_ISOLATED',
  [FAIL_LOST]: 'ERR_OUTCOME_UNKNOWN',
  [FAIL_ABORTED]: 'ERR_RESET',
}

/** The error of a failure that ends a call. */
export function errorOfFailure(code: number, message: string): ChordError {
  return new ChordError(CODES[code] ?? 'ERR_REMOTE', message)
}

/** The deadline has passed, and the last thing heard, if any, was `failure`, which proved non-delivery. */
export function errorAtDeadline(failure: number, delivered: boolean, what: string): ChordError {
  if (delivered) {
    return new ChordError('ERR_OUTCOME_UNKNOWN', `no answer to ${what} before the deadline; it may have been served`)
  }
  switch (failure) {
    case FAIL_BUSY:
      return new ChordError('ERR_BUSY', `${what} was refused until the deadline: queues on the way are full`)
    case FAIL_HOP_LIMIT:
      return new ChordError('ERR_HOP_LIMIT', `${what} was passed on too often without meeting the owner`)
    case FAIL_ISOLATED:
      return new ChordError('ERR_ISOLATED', `${what} met a node that reaches nobody it knew`)
    case FAIL_UNSETTLED:
      return new ChordError('ERR_TIMEOUT', `nobody admitted to owning the key of ${what} before the deadline`)
    default:
      return new ChordError('ERR_TIMEOUT', `no answer to ${what} before the deadline; nothing was delivered`)
  }
}

/** A connection on its way broke, and no answer has come since. */
export function errorOfLoss(what: string): ChordError {
  return new ChordError('ERR_OUTCOME_UNKNOWN', `a connection that carried ${what} broke; it may have been served`)
}

/** In words. */
export function whatIs(call: Call): string {
  if (call.wants === 'found') return `the look-up of ${call.key}`
  return call.key === undefined ? `the message to ${call.address}` : `the message to the owner of ${call.key}`
}
