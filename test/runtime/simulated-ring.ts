/** The simulator's worlds, in the words of these tests. */
import type { Caller, ChordNode, ClientOptions } from '../../src/index.ts'
import { World, type WorldOptions } from '../../src/sim/index.ts'

export interface RingOptions extends WorldOptions {
  /** Bounds of the one-way delay. Defaults 0.2 and 1. */
  delayMinMs?: number
  delayMaxMs?: number
}

export class SimulatedRing extends World {
  readonly #forgotten = new Set<ChordNode>()

  constructor({ delayMinMs = 0.2, delayMaxMs = 1, ...options }: RingOptions = {}, world: WorldOptions = {}) {
    super({ delay: { kind: 'uniform', minMs: delayMinMs, maxMs: delayMaxMs }, ...options, ...world })
  }

  override get nodes(): readonly ChordNode[] {
    return super.nodes.filter((node) => !this.#forgotten.has(node))
  }

  /** Through the first node only, so that it is known where calls enter. */
  override client(options: Partial<ClientOptions> = {}): Promise<Caller> {
    return super.client({ to: [this.nodes[0]!.address], ...options })
  }

  override kill(node: ChordNode, { silent = false } = {}): void {
    if (silent) this.vanish(node)
    else super.kill(node)
  }

  /** It takes no messages at the moment, but for the reserved lane. */
  get choked(): { add(host: string): void; clear(): void } {
    return {
      add: (host) => this.choke(`${host}:4000`),
      clear: () => {
        for (const process of this.everybody) process.choke(false)
      },
    }
  }

  forget(node: ChordNode): void {
    this.#forgotten.add(node)
  }
}
