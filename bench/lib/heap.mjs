/**
 * How much JavaScript memory a stretch of work takes, collected or not, and who took it. Two ways that check each other:
 * V8's sampling heap profile, which knows the functions, and the growth of the heap while nothing is collected.
 */
import { Session } from 'node:inspector'
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** One sample for so many bytes, on average. */
const SAMPLING_BYTES = 4096
const SITES_MAX = 6

let session
let usedBefore = 0
let collections = 0

/** Begins after a collection, so that none is due soon; `--expose-gc` and a large young generation see to it. */
export function beginHeap() {
  session = new Session()
  session.connect()
  new PerformanceObserver((list) => {
    collections += list.getEntries().length
  }).observe({ entryTypes: ['gc'] })
  globalThis.gc()
  collections = 0
  session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLING_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  usedBefore = getHeapStatistics().used_heap_size
}

/** `grownBytes` is absent if something was collected meanwhile. */
export async function endHeap() {
  const grownBytes = getHeapStatistics().used_heap_size - usedBefore
  let sites = new Map()
  session.post('HeapProfiler.stopSampling', (error, result) => {
    if (error) throw new Error(error.message)
    sites = sitesOf(result.profile.head)
  })
  session.disconnect()
  // Collections are told of a moment later.
  await new Promise((resolve) => setImmediate(resolve))
  const sorted = [...sites].map(([site, bytes]) => ({ site, bytes })).sort((a, b) => b.bytes - a.bytes)
  const sampledBytes = sorted.reduce((sum, { bytes }) => sum + bytes, 0)
  return { sampledBytes, sites: sorted.slice(0, SITES_MAX), ...(collections === 0 ? { grownBytes } : {}) }
}

function sitesOf(head) {
  const sites = new Map()
  const add = ({ callFrame, selfSize, children }) => {
    const { functionName, url, lineNumber } = callFrame
    const file = url.split('/').at(-1)
    const name = file === '' ? functionName : `${functionName || 'anonymous'} ${file}:${lineNumber + 1}`
    if (selfSize > 0) sites.set(name, (sites.get(name) ?? 0) + selfSize)
    for (const child of children) add(child)
  }
  add(head)
  return sites
}
