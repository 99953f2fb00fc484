/** The message that `chordite route` sends to the owner of each key and that `chordite node` takes. */
import { type MessageType, utf8 } from '../index.ts'

/** The key goes in, the id of the virtual node that took it comes back. */
export const KEY_MESSAGE: MessageType<string, string> = { name: 'cli.key', request: utf8, reply: utf8 }
