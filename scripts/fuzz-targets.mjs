/** What is fuzzed: C++ targets in native/fuzz/, TypeScript targets in test/fuzz/, each with its corpus beside it. */
import { readdirSync } from 'node:fs'

const native = new URL('../native/', import.meta.url)
const sourcesLike = (pattern) => readdirSync(native).filter((file) => pattern.test(file))

/** What the endpoint asks of the kernel goes to native/fuzz/kernel.cc. */
const SYSTEM_CALLS = [
  ...['socket', 'connect', 'bind', 'listen', 'accept4', 'recv', 'send', 'sendmsg', 'shutdown', 'close'],
  ...['getsockname', 'getsockopt', 'setsockopt', 'epoll_create1', 'epoll_ctl', 'epoll_wait'],
]

/**
 * `sources` are instrumented for coverage, `helpers` only for the sanitizers: which way a model goes is of no interest.
 * `bytes` is the longest input.
 */
export const NATIVE_TARGETS = [
  { name: 'framing', bytes: 512, sources: ['fuzz/framing_fuzz.cc'], vectors: ['frames.json', 'hello.json'] },
  {
    name: 'finger_table',
    bytes: 384,
    sources: sourcesLike(/^closest_.*\.cc$/),
    helpers: ['fuzz/finger_table_fuzz.cc'],
  },
  { name: 'sha1', bytes: 256, sources: sourcesLike(/^sha1_.*\.cc$/), helpers: ['fuzz/sha1_fuzz.cc'] },
  {
    name: 'endpoint',
    bytes: 128,
    sources: [...sourcesLike(/^endpoint.*\.cc$/), 'connection.cc', 'poller_epoll.cc'],
    helpers: ['fuzz/endpoint_fuzz.cc', 'fuzz/endpoint_model.cc', 'fuzz/kernel.cc'],
    link: SYSTEM_CALLS.map((name) => `-Wl,--wrap=${name}`),
  },
  {
    name: 'forward',
    bytes: 192,
    sources: [...sourcesLike(/^endpoint.*\.cc$/), 'connection.cc', 'poller_epoll.cc'],
    helpers: ['fuzz/forward_fuzz.cc', 'fuzz/kernel.cc'],
    link: SYSTEM_CALLS.map((name) => `-Wl,--wrap=${name}`),
  },
]

/** `prefix`: what comes before a frame of the test vectors to make it an input. `inputs`: what is not found by chance. */
export const SCRIPT_TARGETS = [
  { name: 'hello', bytes: 512, vectors: ['hello.json'], prefix: [2] },
  { name: 'frames', bytes: 512, vectors: ['frames.json', 'hello.json'], prefix: [1, 40, 100] },
  { name: 'fragments', bytes: 256 },
  { name: 'messages', bytes: 4_096, inputs: [manyPeers(256), manyPeers(257)] },
  { name: 'recording', bytes: 4_096 },
  { name: 'routing_table', bytes: 256 },
  { name: 'streams', bytes: 256 },
]

/** The message `left` with so many peers of one address: 256 are allowed. */
function manyPeers(count) {
  const first = Buffer.from('\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x0a10.0.0.1:1', 'latin1')
  const other = Buffer.concat([first.subarray(0, 10), Buffer.from([0, 0])])
  return Buffer.concat([Buffer.from([26, count & 255, count >> 8]), first, ...Array(count - 1).fill(other)])
}
