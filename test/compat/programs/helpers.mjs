/** The helpers, whose every result is the same. */
export default async function helpers({ chord, log }) {
  // Of a module, and the same once more.
  const ours = ['default', '__esModule']
  log(
    Object.keys(chord)
      .filter((name) => !ours.includes(name))
      .sort(),
  )
  for (const text of ['', 'a', 'alice', '0123456789abcdef', '0123456789abcdefg', 'grüß Gott, 你好 🌍']) {
    log('hash', text, chord.hash(text), chord.hash(text, 7))
  }
  const keys = [[], [1], [2], [0xffffffff], [1, 2, 3, 4], [1, 2, 3, 5], [2, 0, 0, 0], [0, 0, 0, 0, 1]]
  for (const a of keys) {
    for (const b of keys) {
      log(a, b, chord.less_than(a, b), chord.less_than_or_equal(a, b), chord.equal_to(a, b), chord.key_equals(a, b))
      for (const key of keys) log(key, chord.in_range(key, a, b), chord.in_half_open_range(key, a, b))
    }
  }
  const full = [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff]
  for (const key of [[0, 0, 0, 0], [1, 2, 3, 4], full, [0x80000000, 0x80000000], [7], [0, 0, 0, 0, 0]]) {
    log('next', key, chord.next_key(key))
    for (let exponent = 0; exponent < 32 * key.length; exponent++) log(key, exponent, chord.add_exp(key, exponent))
  }
}
