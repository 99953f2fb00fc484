/** One process of a ring, told over IPC what to do. Answers carry the question's number. */
import { createNode } from '../../dist/index.js'

let node

const actions = {
  async start(options) {
    node = createNode(options)
    await node.start({ timeoutMs: 60_000 })
    return { address: node.address, transport: node.transport, ids: node.members.map((member) => String(member.id)) }
  },

  members() {
    return node.members.map((member) => ({
      id: String(member.id),
      predecessor: member.predecessor && String(member.predecessor.id),
      successor: member.successors[0] && String(member.successors[0].id),
      after: member.range && String(member.range.after),
    }))
  },

  /** User and system time of this process. */
  cpuMs() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },

  /** The owner's id for each key, or the error's code. */
  async lookup({ keys, timeoutMs }) {
    const results = await node.lookupMany(keys, { timeoutMs })
    return results.map((result) => (result.ok ? String(result.value.owner.id) : result.error.code))
  },
}

process.on('message', async ({ number, action, argument }) => {
  try {
    process.send({ number, value: await actions[action](argument) })
  } catch (error) {
    process.send({ number, error: `${error.code ?? ''} ${error.message}` })
  }
})
process.on('disconnect', () => process.exit())
process.send({ number: 0 })
