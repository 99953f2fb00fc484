/** The two types of chordite messages that this API is made of. */
import type { Codec, MessageType } from '../../api.ts'
import { ChordError } from '../../core/errors.ts'
import { KEY_WORDS, type Key } from './keys.ts'
import { Arrived } from './message.ts'

const BYTES: Codec<Uint8Array> = { encode: (bytes) => bytes, decode: (bytes) => bytes }

/** Sent as it is, seen as what it says. */
const ARRIVED: Codec<Uint8Array | Arrived> = {
  encode: (bytes) => bytes as Uint8Array,
  decode: (bytes) => new Arrived(bytes),
}

/** A message; the answer is the receiver's own first reply, or nothing. */
export const MESSAGE: MessageType<Uint8Array | Arrived, Uint8Array> = {
  name: 'chordite.compat.chord.message',
  request: ARRIVED,
  reply: BYTES,
}

/** From a client to its entry: `OPEN` is answered with the entry's address, `TAKE` with a batch of messages. */
export const MAILBOX: MessageType<MailboxRequest, Uint8Array> = {
  name: 'chordite.compat.chord.mailbox',
  request: {
    encode: ({ action, client }) => new Uint8Array(Uint32Array.of(action, ...client).buffer),
    decode(bytes) {
      if (bytes.length !== 4 * (1 + KEY_WORDS)) throw new ChordError('ERR_BAD_BODY', 'no request of a mailbox')
      const [action, ...client] = new Uint32Array(bytes.slice().buffer)
      return { action: action!, client }
    },
  },
  reply: BYTES,
}

export interface MailboxRequest {
  action: number
  client: Key
}

export const OPEN = 0
export const TAKE = 1

/** For one attempt to hand a message over. */
export const WAIT = { timeoutMs: 5_000 }

export const NOTHING = new Uint8Array(0)
