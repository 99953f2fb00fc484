/** What the main thread and its workers say to each other. Marked `packed`: made by `pack` (crossing.ts). */
import type { Events, Logger, Metrics, NodeOptions, WorkerContext } from '../api.ts'

/** What a thread is made with: all but what only the start of its node needs. */
export interface WorkerTask {
  readonly module: string | undefined
  readonly context: WorkerContext
  readonly logs: boolean
}

export type ToWorker =
  /** The module is loaded: make the node, let the module set it up, and start it. */
  | { readonly type: 'start'; readonly options: NodeOptions; readonly timeoutMs: number }
  | { readonly type: 'leave'; readonly timeoutMs: number }
  | { readonly type: 'close' }
  | { readonly type: 'metrics'; readonly id: number }

export type FromWorker =
  | { readonly type: 'loaded' }
  | { readonly type: 'up'; readonly address: string; readonly transport: 'native' | 'tcp'; readonly members: unknown }
  /** Packed; in the order in which the node told them. */
  | { readonly type: 'events'; readonly events: readonly (readonly [name: keyof Events, value: unknown])[] }
  /** Packed. */
  | { readonly type: 'members'; readonly members: unknown }
  | { readonly type: 'metrics'; readonly id: number; readonly metrics: Metrics | undefined }
  /** Packed. */
  | { readonly type: 'log'; readonly level: keyof Logger; readonly message: string; readonly fields: unknown }
  /** The last one: the node has closed, by its own will if there is no error. Packed. */
  | { readonly type: 'ended'; readonly error: unknown }

export const NODE_EVENTS = Object.keys({
  range: true,
  predecessor: true,
  successor: true,
  'peer:up': true,
  'peer:down': true,
  'ring:split': true,
  'ring:merged': true,
  state: true,
  warning: true,
} satisfies Record<keyof Events, true>) as (keyof Events)[]
