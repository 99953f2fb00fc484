/** A simulated process: a host with its disk, and on it one life of a node after the other. */
import type { ChordNode, NodeOptions, Random, Service } from '../../api.ts'
import type { Environment } from '../../runtime/environment.ts'
import { abandon, coresOf, createNodeWith } from '../../runtime/node.ts'
import { type IdOf, idOf } from '../../runtime/peers.ts'
import type { RecordingDisk } from '../../runtime/recording-files.ts'
import { simulatedEnvironment } from '../../runtime/simulated.ts'
import type { SimulatedNetwork } from '../../transports/simulated.ts'
import type { SimulatedTransport } from '../../transports/simulated-transport.ts'
import type { Stream } from '../random.ts'
import { Disk } from './disk.ts'
import { type Handover, idleService, watched } from './handover.ts'
import { type ClockFault, ProcessClock } from './process-clock.ts'

/** What runs on a simulated host: options as for `createNode`, and what a program would do before `start`. */
export interface WorldNode extends NodeOptions {
  /** Makes the services anew for each life. */
  services?: () => readonly Service[]
  /** Its wall clock, from its next start on, and how fast its time goes. */
  clock?: ClockFault
}

export type SetUp = (node: ChordNode) => void

/** What processes share. */
export interface Surroundings {
  readonly network: SimulatedNetwork
  readonly stream: Stream
  readonly names: Readonly<Record<string, readonly string[]>>
  readonly idOf: IdOf | undefined
  readonly recordings: ((host: string) => RecordingDisk) | undefined
  /** Hosts that a name of the whole world stands for at the moment, see {@link WORLD_NAME}. */
  hosts(): readonly string[]
  /** Something of the process runs now. */
  woke(process: WorldProcess): void
  handover(process: WorldProcess, handover: Handover): void
}

/** Resolves to some of the nodes that run at the moment, as a name in front of a real ring would. */
export const WORLD_NAME = 'nodes.world'
export const PORT = 4000
const STATE_FILE = 'state.json'

export class WorldProcess {
  readonly host: string
  readonly disk = new Disk()
  readonly cares: WorldNode
  state: 'new' | 'running' | 'left' | 'dead' = 'new'
  life = 0
  clockFault: ClockFault
  clock!: ProcessClock
  node!: ChordNode
  isChoked = false
  readonly #around: Surroundings
  readonly #setUp: SetUp | undefined
  #transports: SimulatedTransport[] = []

  constructor(host: string, cares: WorldNode, setUp: SetUp | undefined, around: Surroundings) {
    this.host = host
    this.cares = cares
    this.clockFault = cares.clock ?? {}
    this.#setUp = setUp
    this.#around = around
  }

  get address(): string {
    return this.node.address || (this.cares.advertise ?? this.cares.listen ?? `${this.host}:${PORT}`)
  }

  get isAlive(): boolean {
    return this.state === 'running'
  }

  /** Cores of the node, once it has begun to start. */
  get cores() {
    return coresOf(this.node)
  }

  /** A new node in a new life; not started. */
  begin(join: readonly string[]): ChordNode {
    const { services: makeServices, clock: _, ...options } = this.cares
    this.life++
    this.#transports = []
    const { clock, environment } = environmentOf(this.#around, this.host, this.life, this.clockFault, {
      disk: this.disk,
      woke: () => this.#around.woke(this),
      opened: (transport) => {
        transport.choked = this.isChoked
        this.#transports.push(transport)
      },
    })
    this.clock = clock
    this.node = createNodeWith({ listen: `${this.host}:${PORT}`, join, stateFile: STATE_FILE, ...options }, environment)
    this.state = 'running'
    const services = makeServices?.() ?? []
    const { life } = this
    for (const service of services.length === 0 ? [idleService] : services) this.node.use(this.#watched(service, life))
    this.#setUp?.(this.node)
    return this.node
  }

  /** `silent`: its host vanishes, and nothing is closed. */
  die(silent: boolean): void {
    this.state = 'dead'
    for (const transport of this.#transports) if (!transport.dead) this.#around.network.end(transport, silent)
    this.clock.end()
    abandon(this.node)
  }

  /** Nothing holds it back any more. */
  relieve(): void {
    this.clock.resume()
    this.choke(false)
    this.disk.isFull = false
  }

  choke(on: boolean): void {
    this.isChoked = on
    for (const transport of this.#transports) transport.choked = on
  }

  #watched(service: Service, life: number): Service {
    const tell = (handover: Handover): void => this.#around.handover(this, handover)
    return watched(service, tell, () => this.life !== life || this.state === 'dead')
  }
}

/** The world as one life of a process sees it. */
export function environmentOf(
  around: Surroundings,
  host: string,
  life: number,
  fault: ClockFault,
  own: { disk: Disk; woke: () => void; opened: (transport: SimulatedTransport) => void },
): { clock: ProcessClock; environment: Environment } {
  const { network, names } = around
  const clock = new ProcessClock(network.clock, fault, own.woke)
  const stream = around.stream.split('node', host, life)
  const simulated = simulatedEnvironment(network, host, { names, idOf: around.idOf ?? idOf })
  const environment: Environment = {
    ...simulated,
    resolve: async (name) => (name === WORLD_NAME ? around.hosts() : simulated.resolve(name)),
    clock,
    random: randomOf(stream),
    files: own.disk.opened(clock, stream.split('disk')),
    ...(around.recordings !== undefined && { disk: around.recordings(host) }),
    transport: (options) => {
      const transport = network.createTransport(host, options, clock)
      own.opened(transport)
      return transport
    },
    defer: (fn) => void clock.setTimer(0, fn),
  }
  return { clock, environment }
}

function randomOf(stream: Stream): Random {
  return { nextUint32: () => stream.nextUint32(), nextFloat: () => stream.nextUint32() / 2 ** 32 }
}
