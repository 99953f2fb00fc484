import { createNode, json } from 'chordite'

// What nodes say to each other: a name, and how bodies become bytes.
const greet = { name: 'greet', request: json(), reply: json() }

// Two members of one ring. Usually each is a process of its own, on a machine of its own.
const first = createNode({ listen: '127.0.0.1:0' })
first.handle(greet, ({ body, member }) => ({ text: `hello ${body.name}`, by: member.address }))
first.on('range', ({ cause, lost }) => console.log(`first: ${cause}, gave away ${lost.length} ranges`))
await first.start()

const second = createNode({ listen: '127.0.0.1:0', join: [first.address] })
second.handle(greet, ({ body, member }) => ({ text: `hello ${body.name}`, by: member.address }))
await second.start()

// Whoever owns the key "alice" answers, whichever node is asked.
const { owner, hops } = await second.lookup('alice')
const reply = await second.request('alice', greet, { name: 'alice' })
console.log(`${reply.text}, from ${reply.by === owner.address ? 'its owner' : 'somebody else'}, ${hops} hops away`)
console.log(`alice is ${second.owns('alice') ? 'mine' : 'not mine'}`)

// Hand over, say goodbye, close.
await second.leave()
await first.leave()
