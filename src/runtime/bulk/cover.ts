/**
 * Which of many keys have an owner, and which to ask next, so that a few answers cover them all. Answers are ranges, and the keys are
 * in the order of the ring: an answer covers a run of them. Keys without one form gaps; a question about a key in the middle of a gap
 * leaves two smaller ones.
 *
 *     ──covered──┤    gap    ├──covered──┤      question      ├──covered──
 */
import type { Owner, Range } from '../../api.ts'
import type { ChordError } from '../../core/errors.ts'
import { ID_BYTES, Id } from '../../core/id.ts'
import { samePeer } from '../../core/messages.ts'
import { IdOrder } from './id-order.ts'

/** Positions [from, to): nobody asks about them, or somebody about the key at `asked`. */
export interface Gap {
  from: number
  to: number
  asked: number
  /** Who owned all of it lately. */
  hinted: boolean
}

/** Instead of the index of an owner. */
export const FAILED = -1
const OPEN = -2

/** Questions to begin with, where nothing is known of how many owners there are. */
const FIRST_QUESTIONS = 64

export class Cover {
  readonly owners: Owner[] = []
  readonly errors = new Map<number, ChordError>()
  /** For each key the index of its owner, or FAILED. */
  readonly indexes: Int32Array
  /** Keys that have neither an owner nor an error. */
  open: number
  readonly #keys: IdOrder
  /** What nobody asks about. */
  #gaps: Gap[] = []
  #isTidy = true
  #covered = 0

  constructor(ids: Uint8Array) {
    this.#keys = new IdOrder(ids)
    this.open = this.#keys.size
    this.indexes = new Int32Array(this.open).fill(OPEN)
    this.#gaps.push({ from: 0, to: this.open, asked: -1, hinted: false })
  }

  /** `owners` had these ranges lately, disjoint and in order: one question for each of them will probably do. Before the first `next`. */
  hint(owners: readonly Owner[]): void {
    this.#gaps = []
    let done = 0
    const run = (from: number, to: number) => {
      if (from < done || from >= to) return
      this.#add(done, from, false)
      this.#add(from, to, true)
      done = to
    }
    const last = owners[0] && this.#runOf(owners[0].range)
    for (const { range } of owners) {
      const { from, to, wraps } = this.#runOf(range)
      run(wraps ? 0 : from, to)
    }
    if (last?.wraps) run(last.from, this.#keys.size)
    this.#add(done, this.#keys.size, false)
  }

  /** What to ask now: `keyOf` it. Give it back by `answered`, `failed` or `returned`. */
  next(): Gap | undefined {
    this.#tidy()
    for (let gap = this.#gaps.pop(); gap !== undefined; gap = this.#gaps.pop()) {
      this.#trim(gap)
      const count = gap.to - gap.from
      if (count === 0) continue
      const size = gap.hinted ? count : Math.ceil(count / Math.ceil(count / this.#grain()))
      if (size < count) {
        this.#gaps.push({ ...gap, from: gap.from + size })
        gap.to = gap.from + size
      }
      const middle = (gap.from + gap.to) >>> 1
      gap.asked = this.#isOpen(middle) ? middle : gap.from
      return gap
    }
    return undefined
  }

  keyOf(gap: Gap): Id {
    return Id.fromBytes(this.#keys.ids, this.#keys.order[gap.asked]! * ID_BYTES)
  }

  /** The owner has said so. */
  answered(gap: Gap, owner: Owner): void {
    if (!this.#isKnown(gap.asked, owner)) {
      this.owners.push(owner)
      this.cover(this.owners.length - 1, owner.range)
      // Whatever its range is said to be.
      this.#put(gap.asked, this.owners.length - 1)
    }
    this.#reopen(gap)
  }

  /** The owner is a member of ours, or has answered. */
  cover(owner: number, range: Range): void {
    const { from, to, wraps } = this.#runOf(range)
    if (wraps) for (let at = 0; at < to; at++) this.#put(at, owner)
    for (let at = from; at < (wraps ? this.#keys.size : to); at++) this.#put(at, owner)
  }

  /** That key, alone. */
  failed(gap: Gap, error: ChordError): void {
    if (this.#isOpen(gap.asked)) this.#fail(this.#keys.order[gap.asked]!, error)
    this.#reopen(gap)
  }

  /** All that are left. */
  failAll(error: ChordError): void {
    for (let key = 0; key < this.indexes.length; key++) if (this.indexes[key] === OPEN) this.#fail(key, error)
  }

  /** It has not been asked. */
  returned(gap: Gap): void {
    this.#add(gap.from, gap.to, gap.hinted)
  }

  /** No answer has come for long: those beside the key that was asked about need not wait for it. */
  split(gap: Gap): void {
    this.#reopen(gap)
    gap.from = gap.asked
    gap.to = gap.asked + 1
  }

  #fail(key: number, error: ChordError): void {
    this.indexes[key] = FAILED
    this.errors.set(key, error)
    this.open--
  }

  #put(at: number, owner: number): void {
    if (!this.#isOpen(at)) return
    this.indexes[this.#keys.order[at]!] = owner
    this.open--
    this.#covered++
  }

  #isOpen(at: number): boolean {
    return this.indexes[this.#keys.order[at]!] === OPEN
  }

  /** Two that were asked at the same time may have the same owner. */
  #isKnown(at: number, { owner, range, epoch }: Owner): boolean {
    const known = this.owners[this.indexes[this.#keys.order[at]!]!]
    return (
      known !== undefined &&
      samePeer(known.owner, owner) &&
      known.epoch === epoch &&
      known.range.after.equals(range.after)
    )
  }

  /** As many keys as an owner has on average, as far as is known. */
  #grain(): number {
    if (this.owners.length === 0) return Math.ceil(this.#keys.size / FIRST_QUESTIONS)
    return Math.max(1, Math.floor(this.#covered / this.owners.length))
  }

  #runOf({ after, upTo }: Range): { from: number; to: number; wraps: boolean } {
    const wraps = upTo.compare(after) <= 0
    return { from: this.#keys.countUpTo(after), to: this.#keys.countUpTo(upTo), wraps }
  }

  #reopen(gap: Gap): void {
    this.#add(gap.from, gap.asked, false)
    this.#add(gap.asked + 1, gap.to, false)
  }

  #add(from: number, to: number, hinted: boolean): void {
    const gap = { from, to, asked: -1, hinted }
    this.#trim(gap)
    if (gap.from === gap.to) return
    this.#gaps.push(gap)
    this.#isTidy = false
  }

  #trim(gap: Gap): void {
    while (gap.from < gap.to && !this.#isOpen(gap.from)) gap.from++
    while (gap.from < gap.to && !this.#isOpen(gap.to - 1)) gap.to--
  }

  /** What two answers have left of what lay between them is one gap. */
  #tidy(): void {
    if (this.#isTidy) return
    this.#isTidy = true
    for (const gap of this.#gaps) this.#trim(gap)
    this.#gaps.sort((a, b) => b.from - a.from)
    const merged: Gap[] = []
    for (const gap of this.#gaps) {
      const last = merged[merged.length - 1]
      if (last !== undefined && gap.to === last.from && !gap.hinted && !last.hinted) last.from = gap.from
      else if (gap.from < gap.to) merged.push(gap)
    }
    this.#gaps = merged
  }
}
