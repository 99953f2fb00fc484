/** Servers, and crowds of connections to them (limit/crowd.c). */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startServers } from '../echo/servers.mjs'
import { compile } from '../lib/compile.mjs'
import { startWorker } from '../lib/worker.mjs'
import { helloFrame, requestFrame } from './frames.mjs'
import { BODY_BYTES, NAME, NETWORK } from './names.mjs'

export const OURS = 'chordite'
export const LIMIT = 'C epoll'

const SERVER = fileURLToPath(new URL('./server.mjs', import.meta.url))

export async function startNode() {
  const worker = await startWorker(SERVER, [], { execArgv: ['--expose-gc'] })
  const hello = helloFrame(NETWORK)
  const { port, transport } = worker.ready
  const memory = () => worker.ask('memory')
  const turns = () => worker.ask('turns')
  return { name: OURS, port, transport, pid: worker.process.pid, hello, memory, turns, kill: worker.kill }
}

/** Writes back what it reads, and wants no hello. */
export async function startLimit() {
  const [server] = (await startServers([{ name: LIMIT, command: () => [compile('echo')] }], () => {})).servers
  if (server === undefined) throw new Error('the C program cannot be started')
  const { port, process: child } = server
  return { name: LIMIT, port, pid: child.pid, hello: '-', kill: () => child.kill('SIGKILL') }
}

/** Resolves when all are connected. `run` lets them begin, and resolves to what it came to. */
export async function gather(server, { connections, active, outstanding = 1, rate = 0, warmupMs, windowMs }) {
  const args = [server.port, server.pid, server.hello, requestFrame(NAME, BODY_BYTES)]
  args.push(connections, active, outstanding, Math.round(rate), warmupMs, windowMs)
  const child = spawn(compile('crowd'), args.map(String), { stdio: ['pipe', 'pipe', 'pipe'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  let errors = ''
  child.stderr.on('data', (text) => {
    errors += text
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(errors.trim() || 'the crowd ended')
    return JSON.parse(value)
  }
  await line()
  const ended = new Promise((resolve) => child.once('exit', resolve))
  return {
    async run() {
      child.stdin.end('\n')
      const result = await line()
      await ended
      return figuresOf(result)
    },
    async leave() {
      child.stdin.end()
      await ended
    },
  }
}

export async function crowd(server, shape) {
  return (await gather(server, shape)).run()
}

function figuresOf({ requests, behind, wallMs, serverCpuMs, loadCpuMs, p50Us, p99Us }) {
  return {
    requestsPerSecond: (requests * 1000) / wallMs,
    cpuUs: (serverCpuMs * 1000) / requests,
    p50Us,
    p99Us,
    behind,
    serverCores: serverCpuMs / wallMs,
    loadCores: loadCpuMs / wallMs,
    totalCpuMs: serverCpuMs + loadCpuMs,
  }
}
