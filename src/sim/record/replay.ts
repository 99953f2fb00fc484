/**
 * Tells fresh cores what recorded ones were told, at the times at which those were told it, and compares: every state that
 * was written down must be met again.
 */
import type { ChordNode } from '../../core/chord-node.ts'
import type { Peer } from '../../core/messages.ts'
import type { CoreEvent, Output } from '../../core/output.ts'
import { RecordedRandom } from '../../core/recorded-random.ts'
import { digest, restore } from '../../core/snapshot.ts'
import { type Digest, type Entry, type Header, markOf, type Start } from '../../wire/recording.ts'
import { type Cut, RecordingReader } from '../../wire/recording-reader.ts'
import { give, type Input } from '../input.ts'
import { Rules } from './rules.ts'

/** The contents of one file. */
export interface Recording {
  readonly name: string
  readonly bytes: Uint8Array
}

/** What happened at one input. Inputs are numbered from 0, over all files of a run. */
export interface Step {
  readonly number: number
  readonly nowMs: number
  readonly node: ChordNode
  readonly input: Input
  /** Messages, events and wishes, in order. */
  readonly outputs: readonly Output[]
}

export interface ReplayOptions {
  /** Stop before this input, or before the first that is later than this, counted from the first of all. */
  untilInput?: number
  untilMs?: number
  /** Called after every input. */
  step?: (step: Step) => void
  /** Called for every event of a core. */
  event?: (node: ChordNode, event: CoreEvent, nowMs: number) => void
}

/** The states that were recorded are not met, or a core breaks a rule. */
export interface Deviation {
  readonly kind: 'state' | 'rule' | 'exception'
  /** The last input before it. */
  readonly input: number
  readonly peer: Peer
  readonly what: string
}

export interface Replayed {
  /** Of the first file. */
  readonly header: Header
  readonly files: readonly string[]
  /** Told to the cores, from `firstInput` on. */
  readonly inputs: number
  readonly firstInput: number
  readonly fromMs: number
  readonly toMs: number
  /** States that were compared. */
  readonly compared: number
  /** As they are at the end. */
  readonly members: readonly ChordNode[]
  /** Where files end too early: the rest is lost. */
  readonly cuts: readonly (Cut & { readonly name: string })[]
  /** Why the recording ended, if it says so. */
  readonly end: string | undefined
  readonly deviation: Deviation | undefined
}

/** Each run among the recordings, in the order in which they are first met. Files that are none are left out, see `cuts`. */
export function replay(recordings: readonly Recording[], options: ReplayOptions = {}): Replayed[] {
  const runs = new Map<string, { header: Header; recording: Recording }[]>()
  for (const recording of recordings) {
    const header = headerOf(recording)
    if (header === undefined) continue
    const files = runs.get(header.run) ?? []
    runs.set(header.run, files)
    files.push({ header, recording })
  }
  return Array.from(runs.values(), (files) => {
    files.sort((a, b) => a.header.file - b.header.file)
    const { header } = files[0]!
    const run = new Replay(header, options)
    for (const { recording } of files) run.file(recording)
    return run.result()
  })
}

/** Undefined: it is no recording, or not one of this format. */
export function headerOf({ bytes }: Recording): Header | undefined {
  for (const entry of new RecordingReader(bytes)) return entry.kind === 'header' ? entry.header : undefined
  return undefined
}

class Replay {
  readonly #header: Header
  readonly #options: ReplayOptions
  readonly #files: string[] = []
  readonly #cuts: (Cut & { name: string })[] = []
  #nodes: ChordNode[] = []
  #rules: Rules[] = []
  #random = new RecordedRandom([0, 0, 0, 0])
  #first = -1
  /** Of the next input. */
  #number = 0
  #told = 0
  /** Of each member, the last input that it was told. */
  #lastTold: number[] = []
  #fromMs = Number.NaN
  #toMs = Number.NaN
  #compared = 0
  #end: string | undefined
  #deviation: Deviation | undefined
  #isDone = false

  constructor(header: Header, options: ReplayOptions) {
    this.#header = header
    this.#options = options
  }

  file({ name, bytes }: Recording): void {
    if (this.#isDone) return
    this.#files.push(name)
    const reader = new RecordingReader(bytes)
    for (const entry of reader) {
      try {
        this.#entry(entry)
      } catch {
        // What has a right checksum and is still nonsense, nobody of us wrote.
        this.#cuts.push({ name, at: -1, why: `what it says of input ${this.#number} makes no sense` })
        this.#isDone = true
      }
      if (this.#isDone) return
    }
    if (reader.cut !== undefined) this.#cuts.push({ ...reader.cut, name })
  }

  result(): Replayed {
    return {
      header: this.#header,
      files: this.#files,
      inputs: this.#told,
      firstInput: Math.max(0, this.#first),
      fromMs: this.#fromMs,
      toMs: this.#toMs,
      compared: this.#compared,
      members: this.#nodes,
      cuts: this.#cuts,
      end: this.#end,
      deviation: this.#deviation,
    }
  }

  #entry(entry: Entry): void {
    switch (entry.kind) {
      case 'header':
        return
      case 'start':
        return this.#start(entry.start)
      case 'input':
        return this.#input(entry)
      case 'digest':
        return this.#digest(entry)
      case 'end':
        this.#end = entry.reason
        return
      default:
        entry satisfies never
    }
  }

  #start(start: Start): void {
    const { config, members, random } = start
    const generator = new RecordedRandom(random)
    const nodes = members.map(({ self, state }) => restore(state, { self, config, random: generator }))
    const follows = start.continues && this.#number === start.input && this.#nodes.length === nodes.length
    if (follows) {
      for (const [index, node] of nodes.entries()) {
        this.#compare(index, digest(node), random)
        if (this.#isDone) return
      }
    }
    if (this.#first < 0) this.#first = start.input
    this.#number = start.input
    this.#random = generator
    this.#nodes = nodes
    this.#rules = nodes.map((node) => new Rules(node))
    this.#lastTold = nodes.map(() => start.input - 1)
  }

  #input(entry: Entry & { readonly kind: 'input' }): void {
    const { untilInput = Number.POSITIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = this.#options
    const { member, mark, nowMs, input } = entry
    if (this.#deviation !== undefined || this.#number >= untilInput || nowMs - this.#fromMs > untilMs) {
      this.#isDone = true
      return
    }
    const node = this.#nodes[member] as ChordNode
    if (markOf(node) !== mark) return this.#deviate('state', member, this.#lastTold[member]!, 'its state is another')
    const number = this.#number++
    this.#told++
    this.#lastTold[member] = number
    if (Number.isNaN(this.#fromMs)) this.#fromMs = nowMs
    this.#toMs = nowMs
    try {
      give(node, input, nowMs)
    } catch (error) {
      this.#deviate('exception', member, number, error instanceof Error ? error.message : String(error))
    }
    this.#drain({ number, nowMs, node, input }, member)
  }

  #drain(step: Omit<Step, 'outputs'>, member: number): void {
    const { node, nowMs, number } = step
    const outputs: Output[] = []
    const events: CoreEvent[] = []
    for (let output = node.poll(); output !== undefined; output = node.poll()) {
      outputs.push(output)
      if (output.kind === 'event') events.push(output.event)
    }
    this.#options.step?.({ ...step, outputs })
    for (const event of events) this.#options.event?.(node, event, nowMs)
    const wrong = this.#rules[member]!.check(events)
    if (wrong !== undefined) this.#deviate('rule', member, number, wrong)
  }

  #digest({ member, digest: expected, random }: Digest): void {
    const node = this.#nodes[member] as ChordNode
    this.#compare(member, expected, random, digest(node))
  }

  #compare(member: number, expected: string, random: readonly number[], found = digest(this.#nodes[member]!)): void {
    this.#compared++
    const last = this.#number - 1
    if (found !== expected) return this.#deviate('state', member, last, `its state is ${found}, not ${expected}`)
    if (this.#random.state.some((word, index) => word >>> 0 !== random[index]! >>> 0)) {
      this.#deviate('state', member, last, 'other random numbers were drawn')
    }
  }

  /** The first one only: what follows it follows from it. */
  #deviate(kind: Deviation['kind'], member: number, input: number, what: string): void {
    // Whoever recorded an exception says so yet, and no more.
    this.#isDone = kind !== 'exception'
    this.#deviation ??= { kind, input, peer: (this.#nodes[member] as ChordNode).self, what }
  }
}
