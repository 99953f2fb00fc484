/** Without `on_message` there is nobody to hear, and one that throws is an uncaught exception, but not the end. */
export default async function mute({ chord, log, port, ring, sleep, until }) {
  const got = []
  const [a] = await ring([1], () => (_from, _id, message) => {
    if (message.bad) throw new Error('of the listener')
    got.push(message)
  })
  const uncaught = []
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => uncaught.push(error.message))
  const quiet = await port()
  const q = chord.Chord(quiet, 1)
  const silent = chord.Client()
  q(null, null, { to: 'nobody' })
  silent(a.at, null, { from: 'silent' })
  a.send({ address: '127.0.0.1', port: quiet }, null, { to: 'nobody' })
  a.send(null, null, { bad: true })
  silent(a.at, null, { bad: true })
  await until(() => uncaught.length === 2)
  a.send(null, null, { good: true })
  await until(() => got.length === 2)
  await sleep(20)
  process.removeAllListeners('uncaughtException')
  for (const other of others) process.on('uncaughtException', other)
  log(got, uncaught)
}
