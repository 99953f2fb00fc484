/** The way of one frame through a ring at one instant, hop by hop, each decided by the library's router. */

const HOPS_MAX = 64

/**
 * From `start` to the owner of `key`: the nodes that were reached on the way, the owner last, and how often a dead one was
 * met. Who meets a dead next hop decides again without it, as the paper has it; the first that lives at or after the key
 * counts as its owner, though it has not taken over yet. What is learned is forgotten when the frame has arrived, so that
 * every look-up meets the dead afresh. `shared`: one knows for all, as the originator of an iterative look-up does;
 * else every node finds out for itself. `path` is undefined if nobody is left to send it to.
 */
export function walk({ route }, ring, start, key, { isDead = () => false, shared = false } = {}) {
  const doubts = new Doubts()
  const path = []
  const met = []
  let [at, final, finalSteps, timeouts] = [start, false, 0, 0]
  const arrived = () => ({ path: doubts.forget(path), timeouts })
  while (path.length < HOPS_MAX) {
    const decision = route([at], key, final, finalSteps, 0)
    if (decision.kind === 'deliver') return arrived()
    if (decision.kind !== 'forward') break
    if (isDead(decision.to)) {
      // The owner was its predecessor, and it is the next.
      if (final) return arrived()
      timeouts++
      met.push(decision.to)
      doubts.add(at, decision.to)
      continue
    }
    at = ring.nodeOf(decision.to)
    path.push(at)
    final = decision.final
    finalSteps = decision.finalSteps
    if (shared) for (const peer of met) doubts.add(at, peer)
  }
  return final ? arrived() : { path: doubts.forget(undefined), timeouts }
}

/** Who counts as dead at whom. */
class Doubts {
  #all = []

  add(node, peer) {
    node.core.detector.proveDead(peer)
    node.core.tableVersion++
    this.#all.push([node, peer])
  }

  /** All of it, and returns `result`. */
  forget(result) {
    for (const [{ core }, peer] of this.#all) {
      core.detector.alive(peer, undefined)
      core.tableVersion++
    }
    return result
  }
}
