/** Echoes with as few descriptors as the shell around it allows. Says its wake-ups when asked. Ends with standard input. */
import { startEcho } from './common.mjs'

const { transport, port } = await startEcho()
console.log(JSON.stringify({ port }))
process.stdin.on('data', () => console.log(transport.counters().wakeups)).on('end', () => process.exit(0))
