/** Routes as words for C++, which copies them: the TypeScript side of `native/route_table.h`. */
import { assert } from '../core/errors.ts'
import * as M from '../native/layout.ts'
import type { Link, RouteTables, RouteWay, Routing } from './transport.ts'

const ROW_WORDS = 2 * M.ROUTE_WAYS

/** Where a link is in the memory that both sides share. */
export interface PlacedLink extends Link {
  readonly index: number
  readonly generation: number
}

export interface NativeRoutingOptions {
  readonly control: Uint32Array
  /** Hands the words to C++; false if it does not take them. */
  install(words: Uint32Array): boolean
  heads(link: PlacedLink): ArrayBuffer | undefined
}

export class NativeRouting implements Routing {
  readonly #o: NativeRoutingOptions

  constructor(o: NativeRoutingOptions) {
    this.#o = o
  }

  install(tables: RouteTables): void {
    this.#o.control[M.CONTROL_ROUTING] = this.#o.install(routeWords(tables)) ? 1 : 0
  }

  suspend(): void {
    this.#o.control[M.CONTROL_ROUTING] = 0
  }

  heads(link: Link): Uint8Array | undefined {
    const heads = this.#o.heads(link as PlacedLink)
    return heads === undefined ? undefined : new Uint8Array(heads)
  }
}

export function routeWords({ rows, decided, remembered, hops }: RouteTables): Uint32Array {
  const straight = remembered?.links.map((link) => [{ link, final: true, finalSteps: 0 }]) ?? []
  const all = [...rows, ...straight]
  const atTables = M.ROUTE_HEAD_WORDS + all.length * ROW_WORDS
  const second = remembered?.arcs.shifted(rows.length) ?? new Uint32Array(0)
  const words = new Uint32Array(atTables + decided.words.length + second.length)
  words.set([all.length, hops, decided.words.length, second.length])
  words.fill(M.ROUTE_NONE, M.ROUTE_HEAD_WORDS, atTables)
  for (const [row, ways] of all.entries()) {
    assert(ways.length <= M.ROUTE_WAYS, 'no more ways than there is room for')
    for (const [i, way] of ways.entries()) putWay(words, M.ROUTE_HEAD_WORDS + row * ROW_WORDS + 2 * i, way)
  }
  words.set(decided.words, atTables)
  words.set(second, atTables + decided.words.length)
  return words
}

function putWay(words: Uint32Array, at: number, { link, final, finalSteps }: RouteWay): void {
  const { index, generation } = link as PlacedLink
  words[at] = index | (finalSteps << M.ROUTE_STEPS_SHIFT) | (final ? M.ROUTE_FINAL : 0)
  words[at + 1] = generation
}
