/** SIGINT, SIGTERM and SIGHUP as one counted wish to stop; also when a parent that watches over IPC is gone. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Calls `stop` with 1 for the first signal, 2 for the second, and so on. Returns what takes the listeners away. */
export function onStopSignals(stop: (times: number) => void): () => void {
  let times = 0
  const heard = () => stop(++times)
  for (const signal of SIGNALS) process.on(signal, heard)
  process.on('disconnect', heard)
  return () => {
    for (const signal of SIGNALS) process.off(signal, heard)
    process.off('disconnect', heard)
    if (process.connected) process.disconnect?.()
  }
}
