/** Connection layers on a simulated network, each with a record of what it told the runtime. */
import { Id } from '../../src/core/id.ts'
import { Links } from '../../src/runtime/links.ts'
import type { Down, LinksHandler, LinksOptions, Self, Session } from '../../src/runtime/session.ts'
import type { SimulatedNetwork } from '../../src/transports/simulated.ts'
import type { FrameRing } from '../../src/transports/transport.ts'
import { encodeHello, type Hello } from '../../src/wire/hello.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes } from '../transports/frames.ts'

export const limits = {
  outputBytes: 1 << 20,
  connections: 1000,
  replyConnections: 4,
  reassemblyBytes: 32 << 20,
  payloadBytes: 1 << 20,
}
export const timing = { connectMs: 3000, idleMs: 30_000 }

export class Told implements LinksHandler {
  readonly frames: { session: Session; type: number; body: Uint8Array }[] = []
  readonly ups: Session[] = []
  readonly downs: Down[] = []
  readonly ends: Session[] = []
  readonly drains: Session[] = []
  batches = 0
  onFrame: ((session: Session, type: number) => void) | undefined

  peerFrame(session: Session, ring: FrameRing, offset: number, length: number): void {
    const type = ring.halves[(offset + L.AT_TYPE) >>> 1]!
    this.frames.push({ session, type, body: ring.bytes.slice(offset + L.HEADER_BYTES, offset + length) })
    this.onFrame?.(session, type)
  }

  sessionUp(session: Session): void {
    this.ups.push(session)
  }

  sessionDown(down: Down): void {
    this.downs.push(down)
  }

  sessionEnded(session: Session): void {
    this.ends.push(session)
  }

  drained(session: Session): void {
    this.drains.push(session)
  }

  batchEnd(): void {
    this.batches++
  }

  texts(): string[] {
    return this.frames.map((frame) => new TextDecoder().decode(frame.body))
  }

  causes(): string[] {
    return this.downs.map((down) => (down.rejection === undefined ? down.cause : `${down.cause}: ${down.rejection}`))
  }
}

export interface End {
  links: Links
  told: Told
  address: string
}

export interface EndOptions {
  self?: Partial<Self>
  limits?: Partial<typeof limits>
  timing?: Partial<typeof timing>
  resolve?: LinksOptions['resolve']
  port?: number
}

export function idOf(address: string, index: number): Id {
  return Id.hash(`${address}#${index}`)
}

/** A listening member at `host:7000`. */
export async function member(network: SimulatedNetwork, host: string, options: EndOptions = {}): Promise<End> {
  const port = options.port ?? 7000
  const end = make(network, host, { role: 'member', address: `${host}:${port}`, incarnations: [5n] }, options)
  await end.links.listen(host, port)
  return end
}

export function client(network: SimulatedNetwork, host: string, options: EndOptions = {}): End {
  return make(network, host, { role: 'client', address: '', incarnations: [] }, options)
}

function make(network: SimulatedNetwork, host: string, self: Omit<Self, 'network'>, options: EndOptions): End {
  const told = new Told()
  const links = new Links({
    transport: (o) => network.createTransport(host, o),
    handler: told,
    clock: network.clock,
    random: network.random.fork(),
    self: { network: 'test', ...self, ...options.self },
    idOf,
    limits: { ...limits, ...options.limits },
    timing: { ...timing, ...options.timing },
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
  })
  return { links, told, address: self.address }
}

/** A frame of the application with a text as body. */
export function request(body: string): Uint8Array {
  return frameBytes(L.TYPE_REQUEST, new TextEncoder().encode(body)).subarray(0, L.HEADER_BYTES + body.length)
}

/** The hello of a client, as it goes over the wire. */
export function clientHello(change: Partial<Hello> = {}): Uint8Array {
  const hello = encodeHello({
    protocolMin: 1,
    protocolMax: 1,
    features: 0,
    role: 'client',
    refusal: 'none',
    nonce: 3n,
    network: 'test',
    address: '',
    observedHost: '127.0.0.1',
    incarnations: [],
    clientId: new Uint8Array(20),
    ...change,
  })
  const wire = new Uint8Array(L.padded(hello.length))
  wire.set(hello)
  return wire
}
