/** The server of the echo, which can be asked what it allocated meanwhile. */
import { counts, startEcho } from '../echo/echo.mjs'
import { answerParent } from '../lib/worker.mjs'

const { port } = await startEcho(process.argv[2])
answerParent({ mark: () => ({ count: counts.frames, batches: counts.batches }) }, { port })
