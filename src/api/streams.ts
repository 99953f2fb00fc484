/** Streams: data larger than a message, in both directions, as fast as the other side reads. */
import type { Duplex } from 'node:stream'
import type { ReadableStream, WritableStream } from 'node:stream/web'
import type { Id } from '../core/id.ts'
import type { Wait } from './caller.ts'
import type { Member, Peer } from './ring.ts'

/** `timeoutMs` is for the opening only, default 5,000; the signal ends the opening, and later the stream, with ERR_ABORTED. */
export interface StreamOptions extends Wait {
  /** What the handler is told with the opening, as `info.head`: at most 16,384 bytes. Default: none. */
  head?: Uint8Array
}

/**
 * One end of a stream of bytes: a Node.js `Duplex`, with all that belongs to it (`pipeline`, `for await`, `setEncoding`). Writing waits for
 * the other side to read. `for await` to the end leaves the own direction open, for an answer; to break off destroys the stream. `end()` ends this direction only; the stream closes when both have ended. `destroy(error)` ends both, and the other
 * side gets ERR_RESET with the error's message, as it does when a stream is destroyed without an error before its end.
 *
 * Errors: ERR_RESET, ERR_REMOTE (the handler failed), ERR_CONNECTION_LOST, ERR_ABORTED, ERR_CLOSED. Nobody needs to listen for `error`:
 * one that nobody listens for ends no process.
 */
export interface ByteStream extends Duplex {
  /** Who is at the other end; a client has an empty address. */
  readonly peer: Peer
  /** The same stream as web streams. Use one or the other. */
  toWeb(): WebStreamPair
}

export interface WebStreamPair {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
}

/** What a handler of streams is told. */
export interface StreamInfo {
  readonly head: Uint8Array
  /** Present if the stream was opened to a key. */
  readonly key?: Id
  readonly from: Peer
  /** The virtual node that it was opened to. */
  readonly member: Member
  /** Aborts when the stream is over before its end, and when the node leaves or closes: leaving waits for streams to end. */
  readonly signal: AbortSignal
}

/**
 * Called when a stream has been opened. What it throws, or what the promise that it returns is rejected with, ends the stream: the
 * other side gets ERR_REMOTE. If its promise is fulfilled when all has been read, its own direction is ended too; if it has ended that and
 * read nothing, what comes is thrown away. It may return before.
 */
export type StreamHandler = (stream: ByteStream, info: StreamInfo) => unknown
