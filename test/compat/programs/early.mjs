/** What is sent before the ring is joined is delivered once, if not said to whom. */
export default async function early({ chord, log, port, until, sleep }) {
  const got = []
  const listener = (name) => (_from, _id, message) => got.push([name, message])
  const [first, second] = [await port(), await port()]
  const b = chord.Chord(second, 2, { address: '127.0.0.1', port: first }, listener('b'))
  for (let i = 0; i < 50; i++) b(null, chord.hash(`${i}`), i)
  b(null, null, 'mine')
  await sleep(50)
  chord.Chord(first, 1, listener('a'))
  await until(() => got.length === 51)
  await sleep(50)
  const numbers = got.map(([, message]) => message).filter((one) => one !== 'mine')
  log(got.length, new Set(numbers).size)
  log(got.filter(([, message]) => message === 'mine'))
}
