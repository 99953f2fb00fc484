/** A thread of `chordite sim --jobs`: plays the seeds that it is sent, until it is sent none. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Settings } from '../sim/plan.ts'
import { play } from '../sim/play.ts'
import { planOf } from '../sim/swarm.ts'
import type { Played } from './sim-campaign.ts'

parentPort?.on('message', (seed: number | undefined) => {
  if (seed === undefined) return parentPort?.close()
  const startedMs = performance.now()
  const outcome = play(planOf(seed, workerData as Settings))
  const played: Played = { outcome, ms: performance.now() - startedMs }
  parentPort?.postMessage(played)
})
