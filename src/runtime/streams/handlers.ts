/** Who handles streams of which name, and how a handler is run. */
import type { ByteStream, StreamHandler, StreamInfo } from '../../api.ts'
import { ChordError } from '../../core/errors.ts'
import { methodOfName } from '../values.ts'
import type { ChannelStream } from './byte-stream.ts'

interface Registered {
  readonly name: string
  readonly high: number
  readonly fn: StreamHandler
}

export class StreamHandlers {
  /** By the low word of the name's hash, as message types are. */
  readonly #byMethod = new Map<number, Registered>()

  /** Errors: ERR_BAD_OPTION, ERR_DUPLICATE_HANDLER. */
  handle(name: string, fn: StreamHandler): Disposable {
    if (typeof fn !== 'function') throw new ChordError('ERR_BAD_OPTION', 'a handler must be a function')
    const { low, high } = methodOfName(name)
    const found = this.#byMethod.get(low)
    if (found !== undefined) throw new ChordError('ERR_DUPLICATE_HANDLER', `'${name}' has a handler already`)
    const registered = { name, high, fn }
    this.#byMethod.set(low, registered)
    return {
      [Symbol.dispose]: () => {
        if (this.#byMethod.get(low) === registered) this.#byMethod.delete(low)
      },
    }
  }

  find(low: number, high: number): StreamHandler | undefined {
    const found = this.#byMethod.get(low)
    return found?.high === high ? found.fn : undefined
  }
}

/** Runs a handler; `done` when it is over, which may be at once. */
export function runHandler(fn: StreamHandler, stream: ChannelStream, info: StreamInfo, done: () => void): void {
  let result: unknown
  try {
    result = fn(stream satisfies ByteStream, info)
  } catch (error) {
    stream.fail(error)
    return done()
  }
  if (typeof result !== 'object' || result === null || !('then' in result)) return done()
  Promise.resolve(result).then(
    () => {
      if (stream.readableEnded && !stream.writableEnded) stream.end()
      // It has said all, and nothing of the other side's was of interest.
      if (stream.writableEnded && !stream.readableDidRead) stream.resume()
      done()
    },
    (error: unknown) => {
      stream.fail(error)
      done()
    },
  )
}

/** What a handler is told; the signal is made when it is first asked for. */
export class Info implements StreamInfo {
  readonly head: Uint8Array
  readonly key?: NonNullable<StreamInfo['key']>
  readonly from: StreamInfo['from']
  readonly member: StreamInfo['member']
  readonly #stream: ChannelStream
  readonly #ending: AbortSignal
  #signal: AbortSignal | undefined

  constructor(
    stream: ChannelStream,
    head: Uint8Array,
    key: StreamInfo['key'],
    member: StreamInfo['member'],
    ending: AbortSignal,
  ) {
    this.#stream = stream
    this.#ending = ending
    this.head = head
    if (key !== undefined) this.key = key
    this.from = stream.peer
    this.member = member
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal()
    return this.#signal
  }

  #makeSignal(): AbortSignal {
    const controller = new AbortController()
    const stream = this.#stream
    const onEnding = () => controller.abort(this.#ending.reason)
    if (this.#ending.aborted) onEnding()
    this.#ending.addEventListener('abort', onEnding, { once: true })
    const over = () => {
      this.#ending.removeEventListener('abort', onEnding)
      const isDone = stream.readableEnded && stream.writableFinished
      if (!isDone) controller.abort(stream.errored ?? new ChordError('ERR_RESET', 'the stream was destroyed'))
    }
    if (stream.closed) over()
    else stream.once('close', over)
    return controller.signal
  }
}
