/** Hops of a look-up by a node that remembers ranges: while it learns them, and when some of what it knows is out of date. */
import { summary } from './stats.mjs'
import { walk } from './walk.mjs'

const STEPS_MAX = 16

export function measureCached(lab, { quick }) {
  const exponents = quick ? [3, 5, 7] : [3, 5, 7, 9, 10]
  const rings = quick ? 2 : 20
  const learning = exponents.map((exponent) => learn(lab, 2 ** exponent, rings))
  const nodes = quick ? 64 : 512
  const shares = quick ? [0.1] : [0.01, 0.05, 0.1, 0.25]
  return { learning, nodes, rings, stale: shares.map((share) => outdated(lab, nodes, share, rings)) }
}

/** So many look-ups for each node of the ring have gone before. */
const AFTER = [0, 1, 4, 16]

/** One node asks for random keys, one after the other; only that one remembers anything. */
function learn(lab, nodes, rings) {
  const all = Array.from({ length: rings }, () => learnOnce(lab, nodes))
  const rows = AFTER.map((_, i) => summary(all.flatMap(({ rows }) => rows[i])))
  return { nodes, plain: summary(all.flatMap(({ plain }) => plain)), rows }
}

function learnOnce(lab, nodes) {
  const ring = placed(
    lab,
    Array.from({ length: nodes }, () => lab.randomId()),
  )
  const asker = askerIn(lab, ring)
  const hops = Array.from({ length: 18 * nodes }, () => asker.ask(lab.randomId()).hops)
  const rows = AFTER.map((rounds) => hops.slice(rounds * nodes, (rounds + 1) * nodes))
  const plain = Array.from({ length: 4 * nodes }, () => walk(lab, ring, asker.start, lab.randomId()).path.length)
  return { plain, rows }
}

/** It knew the whole ring; then that share of the nodes was replaced by others elsewhere, and its connections to the gone broke. */
function outdated(lab, nodes, share, rings) {
  const all = Array.from({ length: rings }, () => outdatedOnce(lab, nodes, share))
  const first = all.flatMap(({ first }) => first)
  return {
    share,
    first: summary(first.map(({ hops }) => hops)),
    redirected: first.filter(({ how }) => how === 'redirected').length / first.length,
    retried: first.filter(({ how }) => how === 'retried').length / first.length,
    later: summary(all.flatMap(({ later }) => later.map(({ hops }) => hops))),
  }
}

function outdatedOnce(lab, nodes, share) {
  const ids = Array.from({ length: nodes }, () => lab.randomId())
  const before = askerIn(lab, placed(lab, ids))
  for (const node of before.ring.nodes) before.remember(node)
  const gone = Math.round(share * nodes)
  const kept = ids
    .filter((id) => id.equals(before.start.self.id))
    .concat(ids.filter((id) => !id.equals(before.start.self.id)).slice(gone))
  const ring = placed(lab, [...kept, ...Array.from({ length: gone }, () => lab.randomId())])
  const asker = askerIn(lab, ring, before)
  const asked = Array.from({ length: 5 * nodes }, () => asker.ask(lab.randomId()))
  return { first: asked.slice(0, nodes / 4), later: asked.slice(4 * nodes) }
}

function placed({ sim, random }, ids) {
  const simulation = new sim.Simulation({ seed: random.nextUint32(), config: { successors: 8 }, conditions: {} })
  const places = ids.map((id) => ({ id, address: String(id) }))
  const nodes = sim.placeIdeal(simulation, { nodes: places, upkeep: false }).map(({ node }) => node)
  const byId = new Map(nodes.map((node) => [String(node.self.id), node]))
  return { nodes, nodeOf: (peer) => byId.get(String(peer.id)) }
}

/** `earlier`: the same node, when the ring was another one. */
function askerIn(lab, ring, earlier) {
  const start =
    earlier === undefined ? ring.nodes[lab.random.below(ring.nodes.length)] : ring.nodeOf(earlier.start.self)
  const cache = new lab.RangeCache(4_096)
  const remember = ({ core }) => core !== start.core && cache.learn(core.self, core.range, core.epoch, 0)
  for (const known of earlier?.cache.all ?? []) {
    if (ring.nodeOf(known.owner) !== undefined) cache.learn(known.owner, known.range, known.epoch, 0)
  }
  const ask = (key) => {
    if (start.owns(key)) return { hops: 0, how: 'own' }
    const known = cache.find(key)
    const straight = known === undefined ? undefined : onFrom(lab, ring, ring.nodeOf(known.owner), key)
    if (straight?.owner !== undefined) {
      remember(straight.owner)
      return { hops: straight.hops, how: straight.hops === 1 ? 'straight' : 'redirected' }
    }
    if (known !== undefined) cache.forgetKey(key)
    const { path } = walk(lab, ring, start, key)
    remember(path.at(-1))
    return { hops: path.length + (straight?.hops ?? 0), how: straight === undefined ? 'routed' : 'retried' }
  }
  return { ring, start, cache, remember, ask }
}

/** The way of a FINAL frame from `at`; `owner` is undefined if that cannot be settled. */
function onFrom({ route }, ring, at, key) {
  let [node, steps] = [at, 0]
  for (let hops = 1; hops < STEPS_MAX; hops++) {
    const decision = route([node], key, true, steps, 0)
    if (decision.kind === 'deliver') return { owner: node, hops }
    if (decision.kind !== 'forward') return { owner: undefined, hops }
    node = ring.nodeOf(decision.to)
    steps = decision.finalSteps
  }
  return { owner: undefined, hops: STEPS_MAX }
}
