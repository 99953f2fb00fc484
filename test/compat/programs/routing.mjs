/** Whoever is asked, a key leads to one virtual node; and the id that a message is said to be from leads to its sender. */
export default async function routing({ chord, log, ring, until }) {
  const got = []
  const members = await ring([1, 2, 3], (name) => (from, id, message, reply) => {
    got.push({ name, from, id, ...message })
    if (message.question !== undefined) reply({ answer: message.question })
  })
  for (const member of members) {
    for (let i = 0; i < 30; i++) member.send(null, chord.hash(`key ${i}`), { i })
  }
  await until(() => got.length === 90)
  for (let i = 0; i < 30; i++) {
    const some = got.filter((one) => one.i === i)
    log(i, 'delivered', some.length, 'to', new Set(some.map(({ id }) => String(id))).size)
  }
  log('ids have', [...new Set(got.map(({ id }) => id.length))], 'words, senders', [
    ...new Set(got.map(({ from }) => from.id.length)),
  ])
  const ids = [...new Map(got.map(({ id }) => [String(id), id])).values()].sort((a, b) =>
    chord.less_than(a, b) ? -1 : 1,
  )
  const isRight = ({ i, id }) =>
    chord.in_half_open_range(
      chord.hash(`key ${i}`),
      ids.at(ids.indexOf(ids.find((one) => chord.equal_to(one, id))) - 1),
      id,
    )
  log('each between its predecessor and its owner', got.every(isRight))

  got.length = 0
  for (const id of ids) members[0].send(null, id, { to: id })
  await until(() => got.length === ids.length)
  log(
    'an id is a key of its own node',
    got.every(({ id, to }) => chord.equal_to(id, to)),
  )

  got.length = 0
  members[1].send(null, chord.hash('one'), { question: 1 })
  await until(() => got.some(({ answer }) => answer === 1))
  const [asked, answered] = [got.find(({ question }) => question), got.find(({ answer }) => answer)]
  log(
    'answered by who was asked',
    chord.equal_to(answered.from.id, asked.id),
    'to who asked',
    chord.equal_to(asked.from.id, answered.id),
  )
  log('the sender is', answered.name)
}
