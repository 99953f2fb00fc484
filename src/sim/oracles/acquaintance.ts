/**
 * Can those who live find each other at all? Whom nobody remembers, who remembers nobody alive, and whom no seed brings
 * together, stay apart for ever, rightly: a node whose list came to its end never takes itself for the ring.
 */
import type { Peer } from '../../core/messages.ts'
import type { Seen, View } from './view.ts'

/** Whether everybody who lives is linked to everybody else, by who knows whom. */
export function isAcquainted(view: View, seeds: readonly string[]): boolean {
  const all = [...view.all]
  const groups = new Map<Seen, Seen>(all.map((seen) => [seen, seen]))
  const rootOf = (seen: Seen): Seen => {
    let root = seen
    while (groups.get(root) !== root) root = groups.get(root) as Seen
    groups.set(seen, root)
    return root
  }
  const join = (a: Seen, b: Seen) => void groups.set(rootOf(a), rootOf(b))
  for (const seen of all) {
    for (const peer of acquaintances(seen)) {
      const other = view.find(peer)
      if (other !== undefined && !other.stopped) join(seen, other)
    }
  }
  const found = all.filter((seen) => seeds.includes(seen.address) && seen.core.joined)
  const [first] = found
  if (first !== undefined) for (const seen of all) join(seen, first)
  return new Set(all.map(rootOf)).size <= 1
}

/** Nobody else lives, and what it had is lost: it waits. */
export function isLastOne(view: View): boolean {
  const [last] = view.all
  return view.all.size === 1 && last?.core.status === 'isolated'
}

function acquaintances({ core }: Seen): Peer[] {
  const known = [...core.successors, ...core.remembered.list(), ...core.contacts]
  return core.predecessor === undefined ? known : [...known, core.predecessor]
}
