/** Starts and stops who answers; loads it. */
import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { helloHex } from '../../echo/hello.mjs'
import { compile } from '../../lib/compile.mjs'
import { compileProgram } from './program.mjs'

const ADDON_SERVER = fileURLToPath(new URL('./addon-server.mjs', import.meta.url))
/** Beyond its time a load is taken to hang. */
const HANGS_MS = 10_000

/** Builds what it needs first. Rejects with what it said when it does not come up. */
export async function startServer(contestant) {
  const [command, ...args] = contestant.addon ? [process.execPath, ADDON_SERVER] : contestant.command()
  const env = contestant.addon && { ...contestant.env, CHORDITE_ADDON: contestant.addon() }
  const loadProgram = contestant.load ? compileProgram(contestant.load) : compile('load')
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const stop = () => child.kill('SIGKILL')
  process.once('exit', stop)
  let errors = ''
  child.stderr.on('data', (text) => {
    errors += text
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const told = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`ended: ${errors.trim().split('\n')[0]}`)
    return JSON.parse(value)
  }
  const { port } = await told()
  return { ...contestant, loadProgram, port, child, told, stop }
}

/** One round: what it cost the server, and how fast it was. */
export async function loadServer(server, { connections, outstanding }, plan) {
  const args = [server.port, server.child.pid, server.protocol ?? 'frame', plan.bodyBytes, connections, outstanding]
  args.push(plan.warmupMs, plan.windowMs, ...(server.addon ? [helloHex()] : []))
  if (server.addon) server.child.stdin.write('watch\n')
  const timeout = plan.warmupMs + plan.windowMs + HANGS_MS
  const { stdout } = await promisify(execFile)(server.loadProgram, args.map(String), { timeout })
  const { requests, wallMs, serverCpuMs, loadCpuMs, totalCpuMs, p50Us, p99Us, resent = 0 } = JSON.parse(stdout)
  if (requests === 0) throw new Error('no reply in the window')
  if (server.addon) server.child.stdin.write('tell\n')
  const { timerLateMs = 0 } = server.addon ? await server.told() : {}
  return {
    cpuUs: (serverCpuMs * 1000) / requests,
    requestsPerSecond: (requests * 1000) / wallMs,
    ...{ p50Us, p99Us, timerLateMs, resent, totalCpuMs },
    serverCores: serverCpuMs / wallMs,
    loadCores: loadCpuMs / wallMs,
  }
}
