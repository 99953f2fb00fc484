/** A core that has everything written down that it is told. What one call does by another is not told. */
import { ChordNode } from '../core/chord-node.ts'
import type { Message, Peer } from '../core/messages.ts'
import type { CoreConfig, CoreRandom } from '../core/state.ts'
import type { Input } from '../wire/recording.ts'

export interface Scribe {
  told(member: number, input: Input, nowMs: number): void
  done(member: number): void
  failed(error: unknown): void
}

export class RecordedNode extends ChordNode {
  readonly #scribe: Scribe
  readonly #member: number
  #inside = false

  constructor(o: { self: Peer; config: CoreConfig; random: CoreRandom }, scribe: Scribe, member: number) {
    super(o)
    this.#scribe = scribe
    this.#member = member
  }

  override create(nowMs: number): void {
    this.#tell({ kind: 'create' }, nowMs, () => super.create(nowMs))
  }

  override join(contacts: readonly Peer[], nowMs: number): void {
    this.#tell({ kind: 'join', contacts }, nowMs, () => super.join(contacts, nowMs))
  }

  override contact(peer: Peer, nowMs: number): void {
    this.#tell({ kind: 'contact', peer }, nowMs, () => super.contact(peer, nowMs))
  }

  override compareRings(peer: Peer, nowMs: number): void {
    this.#tell({ kind: 'compareRings', peer }, nowMs, () => super.compareRings(peer, nowMs))
  }

  override leave(nowMs: number): void {
    this.#tell({ kind: 'leave' }, nowMs, () => super.leave(nowMs))
  }

  override handleMessage(from: Peer, request: number, message: Message, nowMs: number): void {
    const input: Input = { kind: 'message', from, request, message }
    this.#tell(input, nowMs, () => super.handleMessage(from, request, message, nowMs))
  }

  override handleTimeout(nowMs: number): void {
    this.#tell({ kind: 'timeout' }, nowMs, () => super.handleTimeout(nowMs))
  }

  override refused(address: string, nowMs: number): void {
    this.#tell({ kind: 'refused', address }, nowMs, () => super.refused(address, nowMs))
  }

  override departed(address: string, nowMs: number): void {
    this.#tell({ kind: 'departed', address }, nowMs, () => super.departed(address, nowMs))
  }

  override connectionLost(address: string, nowMs: number): void {
    this.#tell({ kind: 'connectionLost', address }, nowMs, () => super.connectionLost(address, nowMs))
  }

  override silent(address: string, nowMs: number): void {
    this.#tell({ kind: 'silent', address }, nowMs, () => super.silent(address, nowMs))
  }

  override handedOver(token: number, nowMs: number): void {
    this.#tell({ kind: 'handedOver', token }, nowMs, () => super.handedOver(token, nowMs))
  }

  #tell(input: Input, nowMs: number, give: () => void): void {
    if (this.#inside) return give()
    this.#scribe.told(this.#member, input, nowMs)
    this.#inside = true
    try {
      give()
    } catch (error) {
      this.#scribe.failed(error)
      throw error
    } finally {
      this.#inside = false
    }
    this.#scribe.done(this.#member)
  }
}
