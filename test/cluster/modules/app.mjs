/** What the workers of the tests do: say who they are, and die in every way that is asked of them. */
import { json } from '../../../dist/index.js'

export const WHO = { name: 'who', request: json(), reply: json() }
export const DIE = { name: 'die', request: json(), reply: json() }

const WAYS = {
  throw: () => {
    setImmediate(() => {
      throw Object.assign(new Error('as asked'), { code: 'E_ASKED' })
    })
  },
  exit: () => setImmediate(() => process.exit(3)),
  memory: () => {
    const held = []
    for (;;) held.push(new Array(1e5).fill(held.length))
  },
  /** Never reads a message again. */
  hang: () => {
    setImmediate(() => {
      for (;;);
    })
  },
}

export function setup(node, { worker, workers, restarts, data }) {
  node.handle(WHO, ({ member }) => ({ worker, workers, restarts, data, address: member.address }))
  node.handle(DIE, ({ body }) => {
    if (body === 'leave') void node.leave()
    else WAYS[body]()
  })
  return () => {
    if (data?.cleaned) Atomics.add(data.cleaned, worker, 1)
  }
}
