/** Rings of whole nodes on a virtual clock. */

import { clientSettings } from '../../src/core/config.ts'
import type { Caller, ChordNode, ClientOptions, NodeOptions } from '../../src/index.ts'
import { connectWith } from '../../src/runtime/client.ts'
import type { Environment } from '../../src/runtime/environment.ts'
import { createNodeWith } from '../../src/runtime/node.ts'
import { type SimulatedWorld, simulatedEnvironment } from '../../src/runtime/simulated.ts'
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../../src/transports/simulated.ts'
import type { Transport, TransportOptions } from '../../src/transports/transport.ts'

export class SimulatedRing {
  readonly network: SimulatedNetwork
  readonly nodes: ChordNode[] = []
  /** Hosts whose connections take no messages at the moment, but for the reserved lane. */
  readonly choked = new Set<string>()
  readonly #world: SimulatedWorld
  #hosts = 0

  constructor(options: SimulatedNetworkOptions = {}, world: SimulatedWorld = {}) {
    this.network = new SimulatedNetwork(options)
    this.#world = world
  }

  /** A node on a host of its own, not started; it joins through the first. */
  create(options: NodeOptions = {}, setUp?: (node: ChordNode) => void): ChordNode {
    const host = `10.0.${this.#hosts >> 8}.${this.#hosts++ & 255}`
    const join = this.nodes.length === 0 ? [] : [this.nodes[0]!.address]
    const environment = this.#environment(host)
    const node = createNodeWith({ listen: `${host}:4000`, join, ...options }, environment)
    setUp?.(node)
    this.nodes.push(node)
    return node
  }

  async start(options: NodeOptions = {}, setUp?: (node: ChordNode) => void): Promise<ChordNode> {
    const node = this.create(options, setUp)
    await this.settle(node.start({ timeoutMs: 60_000 }))
    return node
  }

  /** `count` nodes, one after the other, and then some quiet. */
  async grow(count: number, options: NodeOptions = {}, setUp?: (node: ChordNode) => void): Promise<ChordNode[]> {
    const grown: ChordNode[] = []
    for (let i = 0; i < count; i++) grown.push(await this.start(options, setUp))
    await this.run(3_000)
    return grown
  }

  client(options: Partial<ClientOptions> = {}): Promise<Caller> {
    const host = `10.1.0.${this.#hosts++ & 255}`
    const settings = clientSettings({ to: [this.nodes[0]!.address], ...options })
    return this.settle(connectWith(settings, this.#environment(host)))
  }

  #environment(host: string): Environment {
    const environment = simulatedEnvironment(this.network, host, this.#world)
    const transport = (options: TransportOptions) => this.#chokeable(host, environment.transport(options))
    return { ...environment, transport }
  }

  #chokeable(host: string, transport: Transport): Transport {
    const reserve: Transport['reserve'] = (link, bytes, lane) =>
      lane !== 'control' && this.choked.has(host) ? -1 : transport.reserve(link, bytes, lane)
    return new Proxy(transport, {
      get: (_, name) => {
        if (name === 'reserve') return reserve
        const value = Reflect.get(transport, name, transport)
        return typeof value === 'function' ? value.bind(transport) : value
      },
    })
  }

  run(ms: number): Promise<void> {
    return this.network.run(ms)
  }

  settle<T>(promise: Promise<T>, capMs?: number): Promise<T> {
    return this.network.settle(promise, capMs)
  }

  /** Ends a process without a word. */
  kill(node: ChordNode, options?: { silent?: boolean }): void {
    this.network.kill(node.address, options)
    this.forget(node)
  }

  async leave(node: ChordNode): Promise<void> {
    this.forget(node)
    await this.settle(node.leave())
  }

  forget(node: ChordNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1)
  }

  /** Who says that it owns the key. */
  owners(key: string): ChordNode[] {
    return this.nodes.filter((node) => node.owns(key) !== undefined)
  }
}
