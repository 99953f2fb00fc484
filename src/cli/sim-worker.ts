/** A thread of `chordite sim --jobs`: plays the seeds that it is sent, until it is sent none. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Played } from './sim-campaign.ts'
import { playSeed, type SeedOptions } from './sim-play.ts'

parentPort?.on('message', async (seed: number | undefined) => {
  if (seed === undefined) return parentPort?.close()
  const startedMs = performance.now()
  const outcome = await playSeed(seed, workerData as SeedOptions)
  const played: Played = { outcome, ms: performance.now() - startedMs }
  parentPort?.postMessage(played)
})
