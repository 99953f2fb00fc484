/** What the conformance suite needs around a transport: hosts, waiting, and a peer that does not read. */
import { createServer, type Server, type Socket } from 'node:net'
import { SimulatedNetwork as Network, type SimulatedNetwork } from '../../src/transports/simulated.ts'
import type { Transport, TransportOptions } from '../../src/transports/transport.ts'
import { framesOf, Recorder } from './frames.ts'

export type MakeTransport = (options: TransportOptions & { tailBytes?: number }) => Transport

export interface End {
  transport: Transport
  recorder: Recorder
}

export interface Harness {
  /** Raw sockets can talk to the transports. */
  readonly real: boolean
  readonly hostA: string
  readonly hostB: string
  /** Two ends, destroyed by `stop`. `a` dials, `b` listens. */
  createA(options?: Options): End
  createB(options?: Options): End
  /** Waits for a condition; fails after a while. */
  until(condition: () => boolean): Promise<void>
  /** Lets everything that is under way happen. */
  settle(): Promise<void>
  /** Somebody who accepts connections and reads nothing until `listen` is called. */
  deaf(): Promise<Deaf>
  stop(): Promise<void>
}

export interface Deaf {
  readonly host: string
  readonly port: number
  hear(): void
  heardBytes(): number
  /** Whole frames, once it has heard all. */
  heard(): readonly { readonly type: number; readonly body: Uint8Array }[]
}

export type Options = Partial<Omit<TransportOptions, 'handler'>> & { tailBytes?: number; recorder?: Recorder }

const defaults = { outputBytes: 1 << 20, connections: 10_000 }

abstract class Base {
  readonly ends: End[] = []

  make(make: MakeTransport, { recorder = new Recorder(), ...options }: Options = {}): End {
    const end = { recorder, transport: make({ ...defaults, ...options, handler: recorder }) }
    this.ends.push(end)
    return end
  }

  async destroyEnds(): Promise<void> {
    await Promise.all(this.ends.splice(0).map((end) => end.transport.destroy()))
  }
}

export class RealHarness extends Base implements Harness {
  readonly real = true
  readonly hostA = '127.0.0.1'
  readonly hostB = '127.0.0.1'
  readonly #makeA: MakeTransport
  readonly #makeB: MakeTransport
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()

  constructor(makeA: MakeTransport, makeB: MakeTransport) {
    super()
    this.#makeA = makeA
    this.#makeB = makeB
  }

  createA(options?: Options): End {
    return this.make(this.#makeA, options)
  }

  createB(options?: Options): End {
    return this.make(this.#makeB, options)
  }

  async until(condition: () => boolean): Promise<void> {
    const endMs = performance.now() + 10_000
    while (!condition()) {
      if (performance.now() > endMs) throw new Error(`waited in vain for ${condition}`)
      await turn(1)
    }
  }

  async settle(): Promise<void> {
    await turn(30)
  }

  async deaf(): Promise<Deaf> {
    let hearing = false
    let bytes = 0
    const chunks: Buffer[] = []
    const hear = (socket: Socket) => {
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(chunk)
      })
    }
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      if (hearing) hear(socket)
    })
    this.#servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    return {
      host: '127.0.0.1',
      port,
      heardBytes: () => bytes,
      heard: () => framesOf(Buffer.concat(chunks)),
      hear: () => {
        hearing = true
        for (const socket of this.#sockets) {
          hear(socket)
          socket.resume()
        }
      },
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    for (const server of this.#servers) server.close()
    await this.destroyEnds()
  }
}

export class SimulatedHarness extends Base implements Harness {
  readonly real = false
  readonly hostA = '10.0.0.1'
  readonly hostB = '10.0.0.2'
  readonly network: SimulatedNetwork = new Network({ seed: 5 })

  createA(options?: Options): End {
    return this.make((o) => this.network.createTransport(this.hostA, o), options)
  }

  createB(options?: Options): End {
    return this.make((o) => this.network.createTransport(this.hostB, o), options)
  }

  async until(condition: () => boolean): Promise<void> {
    for (let i = 0; i < 10_000 && !condition(); i++) await this.network.run(1)
    if (!condition()) throw new Error(`waited in vain for ${condition}`)
  }

  async settle(): Promise<void> {
    await this.network.run(30)
  }

  async deaf(): Promise<Deaf> {
    const host = '10.0.0.3'
    const { transport, recorder } = this.make((o) => this.network.createTransport(host, o))
    const bound = await transport.listen(host, 0)
    recorder.onOpened = () => this.network.partition([host])
    const heardBytes = () => transport.counters().bytesIn
    return { ...bound, hear: () => this.network.heal(), heardBytes, heard: () => recorder.frames }
  }

  async stop(): Promise<void> {
    await this.destroyEnds()
  }
}

export function turn(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
