/**
 * Rings that are there at once, and are not one: whoever is in a chain follows who stands before it, and believes in what its
 * list says. A chain in order of ids is a ring; in another order it is a loop that winds several times; several chains
 * are rings that know nothing of each other. Everybody remembers those of its own table, and nobody else.
 */
import type { Id } from '../core/id.ts'
import type { Placement } from './placement.ts'
import type { Simulation } from './simulation.ts'

export interface Named {
  readonly id: Id
  readonly address: string
}

/** Whom somebody remembers who is in another chain: it has not heard of them for long. */
export type Strangers = (chain: number, at: number) => readonly Named[]

export function placeChains(
  simulation: Pick<Simulation, 'place' | 'config'>,
  chains: readonly (readonly Named[])[],
  strangers: Strangers = firstOfNext(chains),
): void {
  const { successors } = simulation.config
  simulation.place(
    chains.flatMap((chain, index) => chain.map((_, at) => placementIn(chain, at, successors, strangers(index, at)))),
  )
}

/** The first of each chain knows the first of the next: there is a way from each to all. */
function firstOfNext(chains: readonly (readonly Named[])[]): Strangers {
  return (index, at) => {
    const next = chains[(index + 1) % chains.length]
    return at === 0 && chains.length > 1 && next !== undefined ? next.slice(0, 1) : []
  }
}

function placementIn(chain: readonly Named[], at: number, successors: number, strangers: readonly Named[]): Placement {
  const { length } = chain
  const next = (distance: number) => (chain[(at + distance + length) % length] as Named).id
  const list = Array.from({ length: Math.min(successors, length - 1) }, (_, i) => next(i + 1))
  const predecessor = length > 1 ? { predecessor: next(-1) } : {}
  const remembered = [...strangers.map(({ id }) => id), ...(length > 1 ? [next(-1), ...list] : [])]
  return { ...(chain[at] as Named), successors: list, ...predecessor, remembered }
}

/** Of more than `winds`, in order of their ids: the order in which it takes so many times around to come back. */
export function wound<T>(sorted: readonly T[], winds: number): T[] {
  const turns = Array.from({ length: winds }, (_, wind) => sorted.filter((_, index) => index % winds === wind))
  return turns.reverse().flat()
}
