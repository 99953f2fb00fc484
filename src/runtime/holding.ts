/**
 * Frames for addresses without a session yet. They are held here, not in the queue of a connection, because when the
 * connection does not come up it is then certain that they were not delivered, and their originators can be told.
 */

import type { Clock } from '../api.ts'
import { HELD_BYTES_MAX, HELD_FRAMES_MAX } from '../core/config.ts'
import type { Id } from '../core/id.ts'
import { type FrameMemory, readExtensions } from '../wire/frames.ts'
import { extensionOffset } from '../wire/framing.ts'
import { EXT_DEADLINE } from '../wire/layout.ts'
import type { Links } from './links.ts'
import type { Session } from './session.ts'

export interface HeldFrame {
  readonly memory: FrameMemory
  readonly length: number
  /** Of what kind of traffic: passed on for others, or our answer. */
  readonly kind: 'forward' | 'reply'
  readonly heldMs: number
  /** Answers: where on the ring the originator sits, if it is a member. */
  readonly originId: Id | undefined
}

export interface HoldingOptions {
  links: () => Links
  clock: Clock
  /** One that waited to be passed on has left. */
  passedOn?(session: Session, m: FrameMemory): void
  /** The connection did not come up, or the queue is full. */
  undeliverable(frame: HeldFrame): void
}

export class Holding {
  dropped = 0
  readonly #o: HoldingOptions
  readonly #byAddress = new Map<string, HeldFrame[]>()
  #bytes = 0

  constructor(o: HoldingOptions) {
    this.#o = o
  }

  /** Takes over `memory`. */
  hold(address: string, kind: HeldFrame['kind'], memory: FrameMemory, length: number, originId?: Id): void {
    const frame: HeldFrame = { memory, length, kind, heldMs: this.#o.clock.nowMs(), originId }
    let frames = this.#byAddress.get(address)
    if (this.#bytes + length > HELD_BYTES_MAX || (frames?.length ?? 0) >= HELD_FRAMES_MAX) {
      this.dropped++
      return this.#o.undeliverable(frame)
    }
    if (frames === undefined) {
      frames = []
      this.#byAddress.set(address, frames)
    }
    frames.push(frame)
    this.#bytes += length
    this.#o.links().open(address, kind === 'forward' ? 'routing' : 'reply')
  }

  sessionUp(): void {
    for (const address of this.#byAddress.keys()) {
      const session = this.#o.links().session(address)
      if (session === undefined) continue
      for (const frame of this.#take(address)) {
        if (!this.#age(frame)) this.dropped++
        else if (!this.#o.links().sendOn(session, frame.memory.bytes, frame.kind === 'forward' ? 'forward' : 'own')) {
          this.#o.undeliverable(frame)
        } else if (frame.kind === 'forward') this.#o.passedOn?.(session, frame.memory)
      }
    }
  }

  sessionDown(address: string): void {
    if (!this.#byAddress.has(address) || this.#o.links().session(address) !== undefined) return
    for (const frame of this.#take(address)) this.#o.undeliverable(frame)
  }

  #take(address: string): HeldFrame[] {
    const frames = this.#byAddress.get(address) ?? []
    this.#byAddress.delete(address)
    for (const frame of frames) this.#bytes -= frame.length
    return frames
  }

  /** Takes the time that it was held off the deadline it carries; false if that has passed. */
  #age(frame: HeldFrame): boolean {
    const extensions = readExtensions(frame.memory, 0)
    if ((extensions & EXT_DEADLINE) === 0) return true
    const word = extensionOffset(frame.memory, 0, EXT_DEADLINE) >>> 2
    const left = frame.memory.words[word]! - (this.#o.clock.nowMs() - frame.heldMs)
    frame.memory.words[word] = Math.max(0, Math.ceil(left))
    return left > 0
  }
}
