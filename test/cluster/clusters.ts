/** Clusters for tests: of the built package, because threads cannot load TypeScript. All are closed after each test. */
import { afterEach } from 'vitest'
import type { Cluster, ClusterEvents, ClusterOptions, MessageType } from '../../src/index.ts'
import { loadNative } from '../../src/native/load.ts'

export type Package = typeof import('../../src/index.ts')

const DIST = new URL('../../dist/index.js', import.meta.url).href
export const dist = (await import(DIST)) as Package
export const transports = loadNative().ok ? (['native', 'tcp'] as const) : (['tcp'] as const)

export const APP = module('app.mjs')
export const WHO: MessageType<null, Who> = { name: 'who', request: dist.json(), reply: dist.json() }
export const DIE: MessageType<'throw' | 'exit' | 'memory' | 'hang' | 'leave', null> = {
  name: 'die',
  request: dist.json(),
  reply: dist.json(),
}

export interface Who {
  worker: number
  workers: number
  restarts: number
  address: string
  data?: unknown
}

const PATIENT = { timeoutMs: 60_000 }
const made: Cluster[] = []
afterEach(async () => {
  await Promise.all(made.splice(0).map((cluster) => cluster.close()))
})

export function module(name: string): URL {
  return new URL(`./modules/${name}`, import.meta.url)
}

export function newCluster(o: ClusterOptions): Cluster {
  const cluster = dist.createCluster(o)
  made.push(cluster)
  return cluster
}

export function started(o: ClusterOptions): Promise<Cluster> {
  return newCluster({ module: APP, ...o }).start(PATIENT)
}

/** The next one that is `wanted`, from now on. */
export function next<E extends keyof ClusterEvents>(
  cluster: Cluster,
  event: E,
  wanted: (e: ClusterEvents[E], worker: number) => boolean = () => true,
): Promise<ClusterEvents[E]> {
  return new Promise((resolve) => {
    const heard = (e: ClusterEvents[E], worker: number) => {
      if (!wanted(e, worker)) return
      cluster.off(event, heard)
      resolve(e)
    }
    cluster.on(event, heard)
  })
}
