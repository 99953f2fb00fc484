/** What the programs beside this file are given: a chord library, whichever of the two, free ports, and a transcript to write. */
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const KEYS = 48
const PATIENCE_MS = 60_000

/** Runs one program and returns what it wrote: facts that hold for the original and for ours. */
export async function transcriptOf(program, library) {
  const lines = []
  const opened = []
  /** Whatever the program opens is remembered, to be put away. */
  const chord = {
    ...library,
    Chord: (...given) => kept(opened, library.Chord(...given)),
    Client: (...given) => kept(opened, library.Client(...given)),
  }
  const log = (...said) =>
    lines.push(said.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(' '))
  await program({ chord, log, port, sleep, until, ring: (shape, listener) => ring(chord, shape, listener) })
  // The original has no `leave`; a process of its own is ended instead.
  await Promise.all(opened.map((send) => send.leave?.()))
  return lines
}

function kept(opened, send) {
  opened.push(send)
  return send
}

/** One that nobody uses now, and that no connection will be given by chance. */
export async function port() {
  for (;;) {
    const chosen = 10_000 + Math.floor(20_000 * Math.random())
    if (await isFree(chosen)) return chosen
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().on('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}

export async function until(condition) {
  const endMs = performance.now() + PATIENCE_MS
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not true in time: ${condition}`)
    await sleep(5)
  }
}

/**
 * Members in one ring, each with as many virtual nodes as `shape` says, once all of them agree on who owns what.
 * `listener(name)` makes the `on_message` of a member.
 */
async function ring(chord, shape, listener) {
  const members = []
  const ports = await Promise.all(shape.map(port))
  for (const [index, virtualNodes] of shape.entries()) {
    const member = { name: `node ${index}`, at: { address: '127.0.0.1', port: ports[index] }, owners: new Map() }
    const onMessage = listener(member.name)
    const probed = (from, id, message, reply) => {
      if (message?.probe !== undefined) reply({ probed: message.probe, by: id })
      else if (message?.probed !== undefined) member.owners.set(message.probed, String(message.by))
      else onMessage(from, id, message, reply)
    }
    member.send = chord.Chord(ports[index], virtualNodes, ...(index > 0 ? [members[0].at, probed] : [probed]))
    members.push(member)
  }
  const endMs = performance.now() + PATIENCE_MS
  while (!(await agree(chord, members))) if (performance.now() > endMs) throw new Error('they do not become a ring')
  return members
}

async function agree(chord, members) {
  for (const member of members) {
    member.owners.clear()
    for (let i = 0; i < KEYS; i++) member.send(null, chord.hash(`probe ${i}`), { probe: i })
  }
  const endMs = performance.now() + 1_000
  const isDone = () => members.every(({ owners }) => owners.size === KEYS)
  while (!isDone() && performance.now() < endMs) await sleep(5)
  const told = members.map(({ owners }) => [...owners].sort(([a], [b]) => a - b).join('|'))
  if (isDone() && told.every((one) => one === told[0])) return true
  await sleep(100)
  return false
}
