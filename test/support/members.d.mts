import type { ClientOptions, Metrics, NodeOptions, NodeState, Wait } from '../../src/api.ts'

export interface PlainPeer {
  id: string
  address: string
  incarnation: bigint
}

export interface PlainRange {
  after: string
  upTo: string
}

export interface PlainMember extends PlainPeer {
  predecessor?: PlainPeer
  successors: PlainPeer[]
  range?: PlainRange
  epoch: bigint
}

export interface PlainOwner {
  owner: PlainPeer
  range: PlainRange
  epoch: bigint
  hops: number
}

/** Any event; which fields are there depends on its name. */
export interface PlainEvent {
  name: string
  member: PlainMember
  range?: PlainRange
  epoch: bigint
  gained: PlainRange[]
  lost: PlainRange[]
  from?: PlainPeer
  to?: PlainPeer
  cause: 'grant' | 'takeover' | 'leave' | 'create' | 'merge'
  previous?: PlainPeer | NodeState
  current?: PlainPeer | NodeState
  peer?: PlainPeer
  reason?: string
  code?: string
  message?: string
}

/** What a handler saw of a message. */
export interface Seen {
  body: unknown
  key?: string
  from: { id: string; address: string }
  member: string
  oneWay: boolean
  pid: number
}

export interface Call {
  how: 'send' | 'request' | 'sendTo' | 'requestTo'
  to: string | PlainPeer
  type: 'echo' | 'who' | 'note' | 'serve' | 'fail' | 'wait' | 'batch' | 'unknown'
  body: unknown
  options?: Wait & { ack?: boolean; idempotent?: boolean }
}

export type Outcome = { ok: true; value: unknown } | { ok: false; code: string; message: string }

export interface Actions {
  start(o: { options: NodeOptions; timeoutMs?: number; serveLog?: string }): {
    address: string
    transport: 'native' | 'tcp'
    ids: string[]
  }
  connect(o: ClientOptions): void
  leave(o?: Wait): void
  close(): void
  state(): NodeState
  members(): PlainMember[]
  neighbors(): { id: string; predecessor?: string; successor?: string; after?: string }[]
  owns(key: string): string | undefined
  metrics(): Metrics
  events(from?: number): PlainEvent[]
  noted(): Seen[]
  batches(): number[]
  waiting(): number
  rss(): number
  cpuMs(): number
  owners(o: { keys: readonly string[]; timeoutMs?: number }): string[]
  lookups(o: { keys: readonly string[]; options?: Wait & { route?: 'recursive' | 'iterative' } }): PlainOwner[]
  call(o: Call): Outcome
  calls(o: readonly Call[]): Outcome[]
  spawnChild(): number
}

export interface Member {
  readonly pid: number
  readonly exited: Promise<void>
  /** Known after `start`. */
  readonly address: string
  readonly transport: 'native' | 'tcp'
  /** Of its virtual nodes. */
  readonly ids: readonly string[]
  ask<A extends keyof Actions>(action: A, ...argument: Parameters<Actions[A]>): Promise<ReturnType<Actions[A]>>
  start(options: NodeOptions, more?: { timeoutMs?: number; serveLog?: string }): Promise<Member>
  kill(): void
  signal(name: NodeJS.Signals): void
}

/** The network that members are in, unless `start` is told otherwise. */
export const NETWORK: string
export function spawnMember(): Promise<Member>
export function spawnMembers(count: number): Promise<Member[]>
export function startRing(
  members: readonly Member[],
  options: NodeOptions,
  more?: { timeoutMs?: number; serveLog?: string },
): Promise<void>
export function untilCorrect(members: readonly Member[], timeoutMs: number): Promise<PlainMember[]>
export function until<T>(measure: () => Promise<T>, good: (value: T) => boolean, timeoutMs: number): Promise<T>
export function pointOf(key: string): string
export function ownerOf(key: string, ids: readonly string[]): string
export function wrongAnswers(members: readonly Member[], keys: readonly string[], timeoutMs: number): Promise<string[]>
export function someKeys(name: string, count: number): string[]
