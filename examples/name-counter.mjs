/** One process of the ring in `route-names.mjs`: it counts the names that reach it. Started by fork(). */
import { createNode, json, utf8 } from 'chordite'

const [join] = process.argv.slice(2)
const node = createNode({ listen: '127.0.0.1:0', join: join ? [join] : [] })

let received = 0
node.handle({ name: 'name', request: utf8, reply: utf8 }, ({ member }) => {
  received++
  return String(member.id)
})
node.handle({ name: 'count', request: json(), reply: json() }, () => received)

node.on('range', tell)
process.once('message', leave)
process.once('disconnect', leave)
await node.start()
tell()

/** When the parent says so, or is gone. */
async function leave() {
  await node.leave()
  if (process.connected) process.disconnect()
}

function tell() {
  if (!process.connected || node.members.length === 0) return
  const [{ id, range }] = node.members
  process.send({
    id: String(id),
    address: node.address,
    transport: node.transport,
    started: node.state === 'member',
    range: range && { after: String(range.after), upTo: String(range.upTo) },
  })
}
