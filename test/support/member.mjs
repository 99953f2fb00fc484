/** One process of a ring, told over IPC what to do. Answers carry the question's number. */
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { connect, createNode, Id, json, raw } from '../../dist/index.js'

/** What the members of a test ring say to each other. */
const types = {
  /** Comes back as it was sent. */
  echo: { name: 'test.echo', request: raw, reply: raw },
  /** Answers with what the handler saw of the message. */
  who: { name: 'test.who', request: json(), reply: json() },
  /** Is kept, to be asked for by `noted`. */
  note: { name: 'test.note', request: json(), reply: json() },
  /** Is written to the file that `start` named, before it is answered: a killed process still shows what it served. */
  serve: { name: 'test.serve', request: json(), reply: json() },
  /** The handler throws. */
  fail: { name: 'test.fail', request: json(), reply: json() },
  /** Is never answered; the handler counts the messages whose signal has not aborted. */
  wait: { name: 'test.wait', request: json(), reply: json() },
  /** Goes to `handleBatch`, which answers with the bytes reversed. */
  batch: { name: 'test.batch', request: raw, reply: raw },
  /** Nobody handles it. */
  unknown: { name: 'test.unknown', request: raw, reply: raw },
}

const EVENTS = [
  'range',
  'predecessor',
  'successor',
  'peer:up',
  'peer:down',
  'ring:split',
  'ring:merged',
  'state',
  'warning',
]
const AT_ONCE = 64

let node
let caller
let events = []
let noted = []
let batches = []
let waiting = 0

const actions = {
  /** Creates a node and starts it; one that ran before must have been closed. */
  async start({ options, timeoutMs = 60_000, serveLog }) {
    events = []
    noted = []
    batches = []
    node = caller = createNode(options)
    listen()
    handle(serveLog)
    await node.start({ timeoutMs })
    return { address: node.address, transport: node.transport, ids: node.members.map((member) => String(member.id)) }
  },

  /** Becomes a client instead. */
  async connect(options) {
    caller = await connect(options)
  },

  leave: (options) => node.leave(options),
  close: () => caller.close(),
  state: () => node.state,
  members: () => node.members.map(plainMember),
  /** The little of `members` by which an ideal ring is told. */
  neighbors: () =>
    node.members.map(({ id, predecessor, successors, range }) => ({
      id: String(id),
      predecessor: predecessor && String(predecessor.id),
      successor: successors[0] && String(successors[0].id),
      after: range && String(range.after),
    })),
  owns: (key) => node.owns(key) && String(node.owns(key).id),
  metrics: () => node.metrics(),
  /** What happened from number `from` on. */
  events: (from = 0) => events.slice(from),
  noted: () => noted,
  /** Lengths of the batches that `handleBatch` was called with. */
  batches: () => batches,
  /** Handlers of `wait` whose signal has not aborted yet. */
  waiting: () => waiting,
  rss: () => {
    globalThis.gc?.()
    return process.memoryUsage.rss()
  },

  /** User and system time of this process. */
  cpuMs() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },

  /** The owner's id for each key, or the error's code. */
  async owners({ keys, timeoutMs }) {
    const results = await caller.lookupMany(keys, { timeoutMs })
    return results.map((result) => (result.ok ? String(result.value.owner.id) : result.error.code))
  },

  /** As `owners`, one look-up for each key, with all that it tells. */
  lookups: ({ keys, options }) =>
    mapSome(keys, async (key) => {
      const { owner, range, epoch, hops } = await caller.lookup(key, options)
      return { owner: plainPeer(owner), range: plainRange(range), epoch, hops }
    }),

  call: (what) => outcome(() => call(what)),

  /** Many calls, some at a time; the outcome of each in order. */
  calls: (whats) => mapSome(whats, (what) => outcome(() => call(what))),

  /** A child process of this one that outlives it; its id. */
  spawnChild: () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'], { stdio: 'ignore', detached: true })
    child.unref()
    return child.pid
  },
}

function call({ how, to, type, body, options }) {
  const target = typeof to === 'object' ? { ...to, id: Id.parse(to.id) } : to
  return caller[how](target, types[type], body, options)
}

async function outcome(attempt) {
  try {
    return { ok: true, value: await attempt() }
  } catch (error) {
    if (error.code === undefined) throw error
    return { ok: false, code: error.code, message: error.message }
  }
}

async function mapSome(list, fn) {
  const results = new Array(list.length)
  let next = 0
  const worker = async () => {
    while (next < list.length) {
      const at = next++
      results[at] = await fn(list[at])
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, list.length) }, worker))
  return results
}

function listen() {
  for (const name of EVENTS) node.on(name, (event) => events.push({ name, ...plainEvent(event) }))
}

function handle(serveLog) {
  node.handle(types.echo, ({ body }) => body)
  node.handle(types.who, (message) => seen(message))
  node.handle(types.note, (message) => void noted.push(seen(message)))
  node.handle(types.serve, ({ body }) => {
    if (serveLog !== undefined) appendFileSync(serveLog, `${body}\n`)
    return process.pid
  })
  node.handle(types.fail, () => {
    throw new Error('as asked for')
  })
  node.handle(types.wait, ({ signal }) => {
    waiting++
    signal.addEventListener('abort', () => waiting--)
    return new Promise(() => {})
  })
  node.handleBatch(types.batch.name, (batch) => {
    batches.push(batch.length)
    for (let i = 0; i < batch.length; i++) {
      // Both ways to the bytes: where they lie, and as a view.
      const body = i % 2 === 0 ? batch.memory(i).subarray(batch.start(i), batch.end(i)) : batch.body(i)
      batch.reply(i, body.slice().reverse())
    }
  })
}

function seen({ body, key, from, member, oneWay }) {
  return {
    body,
    key: key && String(key),
    from: { id: String(from.id), address: from.address },
    member: String(member.id),
    oneWay,
    pid: process.pid,
  }
}

function plainEvent(event) {
  if (event instanceof Error) return { code: event.code, message: event.message }
  const plain = { ...event }
  if (event.id) plain.id = String(event.id)
  if (event.member) plain.member = plainMember(event.member)
  if (event.range) plain.range = plainRange(event.range)
  for (const name of ['from', 'to', 'previous', 'current', 'peer'])
    if (event[name]?.id) plain[name] = plainPeer(event[name])
  for (const name of ['gained', 'lost']) if (event[name]) plain[name] = event[name].map(plainRange)
  return plain
}

function plainMember(member) {
  return {
    ...plainPeer(member),
    predecessor: member.predecessor && plainPeer(member.predecessor),
    successors: member.successors.map(plainPeer),
    range: member.range && plainRange(member.range),
    epoch: member.epoch,
  }
}

function plainPeer({ id, address, incarnation }) {
  return { id: String(id), address, incarnation }
}

function plainRange({ after, upTo }) {
  return { after: String(after), upTo: String(upTo) }
}

process.on('message', async ({ number, action, argument }) => {
  try {
    process.send({ number, value: await actions[action](argument) })
  } catch (error) {
    process.send({ number, code: error.code, error: error.code ? error.message : error.stack })
  }
})
process.on('disconnect', () => process.exit())
process.send({ number: 0 })
