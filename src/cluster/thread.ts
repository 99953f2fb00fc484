/** One worker thread, from its birth to its end, as the main thread sees it. */
import { Worker } from 'node:worker_threads'
import type { Events, Logger, Member, Metrics, NodeOptions } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { Deferred } from '../runtime/deferred.ts'
import { unpack } from './crossing.ts'
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts'
import { type ClusterSettings, END_MS } from './options.ts'

/** Built beside this file. */
const WORKER = new URL('./worker.js', import.meta.url)

export interface ThreadOptions {
  readonly task: WorkerTask
  readonly thread: ClusterSettings['thread']
  readonly logger: Logger | undefined
  /** Who is not up by then, and a moment, is terminated. */
  readonly upWithinMs: number
  event<E extends keyof Events>(name: E, value: Events[E]): void
  members(members: readonly Member[]): void
}

export interface Up {
  readonly address: string
  readonly transport: 'native' | 'tcp'
}

export interface End {
  /** Absent if it was told to end, or its node left by its own will. */
  readonly error: ChordError | undefined
  /** It was told to end and did not, in time. */
  readonly wasStuck: boolean
}

export class Thread {
  /** Its module is there. Rejects if the thread ends before. */
  readonly loaded = new Deferred<void>()
  /** Its node is a member. Rejects if the thread ends before. */
  readonly up = new Deferred<Up>()
  readonly #ended = new Deferred<End>()
  readonly #o: ThreadOptions
  readonly #worker: Worker
  readonly #questions = new Map<number, Deferred<Metrics | undefined>>()
  #nextQuestion = 0
  #isStopping = false
  #wasStuck = false
  #timer: NodeJS.Timeout | undefined
  /** What it said last of all, and what killed it. */
  #lastWord: { error: ChordError | undefined } | undefined
  #killer: unknown

  /** Errors: ERR_WORKER if the system has no thread for us. */
  constructor(o: ThreadOptions) {
    this.#o = o
    const name = `chordite ${o.task.context.worker}`
    try {
      this.#worker = new Worker(WORKER, { workerData: o.task, name, ...o.thread })
    } catch (cause) {
      throw new ChordError('ERR_WORKER', `no worker thread can be made: ${(cause as Error).message}`, { cause })
    }
    this.#worker.on('message', (message: FromWorker) => this.#heard(message))
    this.#worker.on('messageerror', (error) => this.#killed(error))
    this.#worker.on('error', (error) => this.#killed(error))
    this.#worker.once('exit', (code) => this.#exited(code))
    this.#timer = setTimeout(() => this.#giveUp(), o.upWithinMs + END_MS).unref()
  }

  /** Never rejects. */
  get ended(): Promise<End> {
    return this.#ended.promise
  }

  /** Share of its time in which its event loop was busy. */
  get busy(): number {
    return this.#worker.performance.eventLoopUtilization().utilization
  }

  /** After `loaded`. */
  start(options: NodeOptions, timeoutMs: number): void {
    this.#say({ type: 'start', options, timeoutMs })
  }

  /** Hands over and goes; is gone after the timeout and a moment, however that is. */
  leave(timeoutMs: number): Promise<End> {
    return this.#stop({ type: 'leave', timeoutMs }, timeoutMs + END_MS)
  }

  /** Goes at once; is gone in a moment. */
  close(): Promise<End> {
    return this.#stop({ type: 'close' }, END_MS)
  }

  /** Undefined if it does not say, in time. */
  async metrics(timeoutMs: number): Promise<Metrics | undefined> {
    const id = this.#nextQuestion++
    const answer = new Deferred<Metrics | undefined>()
    this.#questions.set(id, answer)
    const timer = setTimeout(() => answer.resolve(undefined), timeoutMs)
    this.#say({ type: 'metrics', id })
    try {
      return await answer.promise
    } finally {
      clearTimeout(timer)
      this.#questions.delete(id)
    }
  }

  ref(): void {
    this.#worker.ref()
  }

  unref(): void {
    this.#worker.unref()
  }

  #stop(message: ToWorker, patienceMs: number): Promise<End> {
    this.#isStopping = true
    this.#say(message)
    this.#terminateAfter(patienceMs, true)
    return this.ended
  }

  #giveUp(): void {
    const { task, upWithinMs } = this.#o
    const text = `worker ${task.context.worker} is no member after ${upWithinMs} ms; does its module load, and its setup end?`
    this.#killed(new ChordError('ERR_JOIN_TIMEOUT', text))
    void this.#worker.terminate()
  }

  #terminateAfter(ms: number, isStuck: boolean): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#wasStuck = isStuck
      void this.#worker.terminate()
    }, ms)
  }

  #heard(message: FromWorker): void {
    switch (message.type) {
      case 'loaded':
        return this.loaded.resolve()
      case 'up':
        if (!this.#isStopping) clearTimeout(this.#timer)
        this.#o.members(unpack(message.members) as Member[])
        return this.up.resolve({ address: message.address, transport: message.transport })
      case 'events':
        for (const [name, value] of message.events) this.#o.event(name, unpack(value) as Events[typeof name])
        return
      case 'members':
        return this.#o.members(unpack(message.members) as Member[])
      case 'metrics':
        return this.#questions.get(message.id)?.resolve(message.metrics)
      case 'log':
        return this.#log(message)
      case 'ended':
        this.#lastWord = { error: unpack(message.error) as ChordError | undefined }
        // What the application has left open must not keep the thread; what it has printed comes out first.
        return this.#terminateAfter(END_MS, false)
      default:
        message satisfies never
    }
  }

  #log({ level, message, fields }: FromWorker & { type: 'log' }): void {
    const { worker } = this.#o.task.context
    this.#o.logger?.[level](message, { ...(unpack(fields) as Record<string, unknown> | undefined), worker })
  }

  #killed(error: unknown): void {
    this.#killer ??= error ?? new Error(String(error))
  }

  #exited(code: number): void {
    clearTimeout(this.#timer)
    const error = this.#causeOfDeath(code)
    const why = error ?? new ChordError('ERR_CLOSED', 'the worker was closed')
    this.loaded.reject(why)
    this.up.reject(why)
    for (const answer of this.#questions.values()) answer.resolve(undefined)
    this.#ended.resolve({ error, wasStuck: this.#wasStuck })
  }

  #causeOfDeath(code: number): ChordError | undefined {
    const { worker } = this.#o.task.context
    const cause = this.#killer
    if (cause instanceof ChordError) return cause
    if (cause !== undefined) {
      const text = cause instanceof Error ? cause.message : String(cause)
      return new ChordError('ERR_WORKER', `worker ${worker} died: ${text}`, { cause })
    }
    if (this.#lastWord !== undefined) return this.#lastWord.error
    if (this.#isStopping) return undefined
    return new ChordError('ERR_WORKER', `worker ${worker} ended with exit code ${code}`)
  }

  #say(message: ToWorker): void {
    this.#worker.postMessage(message)
  }
}
