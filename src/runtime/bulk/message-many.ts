/** `sendMany` and `requestMany`: what callers give, checked before the first message leaves. */
import type { Bodies, Key, MessageType, PackedKeys, Result, Wait } from '../../api.ts'
import { ID_BYTES } from '../../core/id.ts'
import { methodOfType, timeoutOf, WAIT_NAMES } from '../values.ts'
import { bodiesOf } from './bodies.ts'
import { packedIds } from './keys.ts'
import { MessageRun, type Messages } from './message-run.ts'
import type { BulkPort } from './port.ts'

const SEND_NAMES = [...WAIT_NAMES, 'ack']
const REQUEST_NAMES = [...WAIT_NAMES, 'idempotent']

interface Given {
  readonly keys: readonly Key[] | PackedKeys
  readonly type: MessageType<never, unknown>
  readonly bodies: Bodies<never>
}

/** Errors: ERR_BAD_OPTION, ERR_ABORTED if the signal has fired already, ERR_STATE, ERR_CLOSED. */
export async function sendMany(
  port: BulkPort,
  given: Given,
  o: (Wait & { ack?: boolean }) | undefined,
): Promise<readonly Result<void>[]> {
  const timeoutMs = timeoutOf(o, SEND_NAMES)
  return (await run(port, given, o, timeoutMs, o?.ack === false ? 'nothing' : 'ack', false)) as readonly Result<void>[]
}

/** Errors: those of {@link sendMany}. */
export async function requestMany(
  port: BulkPort,
  given: Given,
  o: (Wait & { idempotent?: boolean }) | undefined,
): Promise<readonly Result<unknown>[]> {
  const timeoutMs = timeoutOf(o, REQUEST_NAMES)
  return run(port, given, o, timeoutMs, 'reply', o?.idempotent === true)
}

function run(
  port: BulkPort,
  { keys, type, bodies }: Given,
  wait: Wait | undefined,
  timeoutMs: number,
  wants: Messages['wants'],
  idempotent: boolean,
): Promise<readonly Result<unknown>[]> {
  const refusal = port.refusal()
  if (refusal !== undefined) throw refusal
  const method = methodOfType(type as MessageType<never, never>)
  const ids = packedIds(keys)
  const bodyOf = bodiesOf(type, bodies, ids.length / ID_BYTES, port.payloadBytesMax)
  return new MessageRun(port, { type, method, wants, idempotent, ids, bodyOf, timeoutMs, wait }).done
}
