/** The server of a contestant in JavaScript: `server.mjs KIND HANDLER`. */
import { answerParent, cpuMs } from '../../lib/worker.mjs'

const [kind, handler] = process.argv.slice(2)
const { serve } = await import(`./${kind}.mjs`)
const known = await serve({ handler })
answerParent({ mark: () => ({ atMs: performance.now(), cpuMs: cpuMs() }) }, known)
