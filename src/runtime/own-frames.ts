/**
 * Frames of our own for ourselves: calls for keys that are ours, and their answers. They wait for another turn, because what a caller does
 * not await must not run inside its call; and for the bytes they are made of, because those are the caller's again when it returns.
 */
import { type FrameMemory, frameMemory } from '../wire/frames.ts'
import { padded } from '../wire/layout.ts'

export interface OwnFramesOptions {
  /** Runs `run` soon, but not in this turn. */
  defer(run: () => void): void
  /** One frame; what it throws is caught. Then the memory is used again, but not before `handled`. */
  handle(memory: FrameMemory, at: number, length: number): void
  /** Around the frames of one go. */
  begin(): void
  handled(): void
}

/** Handled in one go: more, and connections and timers get their turn first. */
const FRAMES_MAX = 1_024
/** Requests, and then the answers to them. */
const GOES = 2
const PAGE_BYTES = 32_768
/** Kept for later. */
const PAGES_MAX = 4

export class OwnFrames {
  readonly #o: OwnFramesOptions
  /** What comes while one is handled goes to the other. */
  #filling = new Queue()
  #handling = new Queue()
  #isDue = false

  constructor(o: OwnFramesOptions) {
    this.#o = o
  }

  /** Memory for one frame, written before the next one is asked for: it starts at `at`. */
  add(bytes: number): FrameMemory {
    if (!this.#isDue) this.#o.defer(this.#run)
    this.#isDue = true
    return this.#filling.add(bytes)
  }

  /** Of the frame that was added last. */
  get at(): number {
    return this.#filling.lastAt
  }

  clear(): void {
    this.#filling.clear()
    this.#handling.clear()
  }

  readonly #run = (): void => {
    for (let go = 0; go < GOES && !this.#isEmpty; go++) {
      if (this.#handling.isEmpty) [this.#handling, this.#filling] = [this.#filling, this.#handling]
      this.#o.begin()
      this.#handling.take(FRAMES_MAX, this.#o.handle)
      this.#o.handled()
      if (this.#handling.isEmpty) this.#handling.clear()
    }
    this.#isDue = !this.#isEmpty
    if (this.#isDue) this.#o.defer(this.#run)
  }

  get #isEmpty(): boolean {
    return this.#handling.isEmpty && this.#filling.isEmpty
  }
}

interface Frame {
  readonly memory: FrameMemory
  readonly at: number
  readonly length: number
}

class Queue {
  lastAt = 0
  #frames: Frame[] = []
  #next = 0
  readonly #pages: FrameMemory[] = []
  /** Which page is written, and how far. */
  #page = 0
  #end = 0

  get isEmpty(): boolean {
    return this.#next === this.#frames.length
  }

  add(length: number): FrameMemory {
    const memory = this.#room(padded(length))
    this.#frames.push({ memory, at: this.lastAt, length })
    return memory
  }

  take(most: number, handle: OwnFramesOptions['handle']): void {
    for (let i = 0; i < most && !this.isEmpty; i++) {
      const { memory, at, length } = this.#frames[this.#next++]!
      handle(memory, at, length)
    }
  }

  clear(): void {
    this.#frames = []
    this.#next = this.#page = this.#end = 0
    this.#pages.length = Math.min(this.#pages.length, PAGES_MAX)
  }

  #room(bytes: number): FrameMemory {
    this.lastAt = 0
    if (bytes > PAGE_BYTES) return frameMemory(bytes)
    if (this.#end + bytes > PAGE_BYTES) {
      this.#page++
      this.#end = 0
    }
    this.lastAt = this.#end
    this.#end += bytes
    this.#pages[this.#page] ??= frameMemory(PAGE_BYTES)
    return this.#pages[this.#page]!
  }
}
