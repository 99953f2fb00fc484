/** SHA-1 of 16-byte keys: all of a batch, into one buffer; node:crypto key by key, into what costs it least. */
import { createHash, hash } from 'node:crypto'
import { COUNT } from './data.mjs'

const KEY_BYTES = 16
const NATIVE = 'native batch, packed'

export function sha1Group({ native, twin }) {
  const bytes = new Uint8Array(COUNT * KEY_BYTES).map((_, i) => 97 + ((i * 37) % 26))
  const offsets = Uint32Array.from({ length: COUNT + 1 }, (_, i) => i * KEY_BYTES)
  const packed = { bytes, offsets }
  const out = new Uint8Array(COUNT * 20)
  // Made before, which is a gift to node:crypto: our batches make none.
  const views = Array.from({ length: COUNT }, (_, i) => bytes.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES))
  const strings = views.map((view) => Buffer.from(view).toString('latin1'))
  const started = createHash('sha1')
  const each = (fn) => () => {
    for (let i = 0; i < COUNT; i++) fn(i)
  }
  const crypto = {
    'node:crypto hash, hex': each((i) => hash('sha1', views[i], 'hex')),
    'node:crypto hash, latin1': each((i) => hash('sha1', views[i], 'latin1')),
    'node:crypto hash of strings, hex': each((i) => hash('sha1', strings[i], 'hex')),
    'node:crypto hash, buffer': each((i) => out.set(hash('sha1', views[i], 'buffer'), i * 20)),
    'node:crypto createHash': each((i) => out.set(createHash('sha1').update(views[i]).digest(), i * 20)),
    'node:crypto copy of a hash': each((i) => out.set(started.copy().update(views[i]).digest(), i * 20)),
  }
  return {
    name: `SHA-1 of ${KEY_BYTES}-byte keys`,
    unit: 'a key',
    count: COUNT,
    tasks: {
      ...(native && {
        [NATIVE]: () => native.hashBatch(packed, out),
        'native batch, strings': () => native.hashBatch(strings, out),
      }),
      'twin of the batch, packed': () => twin.hashBatch(packed, out),
      'twin of the batch, strings': () => twin.hashBatch(strings, out),
      ...crypto,
    },
    gates: [{ row: NATIVE, against: Object.keys(crypto), atLeast: 10 }],
  }
}
