/**
 * What the registry promises: a value stays where it was put while nodes only join and take leave. Where processes die or are
 * wrongly believed dead, values may be lost; what is found is still something that was put there.
 */
import type { ChordNode } from '../../api.ts'
import { type Registry, registry } from '../../services/registry.ts'
import type { Stream } from '../random.ts'
import type { WorldNode } from './process.ts'
import type { FaultName } from './trouble.ts'
import type { World } from './world.ts'

/** Nobody dies of these, and nobody is believed dead. */
export const ORDERLY: readonly FaultName[] = ['leave', 'reset', 'disk', 'clock']

const PUT_MS = 4_000

export class SoftState {
  readonly node: WorldNode = {
    services: () => {
      this.#made = registry()
      return [this.#made]
    },
  }
  readonly #registries = new Map<ChordNode, Registry>()
  #made: Registry | undefined

  readonly setUp = (node: ChordNode): void => {
    if (this.#made !== undefined) this.#registries.set(node, this.#made)
  }

  /** Each key has a writer of its own, which also reads. With `isKept` nothing may be lost. */
  async run(world: World, keys: number, rounds: number, isKept: boolean): Promise<void> {
    const random = world.random.split('values')
    const writers = Array.from({ length: keys }, (_, i) =>
      this.#write(world, `key-${i}`, rounds, random.split(i), isKept),
    )
    await Promise.all(writers)
  }

  async #write(world: World, key: string, rounds: number, random: Stream, isKept: boolean): Promise<void> {
    /** The latest that surely was put; nothing before it may be found. */
    let sure = 0
    for (let round = 1; round <= rounds; round++) {
      await world.run(random.between(0, 1_500))
      const isPut = await this.#some(world, random)
        .put(key, encode(round), { timeoutMs: PUT_MS })
        .then(
          () => true,
          () => false,
        )
      if (isPut) sure = round
      const found = await this.#some(world, random)
        .get(key, { timeoutMs: PUT_MS })
        .then(decode, () => undefined)
      if (found === undefined) continue
      const isWrong = found > round || (isKept && found < sure)
      if (isWrong) throw new Error(`${key} is ${found || 'not there'}; ${sure} was put, and ${round} was tried`)
    }
  }

  /** Of a member; while there is none, of whoever tries to become one. */
  #some(world: World, random: Stream): Registry {
    const members = world.nodes.filter((node) => node.state === 'member')
    const nodes = members.length > 0 ? members : world.nodes
    return this.#registries.get(nodes[random.below(nodes.length)]!)!
  }
}

function encode(round: number): Uint8Array {
  return Uint8Array.of(round, round >> 8)
}

/** 0 if there is nothing. */
function decode(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : value[0]! | (value[1]! << 8)
}
