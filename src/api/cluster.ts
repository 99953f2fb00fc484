/** Several members in one process, a thread for each: how a program uses every core. */
import type { ResourceLimits } from 'node:worker_threads'
import type { ChordError } from '../core/errors.ts'
import type { Caller, Wait } from './caller.ts'
import type { ChordNode, Events, Metrics, NodeState, StateChange } from './node.ts'
import type { NodeOptions } from './options.ts'
import type { Key, Member } from './ring.ts'

/**
 * The options of a node, which each worker's node gets, and those of the threads. `stateFile` and `record` get the worker's number
 * before their extension: `ring.state` is kept in `ring-0.state`, `ring-1.state`, …
 */
export interface ClusterOptions extends Omit<NodeOptions, 'listen' | 'advertise'> {
  /** Threads, and so nodes, 1 to 256. Default: as many as this process may use cores. */
  workers?: number
  /**
   * What each worker loads: an ES or CommonJS module that exports a {@link WorkerSetup}, as `setup` or as its default. A file URL, such
   * as `new URL('./app.js', import.meta.url)`, or an absolute path. Default: none, and the nodes have no handlers.
   */
  module?: string | URL
  /** Handed to the module as `context.data`: a copy (structured clone), but for what threads share, such as a `SharedArrayBuffer`. */
  data?: unknown
  /** As of a node. Of one address, worker n has the port plus n, or any if that is 0; or one address for each worker. */
  listen?: string | readonly string[]
  /** As of a node, in the same way: the port plus n, that which was bound if it is 0, or one address for each worker. */
  advertise?: string | readonly string[]
  /** Whether a worker that died is started again, at the same address, after 100 ms at first, 10 s at most. Default true. */
  restart?: boolean
  /** Of each thread, as `node:worker_threads` takes them; a thread that exceeds them dies. Default: none. */
  resourceLimits?: ResourceLimits
  /** Environment variables of the threads. Default: those of the process. */
  env?: NodeJS.ProcessEnv
}

/** What a worker's module gets besides its node. */
export interface WorkerContext<D = unknown> {
  /** 0 to `workers` - 1. */
  readonly worker: number
  readonly workers: number
  /** How often this worker has died before. */
  readonly restarts: number
  readonly data: D
}

/**
 * Called in the worker before its node starts: registers handlers, services and listeners, and starts nothing; the cluster does. What it
 * returns, if that is a function, is called after the node has closed. What it throws ends the worker.
 */
// biome-ignore lint/suspicious/noExplicitAny: a module says what data it takes
export type WorkerSetup<D = any> = (node: ChordNode, context: WorkerContext<D>) => unknown

/**
 * Nodes in worker threads, each a member of the ring with an address of its own. The calls of {@link Caller} are made by the main
 * thread, as a client of its workers. What it knows of the workers is what they last told.
 */
export interface Cluster extends Caller {
  /**
   * Starts all workers: the first creates or joins, the others join through it; resolves when all are members. On an error everything
   * is closed again. Default `timeoutMs` 10,000, of which loading the modules is a part.
   * Errors: those of a node's `start`, and ERR_WORKER: a worker died, or its module cannot be loaded.
   */
  start(o?: Wait): Promise<this>
  /** All workers leave at once, and hand over. Default `timeoutMs` 10,000; then it closes anyway. */
  leave(o?: Wait): Promise<void>
  /** The member of this cluster that owns the key, if any does, as the workers last told. Never waits, never sends. */
  owns(key: Key): Member | undefined
  /** Of all workers. */
  readonly members: readonly Member[]
  /** Of all workers, in their order; known after `start`. They stay the same when a worker is restarted. */
  readonly addresses: readonly string[]
  readonly workers: readonly WorkerView[]
  readonly transport: 'native' | 'tcp'
  /** `member` while at least one worker is a member, `isolated` while all that run are, `joining` while none runs. */
  readonly state: NodeState
  /**
   * The events of all workers' nodes, with the worker's number, in order for each worker; and those of the cluster. What is thrown by
   * a listener becomes a `warning`.
   */
  on<E extends keyof ClusterEvents>(event: E, fn: (e: ClusterEvents[E], worker: number) => void): this
  off<E extends keyof ClusterEvents>(event: E, fn: (e: ClusterEvents[E], worker: number) => void): this
  /** Asks all workers. Default `timeoutMs` 1,000; who has not answered then, busy or dead, is left out of the sums. */
  metrics(o?: Wait): Promise<ClusterMetrics>
}

/** `state` is of a worker's node, `cluster:state` of the cluster; that one has the number -1. */
export interface ClusterEvents extends Events {
  'worker:up': WorkerUp
  'worker:down': WorkerDown
  'cluster:state': StateChange
}

export interface WorkerUp {
  worker: number
  address: string
  /** How often it has died before. */
  restarts: number
}

/** A worker ended that was not told to, or one that was started again did not become a member. */
export interface WorkerDown {
  worker: number
  /** Why it died; absent if its node left by its own will. Such a worker is not restarted. */
  error?: ChordError
  /** Until it is started again; absent if it is not. */
  restartMs?: number
}

export interface WorkerView {
  readonly worker: number
  /** Of its node; `closed` while it is dead. */
  readonly state: NodeState
  /** Empty until it is known. */
  readonly address: string
  readonly restarts: number
  readonly members: readonly Member[]
}

/** A plain object, names are stable. A worker that was restarted counts from zero. */
export interface ClusterMetrics {
  /** Sums over the workers that answered, of gauges too; of names that end in Max the largest. `state` is the cluster's. */
  total: Metrics
  workers: readonly WorkerMetrics[]
}

export interface WorkerMetrics {
  worker: number
  address: string
  restarts: number
  /** Share of its time in which its event loop had something to do, since it was started, 0 to 1. */
  busy: number
  /** Absent if it did not answer in time. */
  metrics?: Metrics
}
