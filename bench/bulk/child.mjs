/** One node of a ring in a process of its own; ends with its parent. */
import { plain, startNode } from './ring.mjs'

let node

const answers = {
  start: async ({ options }) => {
    node = await startNode(options)
    return { address: node.address }
  },
  members: async () => ({ members: node.members.map(plain) }),
  cpu: async () => {
    const { user, system } = process.cpuUsage()
    return { cpuMs: (user + system) / 1000 }
  },
}

process.on('message', async (message) => {
  process.send(await answers[message.question](message))
})
process.on('disconnect', async () => {
  await node?.close()
  process.exit(0)
})
