/** `close` is no end: it lets the process end. Until then messages come and go, so this one has to end by itself. */
export default async function closing({ chord, log, ring, until }) {
  const got = []
  const [a, b] = await ring([2, 1], (name) => (_from, _id, message, reply) => {
    got.push([name, message])
    if (message.ask !== undefined) reply({ answer: message.ask })
  })
  const client = chord.Client((_from, _id, message) => got.push(['client', message]))
  client(a.at, null, { ask: 1 })
  log(client.close(), a.send.close(), b.send.close(), b.send.close())
  await until(() => got.length === 2)
  a.send(b.at, null, { ask: 2 })
  client(b.at, null, { ask: 3 })
  await until(() => got.length === 6)
  log(got.map((one) => JSON.stringify(one)).sort())
}
