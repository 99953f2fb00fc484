/** The ways that frames of streams can take. */
import type { FrameRing } from '../../transports/transport.ts'
import { type FrameMemory, frameMemory } from '../../wire/frames.ts'
import { CLASS_BULK, CLASS_LOOKUP, FRAME_BYTES_MAX } from '../../wire/layout.ts'
import type { Links } from '../links.ts'
import type { Session } from '../session.ts'
import type { Wire } from './carrier.ts'

/** Over a connection. */
export class SessionWire implements Wire {
  readonly #links: () => Links
  readonly #session: Session

  constructor(links: () => Links, session: Session) {
    this.#links = links
    this.#session = session
  }

  get queuedBytes(): number {
    return this.#session.link.queuedBytes
  }

  get memory(): FrameRing {
    return this.#links().tx
  }

  reserve(bytes: number, isBulk: boolean): number {
    const [lane, trafficClass] = isBulk ? (['own', CLASS_BULK] as const) : (['control', CLASS_LOOKUP] as const)
    return this.#links().reserve(this.#session, bytes, lane, trafficClass)
  }

  commit(offset: number, bytes: number): void {
    this.#links().commit(this.#session, offset, bytes)
  }

  flush(): void {
    this.#links().transport.flush()
  }
}

/** Frames of a turn at most. */
const FRAMES_PER_TURN = 64

/** From this process to itself: what is sent arrives in a later turn. */
export class OwnWire implements Wire {
  queuedBytes = 0
  memory: FrameMemory = frameMemory(FRAME_BYTES_MAX)
  readonly #defer: (fn: () => void) => void
  readonly #arrive: (memory: FrameMemory, length: number) => void
  #frames: { readonly memory: FrameMemory; readonly length: number }[] = []

  constructor(defer: (fn: () => void) => void, arrive: (memory: FrameMemory, length: number) => void) {
    this.#defer = defer
    this.#arrive = arrive
  }

  reserve(bytes: number): number {
    this.memory = frameMemory(bytes)
    return 0
  }

  commit(_: number, bytes: number): void {
    this.queuedBytes += bytes
    this.#frames.push({ memory: this.memory, length: bytes })
    if (this.#frames.length === 1) this.#defer(this.#deliver)
  }

  flush(): void {}

  readonly #deliver = (): void => {
    const frames = this.#frames.slice(0, FRAMES_PER_TURN)
    for (const { memory, length } of frames) {
      this.queuedBytes -= length
      this.#arrive(memory, length)
    }
    this.#frames = this.#frames.slice(frames.length)
    if (this.#frames.length > 0) this.#defer(this.#deliver)
  }
}
