/**
 * Who answers the 64-byte echo. Each is one process with one thread that prints `{"port": …}` when it listens.
 * `frame` servers exchange 96 bytes each way: our 32-byte header and 64 bytes of body. C and the pipe do not look at them.
 */
import { fileURLToPath } from 'node:url'
import { compile } from '../lib/compile.mjs'

const script = (name) => [process.execPath, fileURLToPath(new URL(`./${name}-server.mjs`, import.meta.url))]

export const contestants = [
  { name: 'chordite native', protocol: 'frame', hello: true, command: () => [...script('transport'), 'native'] },
  { name: 'chordite tcp', protocol: 'frame', hello: true, command: () => [...script('transport'), 'tcp'] },
  { name: 'C epoll', protocol: 'frame', hello: false, command: () => [compile('echo')] },
  { name: 'node:net best case', protocol: 'frame', hello: false, command: () => script('net') },
  { name: 'node:net pipe', protocol: 'frame', hello: false, command: () => script('net-pipe') },
  { name: 'uWebSockets.js', protocol: 'websocket', hello: false, command: () => script('uws') },
]

export const patterns = [
  { name: '16×64', connections: 16, outstanding: 64 },
  { name: '64×1', connections: 64, outstanding: 1 },
  { name: '256×4', connections: 256, outstanding: 4 },
]

/** CPU per request of the first, divided by that of `against`, at most `limit`; without one it is for information. */
export const gates = [
  ...['16×64', '64×1', '256×4'].map((pattern) => ({ pattern, against: 'node:net best case', limit: 0.7 })),
  { pattern: '64×1', against: 'C epoll', limit: 1.15 },
  { pattern: '256×4', against: 'C epoll', limit: 1.15 },
  { pattern: '16×64', against: 'C epoll', limit: 2.5 },
  ...['16×64', '64×1', '256×4'].map((pattern) => ({ pattern, against: 'node:net pipe' })),
]
