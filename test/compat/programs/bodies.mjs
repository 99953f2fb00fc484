/** What JSON makes of bodies, there and back. */
export default async function bodies({ log, ring, until }) {
  const back = []
  const [a, b] = await ring([1, 1], () => (_from, _id, message, reply) => {
    if (message !== null && typeof message === 'object' && 'back' in message) back.push(message)
    else reply({ back: message, is: typeof message })
  })
  const long = 'x'.repeat(20_000)
  const values = [1, -0.5, 1e21, '', 'text', 'ä€🌍\u2028"\\', true, false, null, [], [1, [2]], { a: { b: null } }, long]
  const odd = [new Date(0), [undefined, () => {}], { u: undefined, n: Number.NaN }, { toJSON: () => 'made' }]
  for (const value of [...values, ...odd]) {
    a.send(b.at, null, value)
    const before = back.length
    await until(() => back.length > before)
    log(back.at(-1).is, back.at(-1).back)
  }
  a.send(b.at, null)
  await until(() => back.length === values.length + odd.length + 1)
  log('nothing is', back.at(-1).is, Object.keys(back.at(-1)))
}
