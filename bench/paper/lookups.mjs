/** Look-ups over the simulated network, one after the other. */

/** `lookups` of random keys by random members, each begun when the one before has ended; as the simulation reports them. */
export function lookUpAll(lab, simulation, { lookups, ...options }) {
  const members = simulation.sorted()
  const ended = []
  for (let i = 0; i < lookups; i++) {
    const { node } = members[lab.random.below(members.length)]
    simulation.lookup(node.self.address, lab.randomId(), { ...options, done: (lookup) => ended.push(lookup) })
    while (ended.length === i) if (!simulation.step()) throw new Error('a look-up never ends')
  }
  return ended
}
