/** Processes that are asked by the one that started them, one question at a time. */
import { fork } from 'node:child_process'
import { beginHeap, endHeap } from './heap.mjs'

/** In the child: answers by `actions` and by those that all have, after saying that it is ready and with what. */
export function answerParent(actions, ready = {}) {
  const all = { used: cpuMs, ...heapActions(actions.mark), ...actions }
  process.on('message', async ({ action, argument }) => {
    try {
      process.send({ value: await all[action](argument) })
    } catch (error) {
      process.send({ error: String(error?.stack ?? error) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send({ value: ready })
}

/** Both answer with what `mark` counts, at the very ends of the window. */
function heapActions(mark) {
  return {
    beginHeap() {
      beginHeap()
      return mark()
    },
    async endHeap() {
      const counted = mark()
      return { ...(await endHeap()), counted }
    },
  }
}

/** User and system time of this process so far. */
export function cpuMs() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Of which in the kernel. */
export function systemMs() {
  return process.cpuUsage().system / 1000
}

/** In the parent: resolves when the child is ready. `ask` rejects when it ends instead of answering. */
export async function startWorker(script, args, { env = {}, execArgv = [], pipes = 0 } = {}) {
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc', ...Array(pipes).fill('pipe')]
  const child = fork(script, args, { stdio, execArgv, env: { ...process.env, ...env } })
  let waiting
  const answer = () =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
    })
  child.on('message', ({ value, error }) =>
    error === undefined ? waiting.resolve(value) : waiting.reject(new Error(error)),
  )
  child.on('error', (error) => waiting.reject(error))
  child.on('exit', (code) => waiting.reject(new Error(`${script} ended with ${code}`)))
  const ready = await answer()
  return {
    ready,
    process: child,
    ask(action, argument) {
      const answered = answer()
      child.send({ action, argument })
      return answered
    },
    kill: () => child.kill('SIGKILL'),
  }
}
