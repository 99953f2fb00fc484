// A service that keeps votes with the owner of each candidate's name and takes them along when its range moves; and its test,
// in a hundred simulated worlds whose nodes come, leave, lose connections and have wrong clocks.
// Run: node examples/simulated-service.mjs [seeds]
import { Id, json } from 'chordite'
import { swarm } from 'chordite/sim'

const VOTE = { name: 'vote', request: json(), reply: json() }
const COUNT = { name: 'count', request: json(), reply: json() }
const TAKE = { name: 'take', request: json(), reply: json() }

function votes() {
  const voters = new Map() // id of a candidate's name, in hexadecimal → set of voters
  const moves = new Set()
  let node

  const add = (id, some) => voters.set(String(id), new Set([...(voters.get(String(id)) ?? []), ...some]))
  const move = async ({ lost, to }) => {
    const isLost = ([id]) => lost.some(({ after, upTo }) => Id.parse(id).isBetweenOrEnd(after, upTo))
    const moving = [...voters].filter(isLost).map(([id, some]) => [id, [...some]])
    // `idempotent`: it is sent again until somebody has it, and may come twice. Sets do not mind.
    if (to !== undefined && moving.length > 0) await node.requestTo(to, TAKE, moving, { idempotent: true })
  }

  return {
    name: 'votes',
    start(context) {
      node = context.node
      node.handle(VOTE, ({ key, body }) => add(key, [body]).get(String(key)).size)
      node.handle(COUNT, ({ key }) => [...(voters.get(String(key)) ?? [])])
      node.handle(TAKE, ({ body }) => body.forEach(([id, some]) => void add(id, some)))
    },
    /** The next owner gets a copy before it becomes the owner; votes are still taken here. */
    transfer: move,
    /** Now it is: it gets those that came meanwhile. */
    commit(change) {
      const moved = move(change).finally(() => moves.delete(moved))
      moves.add(moved)
      return moved
    },
    async stop() {
      await Promise.allSettled(moves)
    },
  }
}

const CANDIDATES = ['Ada', 'Barbara', 'Edsger', 'Grace', 'Leslie']

const options = {
  seeds: Number(process.argv[2] ?? 100),
  nodes: [2, 6],
  // With 'kill' among them votes are lost, and the test says in which world: this service has no copies.
  faults: ['leave', 'reset', 'clock', 'disk'],
  everyMs: 1_500,
  node: { services: () => [votes()] },
}

const summary = await swarm(options, async (world) => {
  const client = await world.client()
  const sure = []
  for (let voter = 0; voter < 60; voter++) {
    const name = CANDIDATES[world.random.below(CANDIDATES.length)]
    const isTaken = await client.request(name, VOTE, voter).then(
      () => true,
      () => false,
    )
    if (isTaken) sure.push({ voter, name })
    await world.run(world.random.between(0, 400))
  }
  await world.calm()
  for (const { voter, name } of sure) {
    const counted = await client.request(name, COUNT, null)
    if (!counted.includes(voter)) throw new Error(`the vote of ${voter} for ${name} is lost`)
  }
})

const { seeds, virtualMs, faults, hash } = summary
console.log(
  `${seeds} worlds, ${Math.round(virtualMs / 60_000)} virtual minutes, no vote lost; ${JSON.stringify(faults)}`,
)
console.log(`hash ${hash}`)
