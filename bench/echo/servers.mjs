/** Starts the servers of the contestants, each once for all patterns. */
import { spawn } from 'node:child_process'
import { compile } from '../lib/compile.mjs'

/** Who could not be started is in `missing`, with the reason. */
export async function startServers(contestants, say) {
  const servers = []
  const missing = []
  try {
    compile('load')
  } catch (error) {
    return { servers, missing: [{ contestant: 'the echo', reason: error.message }] }
  }
  for (const contestant of contestants) {
    say(`echo: starting ${contestant.name}`)
    try {
      servers.push({ ...contestant, ...(await start(contestant.command())) })
    } catch (error) {
      missing.push({ contestant: contestant.name, reason: error.message.trim() })
    }
  }
  return { servers, missing }
}

function start([program, ...args]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  process.once('exit', () => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    let errors = ''
    child.stderr.on('data', (text) => {
      errors += text
    })
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`ended with ${code}: ${lineOfError(errors)}`)))
    child.stdout.once('data', (line) => resolve({ process: child, port: JSON.parse(line).port }))
  })
}

function lineOfError(text) {
  const lines = text.trim().split('\n')
  return lines.find((line) => /error/i.test(line)) ?? lines[0]
}
