/**
 * Stands in for the package `murmurhash3`, whose addon does not compile on Node.js 20: its `murmur128Sync`, which is all that
 * `chordhelper` calls. MurmurHash3_x86_128 of the text's UTF-8, from the algorithm's definition, which is in the public domain.
 * Written apart from `src/compat/chord/hash.ts`, so that the two can be held against each other.
 */
const LANES = [
  { first: 0x239b961b, turn: 15, second: 0xab0e9789, mixTurn: 19, add: 0x561ccd1b },
  { first: 0xab0e9789, turn: 16, second: 0x38b34ae5, mixTurn: 17, add: 0x0bcaa747 },
  { first: 0x38b34ae5, turn: 17, second: 0xa1e38b93, mixTurn: 15, add: 0x96cd1c35 },
  { first: 0xa1e38b93, turn: 18, second: 0x239b961b, mixTurn: 13, add: 0x32ac3b17 },
]

exports.murmur128Sync = function murmur128Sync(key, seed = 0) {
  if (typeof key !== 'string') throw new TypeError('Argument 1 must be a String')
  const bytes = Buffer.from(key, 'utf8')
  const h = [seed | 0, seed | 0, seed | 0, seed | 0]
  const whole = bytes.length - (bytes.length % 16)
  for (let at = 0; at < whole; at += 16) {
    for (let lane = 0; lane < 4; lane++) {
      h[lane] ^= scrambled(bytes.readInt32LE(at + 4 * lane), LANES[lane])
      h[lane] = (rotated(h[lane], LANES[lane].mixTurn) + h[(lane + 1) % 4]) | 0
      h[lane] = (Math.imul(h[lane], 5) + LANES[lane].add) | 0
    }
  }
  const rest = Buffer.alloc(16)
  bytes.copy(rest, 0, whole)
  for (let lane = 3; lane >= 0; lane--) {
    if (bytes.length - whole > 4 * lane) h[lane] ^= scrambled(rest.readInt32LE(4 * lane), LANES[lane])
  }
  for (let lane = 0; lane < 4; lane++) h[lane] ^= bytes.length
  mixAll(h)
  for (let lane = 0; lane < 4; lane++) h[lane] = finished(h[lane])
  mixAll(h)
  return h.map((word) => word >>> 0)
}

function scrambled(word, { first, turn, second }) {
  return Math.imul(rotated(Math.imul(word, first), turn), second)
}

function rotated(word, by) {
  return (word << by) | (word >>> (32 - by))
}

/** The first takes all others in, then each of them the first. */
function mixAll(h) {
  h[0] = (h[0] + h[1] + h[2] + h[3]) | 0
  for (let lane = 1; lane < 4; lane++) h[lane] = (h[lane] + h[0]) | 0
}

function finished(word) {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}
