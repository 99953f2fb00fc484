/**
 * The echo server of bench/echo, with the addon that CHORDITE_ADDON names. `watch` on its standard input starts a timer of 2 ms, `tell`
 * stops it, answered by how late it was at most: what keeps the loop busy keeps timers waiting.
 */
import { createInterface } from 'node:readline'
import { startEcho } from '../../echo/echo.mjs'

const TIMER_MS = 2
const { port } = await startEcho('native')
console.log(JSON.stringify({ port }))

let latest = 0
let timer

function arm() {
  const due = performance.now() + TIMER_MS
  timer = setTimeout(() => {
    latest = Math.max(latest, performance.now() - due)
    arm()
  }, TIMER_MS)
}

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'watch') {
    latest = 0
    arm()
  } else {
    clearTimeout(timer)
    console.log(JSON.stringify({ timerLateMs: latest }))
  }
})
