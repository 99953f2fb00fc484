/** Clients: they ask, are replied to more than once, are remembered by servers, and are handed on from node to node. */
export default async function clients({ chord, log, ring, until, sleep }) {
  let known
  const members = await ring([1, 2, 1], (name) => (from, _id, message, reply) => {
    if (message.ask !== undefined) reply({ answer: message.ask, by: name })
    if (message.many !== undefined) for (let i = 0; i < message.many; i++) reply({ part: i })
    if (message.remember) known = from
    // To a colleague, whose reply goes to the client.
    if (message.pass !== undefined)
      reply({ passed: message.pass }, members[(members.findIndex((one) => one.name === name) + 1) % 3].at, from)
    if (message.passed !== undefined) reply({ straight: message.passed })
  })
  const got = []
  const client = chord.Client((from, id, message, reply) => {
    got.push({ from, id, ...message })
    if (message.part === 2) reply({ ask: 'a reply to a reply' })
  })
  const other = chord.Client((_from, id, message) => got.push({ other: true, id, ...message }), 0)
  const [a, b, c] = members

  for (let i = 0; i < 20; i++) client(members[i % 3].at, chord.hash(`key ${i}`), { ask: i })
  await until(() => got.length === 20)
  log(
    'answers',
    got.map(({ answer }) => answer).sort((x, y) => x - y),
  )
  log(
    'one id',
    new Set(got.map(({ id }) => String(id))).size,
    'from members',
    got.every(({ from }) => members.some(({ at }) => at.port === from.port)),
  )

  got.length = 0
  client(b.at, null, { ask: 'you' })
  await until(() => got.length === 1)
  log('direct', got[0].answer, got[0].by)

  got.length = 0
  client(a.at, chord.hash('x'), { many: 3 })
  await until(() => got.length === 4)
  log(
    'parts',
    got.slice(0, 3).map(({ part }) => part),
    got[3].answer,
  )

  got.length = 0
  client(a.at, null, { remember: true })
  await until(() => known !== undefined)
  a.send(known, null, { unasked: 1 })
  b.send(known, null, { unasked: 2 })
  await until(() => got.length === 2)
  log('unasked', got.map(({ unasked }) => unasked).sort())

  got.length = 0
  client(c.at, chord.hash('y'), { pass: 'on' })
  other(a.at, null, { pass: 'that' })
  await until(() => got.length === 2)
  log('passed', got.map((one) => [one.other === true, one.straight]).sort())
  log('ids differ', new Set(got.map(({ id }) => String(id))).size)

  got.length = 0
  client(null, chord.hash('z'), { own: 1 })
  client(null, null, { own: 2 })
  await until(() => got.length === 2)
  log('to itself', got.map(({ own }) => own).sort())
  await sleep(10)
}
