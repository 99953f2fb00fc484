/** Real processes that form a ring, and what a ring of them should look like. For tests and benchmarks. */
import { fork } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'

const MEMBER = fileURLToPath(new URL('./member.mjs', import.meta.url))
const POLL_MS = 20
/** `CHORDITE_TEST_RING=mixed`: every other process uses the portable transport. */
const MIXED = process.env.CHORDITE_TEST_RING === 'mixed'

/** Nobody else's: nodes remember addresses, and another test's node may have got the port of one that we killed. */
export const NETWORK = `test ${randomUUID()}`

let spawned = 0

/** A process that has loaded the library and waits for what to do. */
export async function spawnMember() {
  const env = MIXED && spawned++ % 2 === 1 ? { ...process.env, CHORDITE_TRANSPORT: 'tcp' } : process.env
  const child = fork(MEMBER, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    execArgv: ['--expose-gc'],
    env,
  })
  const waiting = new Map()
  let next = 1
  child.on('message', ({ number, value, code, error }) => {
    const { resolve, reject } = waiting.get(number)
    waiting.delete(number)
    if (error === undefined) resolve(value)
    else reject(Object.assign(new Error(error), { code }))
  })
  child.on('error', () => {})
  const exited = new Promise((resolve) => {
    child.on('exit', () => {
      for (const { reject } of waiting.values()) reject(new Error('the process ended'))
      waiting.clear()
      resolve()
    })
  })
  const answer = (number) => new Promise((resolve, reject) => waiting.set(number, { resolve, reject }))
  const member = {
    pid: child.pid,
    exited,
    ask(action, argument) {
      if (!child.connected) return Promise.reject(new Error('the process ended'))
      const answered = answer(next)
      child.send({ number: next++, action, argument })
      return answered
    },
    kill: () => child.kill('SIGKILL'),
    signal: (name) => child.kill(name),
    async start(options, more) {
      Object.assign(member, await member.ask('start', { options: { network: NETWORK, ...options }, ...more }))
      return member
    },
  }
  await answer(0)
  return member
}

/** `count` processes, loaded two at a time: two cores load sixteen no faster together. */
export async function spawnMembers(count) {
  const members = []
  while (members.length < count) {
    const more = Math.min(2, count - members.length)
    members.push(...(await Promise.all(Array.from({ length: more }, () => spawnMember()))))
  }
  return members
}

/** Starts all: the first creates the ring, the others join through it, all at once. */
export async function startRing(members, options, more) {
  const [contact, ...others] = members
  await contact.start(options, more)
  await Promise.all(others.map((member) => member.start({ ...options, join: [contact.address] }, more)))
}

/** Waits until every virtual node follows and is followed by the right one, and owns what lies between. */
export async function untilCorrect(members, timeoutMs) {
  const ask = async (action) => (await Promise.all(members.map((member) => member.ask(action)))).flat()
  const isRight = (states) => wrongStates(states).length === 0
  const states = await until(() => ask('neighbors'), isRight, timeoutMs)
  if (isRight(states)) return ask('members')
  const wrong = wrongStates(states)
  const first = JSON.stringify(wrong[0])
  throw new Error(
    `no correct ring in ${timeoutMs} ms: ${wrong.length} of ${states.length} nodes are wrong, as ${first}`,
  )
}

/** Measures again and again until it is good or time is up; the last measurement. */
export async function until(measure, good, timeoutMs) {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await measure()
    if (good(value) || performance.now() > deadline) return value
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** The virtual nodes whose neighbours or range are not those of an ideal ring. */
function wrongStates(states) {
  const ring = [...states].sort((a, b) => (a.id < b.id ? -1 : 1))
  return ring.filter((state, i) => {
    const before = ring[(i + ring.length - 1) % ring.length].id
    const after = ring[(i + 1) % ring.length].id
    const isAlone = ring.length === 1
    return state.after !== before || (!isAlone && (state.predecessor !== before || state.successor !== after))
  })
}

/** The point of a key on the ring. */
export function pointOf(key) {
  return createHash('sha1').update(key).digest('hex')
}

/** Who owns a key among these ascending ids, by the definition: the first at or after it, round the ring. */
export function ownerOf(key, ids) {
  const point = pointOf(key)
  return ids.find((id) => id >= point) ?? ids[0]
}

/**
 * Looks the keys up, shared out over the members. What the answers are that are not the right owner: an error's code,
 * another member, or one that is none (of these).
 */
export async function wrongAnswers(members, keys, timeoutMs) {
  const ids = members.flatMap((member) => member.ids).sort()
  const shares = members.map((_, m) => keys.filter((_, k) => k % members.length === m))
  const answers = await Promise.all(members.map((member, m) => member.ask('owners', { keys: shares[m], timeoutMs })))
  const wrong = answers.flatMap((given, m) => given.filter((answer, k) => answer !== ownerOf(shares[m][k], ids)))
  return wrong.map((answer) => {
    if (answer.startsWith('ERR_')) return answer
    return ids.includes(answer) ? 'another member' : 'no member'
  })
}

/** `count` keys that nobody else uses. */
export function someKeys(name, count) {
  return Array.from({ length: count }, (_, k) => `${name} key ${k}`)
}
