/** What runs in each thread of a cluster: loads the application's module, then runs a node for as long as the main thread wants. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { ChordNode, Events, Logger, NodeOptions, WorkerSetup } from '../api.ts'
import { assert, ChordError } from '../core/errors.ts'
import { createNode } from '../runtime/node.ts'
import { pack } from './crossing.ts'
import { type FromWorker, NODE_EVENTS, type ToWorker, type WorkerTask } from './messages.ts'
import { moduleName } from './options.ts'

/** Successor lists change without an event; all members are told anew so long after one. */
const MEMBERS_MS = 50

class ClusterWorker {
  readonly #task: WorkerTask
  readonly #port: MessagePort
  #setup: WorkerSetup | undefined
  #node: ChordNode | undefined
  #cleanUp: unknown
  #isStopping = false
  #hasEnded = false
  #events: [keyof Events, unknown][] = []
  #membersTimer: NodeJS.Timeout | undefined

  constructor(task: WorkerTask, port: MessagePort) {
    this.#task = task
    this.#port = port
    port.on('message', (message: ToWorker) => this.#heard(message))
  }

  async load(): Promise<void> {
    const { module } = this.#task
    try {
      if (module !== undefined) this.#setup = await setupOf(module)
    } catch (cause) {
      return this.#end(notLoaded(module!, cause))
    }
    this.#say({ type: 'loaded' })
  }

  #heard(message: ToWorker): void {
    switch (message.type) {
      case 'start':
        return void this.#run(message.options, message.timeoutMs)
      case 'leave':
      case 'close':
        return this.#stop(message)
      case 'metrics':
        this.#tellMembers()
        return this.#say({ type: 'metrics', id: message.id, metrics: this.#node?.metrics() })
      default:
        message satisfies never
    }
  }

  #stop(message: ToWorker & { type: 'leave' | 'close' }): void {
    this.#isStopping = true
    const node = this.#node
    const closed = message.type === 'leave' ? node?.leave({ timeoutMs: message.timeoutMs }) : node?.close()
    // Also where the module's setup never ends.
    void Promise.resolve(closed).then(() => this.#end(undefined))
  }

  /** The node's whole life. */
  async #run(options: NodeOptions, timeoutMs: number): Promise<void> {
    const untilMs = performance.now() + timeoutMs
    try {
      const node = createNode(this.#task.logs ? { ...options, logger: this.#logger() } : options)
      this.#node = node
      for (const event of NODE_EVENTS) node.on(event, (value) => this.#event(event, value))
      this.#cleanUp = await this.#setUp(node)
      await node.start({ timeoutMs: Math.max(1, untilMs - performance.now()) })
      this.#flush()
      const { address, transport, members } = node
      this.#say({ type: 'up', address, transport, members: pack(members) })
      await this.#end(await node.closed)
    } catch (error) {
      await this.#end(this.#isStopping ? undefined : asChordError(error))
    }
  }

  /** What the module throws is told as what it is, beside what it means. */
  async #setUp(node: ChordNode): Promise<unknown> {
    try {
      return await this.#setup?.(node, this.#task.context)
    } catch (cause) {
      if (cause instanceof ChordError) throw cause
      throw new ChordError('ERR_WORKER', `the module failed to set up its node: ${textOf(cause)}`, { cause })
    }
  }

  async #end(error: ChordError | undefined): Promise<void> {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearTimeout(this.#membersTimer)
    let why = error
    try {
      await this.#node?.close()
      if (typeof this.#cleanUp === 'function') await this.#cleanUp()
    } catch (cause) {
      why ??= new ChordError('ERR_WORKER', `the module failed to clean up: ${textOf(cause)}`, { cause })
    }
    this.#flush()
    this.#say({ type: 'ended', error: pack(why) })
    this.#port.close()
  }

  // What the main thread hears.

  #event(name: keyof Events, value: unknown): void {
    this.#events.push([name, pack(value)])
    if (this.#events.length === 1) queueMicrotask(() => this.#flush())
    this.#membersTimer ??= setTimeout(() => this.#tellMembers(), MEMBERS_MS).unref()
  }

  /** All events of one turn in one message. */
  #flush(): void {
    if (this.#events.length === 0) return
    this.#say({ type: 'events', events: this.#events })
    this.#events = []
  }

  #tellMembers(): void {
    clearTimeout(this.#membersTimer)
    this.#membersTimer = undefined
    if (this.#node !== undefined) this.#say({ type: 'members', members: pack(this.#node.members) })
  }

  #logger(): Logger {
    const log = (level: keyof Logger) => (message: string, fields?: Record<string, unknown>) =>
      this.#say({ type: 'log', level, message, fields: pack(fields) })
    return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  }

  #say(message: FromWorker): void {
    this.#port.postMessage(message)
  }
}

/** From an ES module, or a CommonJS one, which may have been an ES module once. */
async function setupOf(url: string): Promise<WorkerSetup> {
  const loaded = (await import(url)) as { setup?: unknown; default?: { setup?: unknown; default?: unknown } }
  const candidates = [loaded.setup, loaded.default, loaded.default?.setup, loaded.default?.default]
  const setup = candidates.find((candidate) => typeof candidate === 'function')
  if (setup === undefined) throw new ChordError('ERR_WORKER', 'it exports no function, neither as setup nor as default')
  return setup as WorkerSetup
}

function notLoaded(url: string, cause: unknown): ChordError {
  return new ChordError('ERR_WORKER', `the module ${moduleName(url)} cannot be loaded: ${textOf(cause)}`, { cause })
}

function asChordError(error: unknown): ChordError {
  return error instanceof ChordError ? error : new ChordError('ERR_WORKER', textOf(error), { cause: error })
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

assert(parentPort !== null, 'this is the main thread')
void new ClusterWorker(workerData as WorkerTask, parentPort).load()
