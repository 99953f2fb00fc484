/** What each worker of `chordite node --workers` does: the same as the one node of `chordite node`. */
import type { ChordNode } from '../index.ts'
import { KEY_MESSAGE } from './key-message.ts'

export function setup(node: ChordNode): void {
  node.handle(KEY_MESSAGE, (message) => String(message.member.id))
}
