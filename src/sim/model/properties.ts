/** What must hold in every state: the properties of Zave's proof, of which plain Chord loses most for good. */
import { best, between, liveMask, type ModelNode, NONE, type Ring } from './nodes.ts'

export type Property = (shape: Shape) => boolean

/** Lost means lost for ever, but for nodes that another mechanism tells of each other (rings merge). */
export const PERMANENT = {
  /** Every live node has a live entry in its list. */
  LiveSuccessor: ({ nodes, best }) => nodes.every((node) => best[node.id] !== NONE),
  AtLeastOneRing: ({ live, members }) => live === 0 || members !== 0,
  AtMostOneRing: ({ nodes, members, reach }) =>
    nodes.every((a) => !has(members, a.id) || (members & ~reach[a.id]! & ~(1 << a.id)) === 0),
  OrderedRing: ({ nodes, members, best }) =>
    nodes.every(
      (a) => !has(members, a.id) || nodes.every((c) => !has(members, c.id) || !jumped(a.id, c.id, best[a.id]!)),
    ),
  ConnectedAppendages: ({ nodes, members, reach }) =>
    nodes.every((a) => has(members, a.id) || (reach[a.id]! & members) !== 0),
} satisfies Record<string, Property>

/** Lost and found again by stabilizing: T4 and T5. */
export const TRANSIENT = {
  /** An appendage whose best successor is the one after a ring member lies between the two. */
  OrderedMerges: ({ nodes, members, best }) =>
    nodes.every(
      (a) =>
        !has(members, a.id) ||
        nodes.every((b) => has(members, b.id) || best[a.id] !== best[b.id] || !misplaced(a.id, b.id, best[a.id]!)),
    ),
  /** Nobody lists, after a node, a live one that this node's own list skips. */
  ValidSuccessorList: ({ nodes }) =>
    nodes.every((n) =>
      nodes.every((m) => m === n || !skipsAfterFirst(n, m.id) || !nodes.some((a) => lists(a, n.id, m.id))),
    ),
} satisfies Record<string, Property>

export const PROPERTIES: Readonly<Record<string, Property>> = { ...PERMANENT, ...TRANSIENT }

/** A state seen as a graph of best successors. Masks are over ids. */
export interface Shape {
  readonly nodes: readonly ModelNode[]
  readonly live: number
  readonly best: readonly number[]
  /** best⁺: what each node reaches in one step or more. */
  readonly reach: readonly number[]
  /** The nodes that reach themselves. */
  readonly members: number
}

export function shapeOf(ring: Ring): Shape {
  const shape = { nodes: ring.filter((node) => node.live), live: liveMask(ring), members: 0 }
  const bests = ring.map((node) => best(ring, node))
  const reach = bests.map((_, id) => reachOf(bests, id))
  for (const { id } of shape.nodes) if (has(reach[id]!, id)) shape.members |= 1 << id
  return { ...shape, best: bests, reach }
}

/** The ring that a node's best successors lead to, as a walk that ends where it began. */
export function cycleFrom({ best, members }: Shape, id: number): number[] {
  let start = id
  while (start !== NONE && !has(members, start)) start = best[start]!
  const walk = [start]
  if (start === NONE) return []
  for (let at = best[start]!; at !== start; at = best[at]!) walk.push(at)
  return [...walk, start]
}

export function has(mask: number, id: number): boolean {
  return ((mask >> id) & 1) === 1
}

function reachOf(bests: readonly number[], id: number): number {
  let mask = 0
  for (let at = bests[id]!; at !== NONE && !has(mask, at); at = bests[at]!) mask |= 1 << at
  return mask
}

function jumped(a: number, c: number, next: number): boolean {
  return c !== a && c !== next && next !== a && between(a, c, next)
}

function misplaced(a: number, b: number, next: number): boolean {
  return next !== NONE && a !== next && b !== next && !between(a, b, next)
}

function skipsAfterFirst(node: ModelNode, id: number): boolean {
  return node.list.some((entry, at) => at > 0 && between(node.list[at - 1]!, id, entry))
}

/** Whether `m` comes anywhere after `n` in [a, ...a.list]. */
function lists(a: ModelNode, n: number, m: number): boolean {
  const from = a.id === n ? 0 : a.list.indexOf(n) + 1
  return (a.id === n || from > 0) && a.list.indexOf(m, from) >= 0
}
