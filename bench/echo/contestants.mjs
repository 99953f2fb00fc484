/**
 * Who answers the echo. Each is one process with one thread that prints `{"port": …}` when it listens.
 * `frame` servers exchange our 32-byte header and the body each way. C and the pipe do not look at them.
 */
import { fileURLToPath } from 'node:url'
import { compile } from '../lib/compile.mjs'

const script = (name) => [process.execPath, fileURLToPath(new URL(`./${name}-server.mjs`, import.meta.url))]

export const OURS = 'chordite native'

export const contestants = [
  { name: OURS, protocol: 'frame', hello: true, command: () => [...script('transport'), 'native'] },
  { name: 'chordite tcp', protocol: 'frame', hello: true, command: () => [...script('transport'), 'tcp'] },
  { name: 'C epoll', protocol: 'frame', hello: false, command: () => [compile('echo')] },
  { name: 'node:net best case', protocol: 'frame', hello: false, command: () => script('net') },
  { name: 'node:net pipe', protocol: 'frame', hello: false, command: () => script('net-pipe') },
  { name: 'uWebSockets.js', protocol: 'websocket', hello: false, command: () => script('uws') },
]

/** Connections × requests outstanding on each. */
export const patterns = [
  { name: '1×1', connections: 1, outstanding: 1 },
  { name: '1×128', connections: 1, outstanding: 128 },
  { name: '16×64', connections: 16, outstanding: 64 },
  { name: '64×1', connections: 64, outstanding: 1 },
  { name: '256×4', connections: 256, outstanding: 4 },
]

export const bodies = [64, 1024]
