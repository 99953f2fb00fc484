/** The way of one frame through a ring that stands still, hop by hop, each decided by the library's router. */

const HOPS_MAX = 255

/**
 * From `start` to the owner of `key`: the nodes that were reached on the way, the owner last, and how often a dead one was
 * met. Who meets a dead next hop decides again without it, as the paper has it. That is forgotten when the frame has
 * arrived, so that every look-up meets the dead afresh. `shared`: one knows for all, as the originator of an iterative
 * look-up does; else every node finds out for itself. `path` is undefined if nobody is left to send it to.
 */
export function walk({ route }, ring, start, key, { isDead = () => false, shared = false } = {}) {
  const doubts = new Doubts()
  const path = []
  const met = []
  let at = start
  let timeouts = 0
  while (path.length < HOPS_MAX) {
    const decision = route([at], key, false, 0, 0)
    if (decision.kind === 'deliver') return { path: doubts.forget(path), timeouts }
    if (decision.kind !== 'forward') break
    const { to, final } = decision
    if (isDead(to)) {
      timeouts++
      met.push(to)
      doubts.add(at, to)
      continue
    }
    at = ring.nodeOf(to)
    path.push(at)
    if (final) return { path: doubts.forget(path), timeouts }
    if (shared) for (const peer of met) doubts.add(at, peer)
  }
  return { path: doubts.forget(undefined), timeouts }
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
