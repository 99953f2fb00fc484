/** Keys of each node, divided by the mean (paper, section V-B): ids and keys are hashed as the library does. */
import { gammaQuantile, summary } from './stats.mjs'

export const VIRTUAL_NODES = [1, 2, 5, 10, 20]

export function measureLoad({ Id, random }, { quick }) {
  const nodes = quick ? 1_000 : 10_000
  const keys = quick ? 50_000 : 1_000_000
  const hashed = sortedWords(Array.from({ length: keys }, (_, i) => Id.hash(`key ${random.nextUint32()} ${i}`)))
  const rows = VIRTUAL_NODES.map((virtualNodes) => {
    const counts = countKeys(ringOf(Id, random, nodes, virtualNodes), hashed, nodes)
    const { p1, p50, p99 } = summary(counts.map((count) => (count * nodes) / keys))
    return { virtualNodes, p1, p50, p99, theory: theoryOf(virtualNodes) }
  })
  return { nodes, keys, rows }
}

function theoryOf(v) {
  return { p1: gammaQuantile(v, 0.01), p99: gammaQuantile(v, 0.99) }
}

/** `{ id, node }` of each virtual node, in ring order. */
function ringOf(Id, random, nodes, virtualNodes) {
  const ring = []
  const network = random.nextUint32()
  for (let node = 0; node < nodes; node++) {
    const address = `10.${node >> 16}.${(node >> 8) & 255}.${node & 255}:${1024 + (network & 0x7fff)}`
    for (let index = 0; index < virtualNodes; index++) ring.push({ id: Id.hash(`${address}/${index}`), node })
  }
  return ring.sort((a, b) => a.id.compare(b.id))
}

function sortedWords(ids) {
  return ids.sort((a, b) => a.compare(b))
}

/** Both in ring order: each key belongs to the first node at or after it. */
function countKeys(ring, keys, nodes) {
  const counts = new Array(nodes).fill(0)
  let at = 0
  for (const key of keys) {
    while (at < ring.length && ring[at].id.compare(key) < 0) at++
    counts[ring[at % ring.length].node]++
  }
  return counts
}
