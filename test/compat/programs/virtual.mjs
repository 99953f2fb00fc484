/** One process that is the whole ring: every virtual node gets its keys, and no key means the last of them. */
export default async function virtual({ chord, log, ring, until }) {
  const got = []
  const [all] = await ring([8], () => (from, id, message, reply) => {
    got.push({ from, id, ...message })
    if (message.i !== undefined) reply({ back: message.i })
    if (message.first) reply({ second: true }, got[0].from)
  })
  const ids = () => new Set(got.filter(({ i }) => i !== undefined).map(({ id }) => String(id)))
  // Of one process the nodes soon find each other, but not before it has begun.
  while (ids().size < 4) {
    got.length = 0
    for (let i = 0; i < 400; i++) all.send(null, chord.hash(`key ${i}`), { i })
    await until(() => got.length === 800)
  }
  log('at most eight', ids().size <= 8)
  const back = got.filter((one) => one.back !== undefined)
  log('replies', back.length, 'to', new Set(back.map(({ id }) => String(id))).size, 'node')
  const last = back[0].id
  got.length = 0
  all.send(null, null, { first: true })
  await until(() => got.length === 2)
  log(
    'the last one',
    got.every(({ id }) => chord.equal_to(id, last)),
  )
  got.length = 0
  all.send({ address: '127.0.0.1', port: all.at.port, id: last }, null, { named: true })
  all.send({ port: all.at.port }, null, { unnamed: true })
  await until(() => got.length === 2)
  log(
    'named and unnamed',
    got.every(({ id }) => chord.equal_to(id, last)),
  )
}
