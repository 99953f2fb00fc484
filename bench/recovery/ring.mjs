/** Real processes that form a ring, and what a ring of them should look like. */
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'

const MEMBER = fileURLToPath(new URL('./member.mjs', import.meta.url))
const POLL_MS = 20

/** A process that has loaded the library and waits for `ask('start', options)`. */
export async function spawnMember() {
  const child = fork(MEMBER, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const waiting = new Map()
  const { promise: loaded, resolve } = withResolvers()
  waiting.set(0, { resolve })
  let next = 1
  child.on('message', ({ number, value, error }) => {
    const { resolve, reject } = waiting.get(number)
    waiting.delete(number)
    if (error === undefined) resolve(value)
    else reject(new Error(error))
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject?.(new Error('the process ended'))
  })
  child.on('error', () => {})
  const member = {
    ask(action, argument) {
      const { promise, resolve, reject } = withResolvers()
      waiting.set(next, { resolve, reject })
      child.send({ number: next++, action, argument })
      return promise
    },
    kill: () => child.kill('SIGKILL'),
    async start(options) {
      Object.assign(member, await member.ask('start', options))
      return member
    },
  }
  await loaded
  return member
}

/** `count` processes, loaded one after the other: two cores load sixteen no faster together. */
export async function spawnMembers(count) {
  const members = []
  for (let i = 0; i < count; i++) members.push(await spawnMember())
  return members
}

/** Starts all: the first creates the ring, the others join through it, all at once. */
export async function startRing(members, options) {
  const [contact, ...others] = members
  await contact.start(options)
  await Promise.all(others.map((member) => member.start({ ...options, join: [contact.address] })))
}

/** Waits until every virtual node follows and is followed by the right one, and owns what lies between. */
export async function untilCorrect(members, timeoutMs) {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const states = (await Promise.all(members.map((member) => member.ask('members')))).flat()
    const wrong = wrongStates(states)
    if (wrong.length === 0) return states
    if (performance.now() > deadline) {
      throw new Error(`no correct ring in ${timeoutMs} ms: ${wrong.length} of ${states.length} nodes are wrong`)
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function wrongStates(states) {
  const ring = [...states].sort((a, b) => (a.id < b.id ? -1 : 1))
  return ring.filter((state, i) => {
    const before = ring[(i + ring.length - 1) % ring.length].id
    const after = ring[(i + 1) % ring.length].id
    return state.predecessor !== before || state.successor !== after || state.after !== before
  })
}

/** Who owns a key among these ascending ids, by the definition: the first at or after it, round the ring. */
function ownerOf(key, ids) {
  const point = createHash('sha1').update(key).digest('hex')
  return ids.find((id) => id >= point) ?? ids[0]
}

/**
 * Looks the keys up, shared out over the members. Counts the answers that are not the right owner, by what they are:
 * an error's code, another live member, or one that is none.
 */
export async function wrongLookups(members, keys, timeoutMs) {
  const ids = members.flatMap((member) => member.ids).sort()
  const shares = members.map((_, m) => keys.filter((_, k) => k % members.length === m))
  const answers = await Promise.all(members.map((member, m) => member.ask('lookup', { keys: shares[m], timeoutMs })))
  const wrong = { total: 0, kinds: {} }
  for (const [m, share] of shares.entries()) {
    for (const [k, key] of share.entries()) {
      const answer = answers[m][k]
      if (answer === ownerOf(key, ids)) continue
      const kind = answer.startsWith('ERR_') ? answer : ids.includes(answer) ? 'another member' : 'no member'
      wrong.total++
      wrong.kinds[kind] = (wrong.kinds[kind] ?? 0) + 1
    }
  }
  return wrong
}

function withResolvers() {
  let resolve
  let reject
  const promise = new Promise((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
