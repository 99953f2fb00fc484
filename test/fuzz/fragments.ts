/**
 * Several senders of fragments at once: right ones, wrong ones and such as stop in the middle. Held against a model that knows
 * the rules only: who may send what next, what a whole message is, and what may be held in all.
 */
import { FragmentCutter, Reassembler } from '../../src/wire/fragments.ts'
import { checkFrame, makeRing, type Ring } from '../../src/wire/framing.ts'
import * as L from '../../src/wire/layout.ts'
import { frameAround, must, Script, sameBytes, type Target } from './input.ts'

const MESSAGE_BYTES_MAX = 1_024
const BUDGET_BYTES = 2_048
const OWNERS = 4
const SLICE_AT = L.HEADER_BYTES + L.FRAGMENT_BYTES

interface Sender {
  /** Number of the last message begun. */
  number: number
  total: number
  /** The first `count` bytes are there. */
  bytes: Uint8Array
  count: number
}

const target: Target = (bytes) => {
  const script = new Script(bytes)
  if (script.u8() === 255) return cutAndAssemble(script)
  const senders = new Senders()
  while (!script.done) senders.step(script)
}
export default target

class Senders {
  readonly #reassembler = new Reassembler<number>(MESSAGE_BYTES_MAX, BUDGET_BYTES)
  readonly #senders: Sender[] = Array.from({ length: OWNERS }, fresh)
  /** Those with a message under way, the one that has waited longest first. */
  #waiting: number[] = []

  /** One byte says who, and how far from the rules it is what comes. */
  step(script: Script): void {
    const choice = script.u8()
    const owner = choice % OWNERS
    const sender = this.#senders[owner]!
    if (choice >= 252) return this.#forget(owner)
    const begun = sender.count > 0
    let total = begun ? sender.total : L.HEADER_BYTES + (script.u8() % 64) * 16
    let at = sender.count
    let number = begun ? sender.number : sender.number + 1
    let slice = script.take(script.u8() % (total - at + 1))
    if (!begun) slice = this.#headed(slice, total, choice)
    let zero = 0
    if ((choice & 0x70) === 0x70) {
      const what = script.u8() % 6
      if (what === 0) total = script.u32()
      if (what === 1) at = script.u16()
      if (what === 2) number = script.u32()
      if (what === 3) zero = script.u8()
      if (what === 4) slice = script.take(script.u8())
    }
    this.#take(owner, { total, at, number, zero, slice, extensions: choice === 251 ? 0 : L.EXT_FRAGMENT })
  }

  /** The message's own header, mostly. */
  #headed(slice: Uint8Array, total: number, choice: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(slice.length, Math.min(total, L.HEADER_BYTES)))
    bytes.set(slice)
    const view = new DataView(bytes.buffer)
    if (bytes.length < L.HEADER_BYTES || (choice & 0x0c) === 0x0c) return bytes
    bytes.fill(0, 0, L.HEADER_BYTES)
    view.setUint32(0, total, true)
    view.setUint16(L.AT_TYPE, L.TYPE_REQUEST, true)
    bytes[L.AT_VERSION] = L.PROTOCOL_VERSION
    return bytes
  }

  #take(owner: number, fragment: Fragment): void {
    const sender = this.#senders[owner]!
    const ring = fragmentFrame(fragment)
    // Those who wait longest make room, one after the other, as the runtime lets them.
    let result = this.#reassembler.take(owner, ring, 0, ring.words[0]!)
    for (let i = 0; result.kind === 'full'; i++) {
      must(i < OWNERS, 'full although everybody has gone')
      must(this.#room(fragment.total) < 0, 'full although there is room')
      must(result.victim === this.#waiting[0], 'the victim is not who has waited longest')
      this.#forget(result.victim)
      result = this.#reassembler.take(owner, ring, 0, ring.words[0]!)
    }
    const fault = this.#fault(sender, fragment)
    if (result.kind === 'fault') {
      must(fault !== undefined && (fault === result.fault || fault === 'any'), `${result.fault}, not ${fault}`)
      this.#forget(owner)
    } else {
      must(fault === undefined, `should be ${fault}`)
      sender.number = fragment.number
      sender.total = fragment.total
      sender.bytes.set(fragment.slice, sender.count)
      sender.count += fragment.slice.length
      this.#waiting = [...this.#waiting.filter((other) => other !== owner), owner]
      must((result.kind === 'message') === (sender.count === sender.total), 'whole and not, or the reverse')
      if (result.kind === 'message') this.#complete(owner, result.ring, result.bytes)
    }
    const held = this.#waiting.reduce((sum, other) => sum + L.padded(this.#senders[other]!.total), 0)
    must(this.#reassembler.heldBytes === held && held <= BUDGET_BYTES, 'the budget does not add up')
  }

  /** What is wrong with it by the rules; `frame` only once it is whole. */
  #fault(sender: Sender, { total, at, number, zero, slice, extensions }: Fragment): string | undefined {
    if (extensions !== L.EXT_FRAGMENT) return 'order'
    if (sender.count === 0) {
      if (at !== 0 || number !== sender.number + 1) return 'order'
      if (total < L.HEADER_BYTES || total > MESSAGE_BYTES_MAX) return 'size'
    } else if (number !== sender.number || total !== sender.total || at !== sender.count) {
      return 'order'
    }
    if (zero !== 0 || slice.length === 0 || at + slice.length > total) return 'order'
    if (at + slice.length < total) return undefined
    const whole = makeRing(total)
    whole.bytes.set(sender.bytes.subarray(0, at))
    whole.bytes.set(slice, at)
    const good = checkFrame(whole, 0, L.padded(total)) === L.padded(total) && whole.words[0] === total
    return good && whole.halves[L.AT_TYPE >>> 1]! >= L.TYPE_MAINTENANCE_FIRST ? undefined : 'frame'
  }

  #complete(owner: number, ring: Ring, bytes: number): void {
    const sender = this.#senders[owner]!
    must(sameBytes(ring.bytes.subarray(0, bytes), sender.bytes.subarray(0, sender.count)), 'another message')
    sender.count = 0
    this.#waiting = this.#waiting.filter((other) => other !== owner)
  }

  #forget(owner: number): void {
    this.#reassembler.forget(owner)
    const sender = this.#senders[owner]!
    sender.number = sender.total = sender.count = 0
    this.#waiting = this.#waiting.filter((other) => other !== owner)
  }

  #room(total: number): number {
    return BUDGET_BYTES - this.#reassembler.heldBytes - L.padded(total)
  }
}

interface Fragment {
  total: number
  at: number
  number: number
  zero: number
  slice: Uint8Array
  extensions: number
}

function fresh(): Sender {
  return { number: 0, total: 0, bytes: new Uint8Array(MESSAGE_BYTES_MAX), count: 0 }
}

function fragmentFrame({ total, at, number, zero, slice, extensions }: Fragment): Ring {
  const body = new Uint8Array(L.FRAGMENT_BYTES + slice.length)
  body.set(slice, L.FRAGMENT_BYTES)
  const { ring } = frameAround(L.TYPE_FRAGMENT, body)
  ring.halves[L.AT_EXTENSIONS >>> 1] = extensions
  ring.words.set([total, at, number, zero], L.HEADER_BYTES >>> 2)
  must(SLICE_AT + slice.length === ring.words[0], 'a fragment of another length')
  return ring
}

/** A long message, as our own side cuts it. */
function cutAndAssemble(script: Script): void {
  const message = frameAround(L.TYPE_REQUEST, new Uint8Array(script.u32() % 80_000).fill(script.u8()))
  const bytes = message.ring.bytes.subarray(0, message.length)
  const reassembler = new Reassembler<number>(1 << 20, 1 << 20)
  const cutter = new FragmentCutter(bytes, 1)
  while (!cutter.done) {
    const ring = makeRing(cutter.frameBytes)
    cutter.writeNext(ring, 0)
    must(checkFrame(ring, 0, ring.bytes.length) === ring.bytes.length, 'a fragment that is no frame')
    const result = reassembler.take(0, ring, 0, ring.words[0]!)
    must(result.kind === (cutter.done ? 'message' : 'partial'), `${result.kind} in the middle`)
    if (result.kind === 'message')
      must(sameBytes(result.ring.bytes.subarray(0, result.bytes), bytes), 'another message')
  }
  must(reassembler.heldBytes === 0, 'held after the end')
}
