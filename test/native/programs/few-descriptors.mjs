/** Echoes with as few descriptors as the shell around it allows. Ends with standard input. */
import { startEcho } from './common.mjs'

const { port } = await startEcho()
console.log(JSON.stringify({ port }))
process.stdin.on('end', () => process.exit(0)).resume()
