/** Rings of nodes with an endpoint each, all in this process or each in one of its own, and who owns what by their ids alone. */
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createNode, raw } from '../../dist/index.js'

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url))
const SETTLED_WITHIN_MS = 60_000

/** Comes back as it was sent. */
export const ECHO = { name: 'bench.echo', request: raw, reply: raw }

export async function startNode(options) {
  const node = createNode(options)
  node.handle(ECHO, ({ body }) => body)
  await node.start({ timeoutMs: SETTLED_WITHIN_MS })
  return node
}

/** `count` nodes. Each has `ids()`, `cpuMs()` and `stop()`. */
export async function startRing({ count, processes, transport }) {
  const start = processes ? startChild : startHere
  const first = await start({ transport })
  const others = []
  // A few at a time: that many processes starting at once would wait for each other.
  for (let at = 1; at < count; at += 8) {
    const some = Array.from({ length: Math.min(8, count - at) }, () => start({ transport, join: [first.address] }))
    others.push(...(await Promise.all(some)))
  }
  return [first, ...others]
}

async function startHere(options) {
  const node = await startNode(options)
  return {
    address: node.address,
    members: async () => node.members.map(plain),
    cpuMs: async () => 0,
    stop: () => node.close(),
  }
}

async function startChild(options) {
  const child = fork(CHILD, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ask = (question, more) =>
    new Promise((resolve, reject) => {
      child.once('message', resolve)
      child.once('exit', () => reject(new Error('a node of the ring has ended')))
      child.send({ question, ...more })
    })
  const { address } = await ask('start', { options })
  return {
    address,
    members: async () => (await ask('members')).members,
    cpuMs: async () => (await ask('cpu')).cpuMs,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.disconnect()
      await ended
    },
  }
}

/** As it travels between processes. */
export function plain({ id, address, predecessor, range }) {
  return {
    id: String(id),
    address,
    predecessor: predecessor && String(predecessor.id),
    after: range && String(range.after),
  }
}

/** Resolves when each follows and is followed by the right one and owns what lies between; gives the sorted members. */
export async function settled(nodes) {
  const endMs = Date.now() + SETTLED_WITHIN_MS
  for (;;) {
    const members = (await Promise.all(nodes.map((node) => node.members()))).flat()
    members.sort((a, b) => (a.id < b.id ? -1 : 1))
    const isRight = ({ after }, i) => after === members.at(i - 1).id
    if (members.every(isRight)) return members
    if (Date.now() > endMs) throw new Error(`the ring has not settled within ${SETTLED_WITHIN_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The address of each key's owner, by nothing but SHA-1 and the order of ids: what every answer is checked against. */
export function oracle(members, keys) {
  return keys.map((key) => {
    const id = createHash('sha1').update(key).digest('hex')
    let low = 0
    let high = members.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (members[middle].id < id) low = middle + 1
      else high = middle
    }
    return members[low % members.length].address
  })
}
