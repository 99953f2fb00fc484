/** A ring that is ideal from the start, in a simulation of its own. */

/** `nodes` in ring order. Without a `config` it stands still: nobody asks or mends anything. */
export function ringOf(lab, { nodes: count, successors, config, conditions = {} }) {
  const { sim, random, randomId } = lab
  const simulation = new sim.Simulation({ seed: random.nextUint32(), config: { ...config, successors }, conditions })
  const places = Array.from({ length: count }, (_, i) => ({ id: randomId(), address: `n${i}` }))
  const nodes = sim.placeIdeal(simulation, { nodes: places, upkeep: config !== undefined }).map(({ node }) => node)
  const byId = new Map(nodes.map((node) => [String(node.self.id), node]))
  return { simulation, nodes, nodeOf: (peer) => byId.get(String(peer.id)) }
}

/** Of the owner of a key among nodes in the order of their ids. */
export function indexAtOrAfter(nodes, key) {
  let [low, high] = [0, nodes.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (nodes[middle].self.id.compare(key) < 0) low = middle + 1
    else high = middle
  }
  return low % nodes.length
}
