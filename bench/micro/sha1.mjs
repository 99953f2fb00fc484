/** SHA-1 of 16-byte keys: all of a batch, into one buffer. */
import { createHash, hash } from 'node:crypto'
import { COUNT } from './data.mjs'

const KEY_BYTES = 16

export function sha1Group({ native, twin }) {
  const bytes = new Uint8Array(COUNT * KEY_BYTES).map((_, i) => i * 37)
  const offsets = Uint32Array.from({ length: COUNT + 1 }, (_, i) => i * KEY_BYTES)
  const keys = { bytes, offsets }
  const out = new Uint8Array(COUNT * 20)
  const each = (fn) => () => {
    for (let i = 0; i < COUNT; i++) fn(bytes.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES), i * 20)
  }
  return {
    name: `SHA-1 of ${KEY_BYTES}-byte keys`,
    unit: 'a key',
    count: COUNT,
    tasks: {
      ...(native && { 'native batch': () => native.hashBatch(keys) }),
      'TypeScript twin': () => twin.hashBatch(keys),
      'node:crypto createHash': each((key, at) => out.set(createHash('sha1').update(key).digest(), at)),
      'node:crypto hash, hex': each((key) => hash('sha1', key, 'hex')),
    },
  }
}
