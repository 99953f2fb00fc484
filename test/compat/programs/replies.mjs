/** Replies: several, in order, later, and replies to replies; `to` and `reply_to` in all combinations. */
export default async function replies({ chord, log, ring, until, sleep }) {
  const got = []
  const listener = (name) => (from, id, message, reply) => {
    got.push({ name, from, id, ...message })
    if (message.count !== undefined) for (let i = 0; i < message.count; i++) reply({ part: i })
    if (message.rally > 0) reply({ rally: message.rally - 1 })
    if (message.later !== undefined) setTimeout(() => reply({ late: message.later }), 30)
    if (message.soon !== undefined) Promise.resolve().then(() => reply({ came: message.soon }))
    if (message.ask !== undefined) reply({ tell: message.ask }, message.ask, from)
    if (message.tell !== undefined) reply({ told: 'straight' })
    if (message.said !== undefined) {
      members[2].send(from, null, { said: 1 })
      reply({ said: 2 })
      members[2].send(from, null, { said: 3 })
    }
  }
  const members = await ring([1, 1, 1], listener)
  const [a, b, c] = members
  const count = (name) => got.filter((one) => one[name] !== undefined).length

  let hasReturned = false
  a.send(b.at, null, { count: 4 })
  hasReturned = got.length === 0
  log('nothing is delivered before it returns', hasReturned)
  await until(() => count('part') === 4)
  log(
    'parts',
    got.filter((one) => one.part !== undefined).map(({ name, part }) => [name, part]),
  )

  got.length = 0
  a.send(b.at, null, { rally: 6 })
  await until(() => got.some(({ rally }) => rally === 0))
  log(
    'rally',
    got.map(({ name, rally }) => [name, rally]),
  )

  got.length = 0
  a.send(b.at, null, { later: 'x' })
  a.send(b.at, null, { soon: 'y' })
  await until(() => count('late') === 1 && count('came') === 1)
  log(
    'later',
    got.filter((one) => one.late ?? one.came).map((one) => [one.name, one.late ?? one.came]),
  )

  got.length = 0
  a.send(b.at, null, { ask: c.at })
  await until(() => count('told') === 1)
  log(
    'three stages',
    got.map((one) => [one.name, Object.keys(one).at(-1)]),
  )
  log(
    'the last is from',
    chord.equal_to(got[2].from.id, got[1].id),
    'and the second from the first',
    chord.equal_to(got[1].from.id, got[2].id),
  )

  got.length = 0
  a.send(b.at, null, { plain: 1 }, c.at)
  await until(() => count('plain') === 1)
  log('from is reply_to', got[0].from.port === c.at.port, got[0].from.id === undefined)

  got.length = 0
  a.send(b.at, chord.hash('somewhere'), { via: 1 })
  a.send(null, chord.hash('somewhere'), { via: 2 })
  await until(() => count('via') === 2)
  log(
    'by way of another',
    chord.equal_to(got[0].id, got[1].id),
    got.every(({ from }) => chord.equal_to(from.id, got[0].from.id)),
  )

  got.length = 0
  a.send(null, null, { self: 1 })
  a.send(undefined, 0, { self: 2 })
  await until(() => count('self') === 2)
  log(
    'to nobody else',
    got.map(({ name, self, from }) => [
      name,
      self,
      from.address === undefined,
      JSON.stringify(from) === JSON.stringify({ id: from.id }),
    ]),
  )
  log(
    'id is that of the receiver',
    got.every(({ id, from }) => chord.equal_to(id, from.id)),
    'and the same array',
    got[0].id === got[1].id,
  )
  log(a.send(null, null, { nothing: 1 }))
  await sleep(20)
}
