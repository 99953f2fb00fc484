/** The same arithmetic on BigInt: what ids cost without words of 32 bits. */

const RING = 1n << 160n

export function isBetween(id, after, before) {
  return after < before ? after < id && id < before : after < id || id < before
}

/** Index of the last entry of the ascending `table` before `key`; of the last of all if there is none. */
export function closestPreceding(table, key) {
  let low = 0
  let high = table.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (table[middle] < key) low = middle + 1
    else high = middle
  }
  return low === 0 ? table.length - 1 : low - 1
}

export function distance(from, to) {
  return (to - from + RING) % RING
}

export function numberOf(bytes, at) {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 20)
  return (view.getBigUint64(0) << 96n) | (view.getBigUint64(8) << 32n) | BigInt(view.getUint32(16))
}
