/**
 * `chordhelper@1.0.0`, and our own module with its API: a message to the owner of a key and its reply, in JSON. There is no look-up
 * and no deadline: a datagram that is lost is a request without a reply, which counts as failed after DEADLINE_MS. The
 * timers of the original run faster while its ring forms and its 127 fingers fill, which takes them 76 s, then as they are.
 */
import dgram from 'node:dgram'
import { createRequire } from 'node:module'
import { wordAt } from '../lib/bytes.mjs'
import { passed } from '../lib/rounds.mjs'
import { timersOf } from './timers.mjs'

const HOST = '127.0.0.1'
const DEADLINE_MS = 2_000
const RECEIVE_BYTES = 4 << 20
const SWEEP_MS = 100
const POLL_MS = 20
const IS_OURS = process.argv[2] === 'compat'
const createSocket = dgram.createSocket

if (!IS_OURS) widenReceiveBuffers()
const timers = timersOf(globalThis)
const { Chord, hash } = IS_OURS
  ? await import('../../../dist/compat/chord/index.js')
  : createRequire(import.meta.url)('../chordhelper/load.cjs')

export const pointOf = (key) => hexOf(hash(key))
export { successorOf as ownerOf } from './owners.mjs'

/** Until every finger has had its turn. */
export const fingersMs = IS_OURS ? 0 : 127 * 600
export const hasten = (times) => timers.hasten(times)

export async function startNode({ contact }) {
  const waiting = new Map()
  const onMessage = (_, id, message, reply) => {
    if (message.ask !== undefined) reply({ answer: message.ask, text: message.text, point: hexOf(id) })
    else if (message.answer !== undefined) waiting.get(message.answer)?.answered(message)
    else self.point = hexOf(id)
  }
  // What dgram's bind takes: a port alone would listen on every address of the machine.
  const listen = { address: HOST, port: IS_OURS ? 0 : await freePort() }
  const chord = IS_OURS ? await joined(start(listen, contact, onMessage)) : start(listen, contact, onMessage)
  setInterval(() => giveUp(waiting), SWEEP_MS).unref()
  const port = IS_OURS ? Number(chord.node.address.split(':').at(-1)) : listen.port
  const self = { contact: { address: HOST, port }, point: undefined, request: requestBy(chord, waiting) }
  while (self.point === undefined) {
    chord(null, undefined, { who: true })
    await passed(POLL_MS)
  }
  return self
}

function start(listen, contact, onMessage) {
  if (!IS_OURS) timers.take()
  const chord = contact === undefined ? Chord(listen, 1, onMessage) : Chord(listen, 1, contact, onMessage)
  timers.release()
  return chord
}

async function joined(chord) {
  while (chord.node.state !== 'member') await passed(POLL_MS)
  return chord
}

function requestBy(chord, waiting) {
  let numbers = 0
  return (key, { body }, done) => {
    const ask = ++numbers
    const text = textOf(body)
    const answered = (message) => {
      waiting.delete(ask)
      if (message.text === text) done(undefined, Number.parseInt(message.point.slice(0, 8), 16))
      else done(new Error('a reply is not what was sent'))
    }
    waiting.set(ask, { answered, done, endsMs: performance.now() + DEADLINE_MS })
    key.words ??= hash(key.key)
    chord(null, key.words, { ask, text })
  }
}

/** Maps keep the order of insertion: the oldest come first. */
function giveUp(waiting) {
  const nowMs = performance.now()
  for (const [ask, { done, endsMs }] of waiting) {
    if (endsMs > nowMs) return
    waiting.delete(ask)
    done(new Error(`no reply in ${DEADLINE_MS / 1000} s`))
  }
}

/** As many characters as bytes. */
function textOf(body) {
  return String(wordAt(body, 0)).padStart(10, '0').padEnd(body.length, 'x')
}

function hexOf(words) {
  return words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

/** With 1,024 requests under way the usual receive buffer loses some. */
function widenReceiveBuffers() {
  dgram.createSocket = (...args) => {
    const socket = createSocket(...args)
    return socket.once('listening', () => socket.setRecvBufferSize(RECEIVE_BYTES))
  }
}

function freePort() {
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    socket.bind(0, HOST, () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}
