/** Our transports, of the kind that the argument names. */
import { startEcho } from './echo.mjs'

const { port } = await startEcho(process.argv[2])
console.log(JSON.stringify({ port }))
