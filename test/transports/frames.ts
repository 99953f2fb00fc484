/** Frames for tests, and a handler that remembers what it was told. */
import { classOf } from '../../src/transports/classes.ts'
import type { CloseReason, FrameRing, Lane, Link, Transport, TransportHandler } from '../../src/transports/transport.ts'
import { checkFrame, makeRing } from '../../src/wire/framing.ts'
import * as L from '../../src/wire/layout.ts'

/** Writes a frame of `type` with `body`, padded, at `offset`; its unpadded length. */
export function writeFrame(ring: FrameRing, offset: number, type: number, body: Uint8Array): number {
  const length = L.HEADER_BYTES + body.length
  ring.bytes.fill(0, offset, offset + L.padded(length))
  ring.words[offset >>> 2] = length
  ring.halves[(offset + L.AT_TYPE) >>> 1] = type
  ring.bytes[offset + L.AT_VERSION] = L.PROTOCOL_VERSION
  ring.bytes.set(body, offset + L.HEADER_BYTES)
  return length
}

export function frameBytes(type: number, body: Uint8Array): Uint8Array {
  const ring = makeRing(L.HEADER_BYTES + body.length)
  writeFrame(ring, 0, type, body)
  return ring.bytes
}

/** What `frameBytes` made, one after the other. */
export function framesOf(bytes: Uint8Array): { type: number; body: Uint8Array }[] {
  const ring = makeRing(bytes.length)
  ring.bytes.set(bytes)
  const frames: { type: number; body: Uint8Array }[] = []
  for (let at = 0, size = 0; at < bytes.length; at += size) {
    size = checkFrame(ring, at, bytes.length - at)
    const body = bytes.slice(at + L.HEADER_BYTES, at + ring.words[at >>> 2]!)
    frames.push({ type: ring.halves[(at + L.AT_TYPE) >>> 1]!, body })
  }
  return frames
}

export const magicBody = new Uint8Array(new Uint32Array([L.HELLO_MAGIC]).buffer)
export const helloBytes = frameBytes(L.TYPE_HELLO, magicBody)

/** True if the frame was taken. */
export function sendFrame(
  transport: Transport,
  link: Link,
  type: number,
  body: Uint8Array,
  lane: Lane = 'own',
): boolean {
  const at = transport.reserve(link, L.HEADER_BYTES + body.length, lane, classOf(type, 0))
  if (at < 0) return false
  transport.commit(link, at, writeFrame(transport.tx, at, type, body))
  return true
}

export function sendHello(transport: Transport, link: Link): void {
  sendFrame(transport, link, L.TYPE_HELLO, magicBody, 'control')
}

export interface Received {
  link: Link
  type: number
  body: Uint8Array
}

/** Remembers everything; `on…` run inside the calls. */
export class Recorder implements TransportHandler {
  readonly links: Link[] = []
  readonly frames: Received[] = []
  readonly closes: { link: Link; reason: CloseReason }[] = []
  readonly drains: Link[] = []
  /** Calls since the last batchEnd. */
  inBatch = 0
  batches = 0
  onFrame: ((received: Received, ring: FrameRing, offset: number) => void) | undefined
  onOpened: ((link: Link) => void) | undefined
  onClosed: ((link: Link) => void) | undefined
  onDrained: ((link: Link) => void) | undefined
  onBatchEnd: (() => void) | undefined

  opened(link: Link): void {
    this.inBatch++
    this.links.push(link)
    this.onOpened?.(link)
  }

  frame(link: Link, ring: FrameRing, offset: number, length: number): void {
    this.inBatch++
    const type = ring.halves[(offset + L.AT_TYPE) >>> 1]!
    const received = { link, type, body: ring.bytes.slice(offset + L.HEADER_BYTES, offset + length) }
    this.frames.push(received)
    this.onFrame?.(received, ring, offset)
  }

  closed(link: Link, reason: CloseReason): void {
    this.inBatch++
    this.closes.push({ link, reason })
    this.onClosed?.(link)
  }

  drained(link: Link): void {
    this.inBatch++
    this.drains.push(link)
    this.onDrained?.(link)
  }

  batchEnd(): void {
    this.inBatch = 0
    this.batches++
    this.onBatchEnd?.()
  }

  /** Bodies of the frames of a type, as text. */
  texts(type = L.TYPE_REQUEST): string[] {
    return this.frames.filter((frame) => frame.type === type).map((frame) => new TextDecoder().decode(frame.body))
  }
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}
