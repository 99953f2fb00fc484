/** Who handles which message type. */
import type { BorrowedBatch, Incoming, MessageType } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import type { Method } from '../wire/frames.ts'
import { methodOfName, methodOfType } from './values.ts'

export interface Handler {
  readonly name: string
  readonly low: number
  readonly high: number
  /** One of the two. */
  readonly one: ((message: Incoming<never>) => unknown) | undefined
  readonly batch: ((batch: BorrowedBatch) => void) | undefined
  readonly type: MessageType<never, never> | undefined
}

export class Handlers {
  /** By the low word of the method; two names of one word would be refused like two handlers of one name. */
  readonly #byMethod = new Map<number, Handler>()
  /** Found last: most messages are of the type of the one before. */
  #last: Handler | undefined

  handle(type: MessageType<never, never>, fn: (message: Incoming<never>) => unknown): Disposable {
    const method = methodOfType(type)
    return this.#add({ name: type.name, ...method, one: checked(fn), batch: undefined, type })
  }

  handleBatch(name: string, fn: (batch: BorrowedBatch) => void): Disposable {
    const method: Method = methodOfName(name)
    return this.#add({ name, ...method, one: undefined, batch: checked(fn), type: undefined })
  }

  find(low: number, high: number): Handler | undefined {
    const last = this.#last
    if (last !== undefined && last.low === low && last.high === high) return last
    const handler = this.#byMethod.get(low)
    if (handler === undefined || handler.high !== high) return undefined
    this.#last = handler
    return handler
  }

  #add(handler: Handler): Disposable {
    const { low } = handler
    if (this.#byMethod.has(low)) {
      throw new ChordError('ERR_DUPLICATE_HANDLER', `'${handler.name}' has a handler already`)
    }
    this.#byMethod.set(low, handler)
    return {
      [Symbol.dispose]: () => {
        if (this.#byMethod.get(low) === handler) this.#byMethod.delete(low)
        if (this.#last === handler) this.#last = undefined
      },
    }
  }
}

function checked<F>(fn: F): F {
  if (typeof fn !== 'function') throw new ChordError('ERR_BAD_OPTION', 'a handler must be a function')
  return fn
}
