/** What our hello says, and what we think of others'. */
import type { Random } from '../api.ts'
import { Id } from '../core/id.ts'
import { CLIENT_ID_BYTES, encodeHello, type Hello, type Refusal } from '../wire/hello.ts'
import { PROTOCOL_VERSION } from '../wire/layout.ts'
import { parseAddress } from './address.ts'
import type { LinkSession } from './link-session.ts'
import type { Self } from './session.ts'

export class Greeting {
  self: Self
  readonly #nonce: bigint
  readonly #clientId: Uint8Array

  constructor(self: Self, random: Random) {
    this.self = self
    this.#nonce = (BigInt(random.nextUint32()) << 32n) | BigInt(random.nextUint32())
    this.#clientId = self.clientId ?? Uint8Array.from({ length: CLIENT_ID_BYTES }, () => random.nextUint32() & 255)
  }

  /** Our hello to who is seen at `host`. A member that does not know its address is not one yet. */
  encode(host: string, refusal: Refusal = 'none'): Uint8Array {
    const member = this.self.role === 'member' && this.self.address !== ''
    return encodeHello({
      protocolMin: PROTOCOL_VERSION,
      protocolMax: PROTOCOL_VERSION,
      features: 0,
      role: member ? 'member' : 'client',
      refusal,
      nonce: this.#nonce,
      network: this.self.network,
      address: member ? this.self.address : '',
      observedHost: host,
      incarnations: member ? this.self.incarnations : [],
      clientId: member ? undefined : this.#clientId,
    })
  }

  /** Whether we can do with this other end; `none` if so. */
  judge(hello: Hello, dialed: boolean): Refusal {
    if (hello.protocolMin > PROTOCOL_VERSION || hello.protocolMax < PROTOCOL_VERSION) return 'version'
    if (hello.nonce === this.#nonce) return 'self'
    if (hello.network !== this.self.network) return 'network'
    if (hello.role === 'client') return dialed ? 'hello' : 'none'
    const address = parseAddress(hello.address)
    if (!address.ok || address.value.dns || address.value.port === 0) return 'hello'
    return hello.address === this.self.address ? 'duplicate' : 'none'
  }
}

/** Writes down who is at the other end. */
export function introduce(session: LinkSession, hello: Hello, idOf: (address: string, index: number) => Id): void {
  session.role = hello.role
  session.address = hello.address
  if (hello.role === 'member') {
    session.incarnations = hello.incarnations
    session.ids = hello.incarnations.map((_, index) => idOf(hello.address, index))
  } else {
    session.incarnations = [0n]
    session.ids = [Id.fromBytes(hello.clientId!)]
  }
  session.peers = session.ids.map((id, index) => ({
    id,
    address: hello.address,
    incarnation: session.incarnations[index]!,
  }))
}
