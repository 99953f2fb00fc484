/** The place of one worker in a cluster: what it last told, and its threads, one after the other, as they die. */
import type { Events, Member, NodeOptions, NodeState, WorkerMetrics, WorkerView } from '../api.ts'
import { ChordError } from '../core/errors.ts'
import { type ClusterSettings, DEFAULT_START_MS, RESTART_MAX_MS, RESTART_MIN_MS } from './options.ts'
import { type End, Thread, type Up } from './thread.ts'

export interface SlotOptions {
  readonly worker: number
  readonly workers: number
  readonly settings: ClusterSettings
  event<E extends keyof Events>(name: E, value: Events[E]): void
  up(): void
  /** It died, or left by its own will: then there is no error. */
  down(error: ChordError | undefined, restartMs: number | undefined): void
  /** It was told to end, did not, and was terminated. */
  stuck(): void
  /** Whom it joins through when it is started again. */
  contacts(): readonly string[]
}

export class Slot implements WorkerView {
  readonly worker: number
  state: NodeState = 'new'
  address = ''
  restarts = 0
  members: readonly Member[] = []
  transport: 'native' | 'tcp' | undefined
  readonly #o: SlotOptions
  #thread: Thread | undefined
  #timer: NodeJS.Timeout | undefined
  #pauseMs = RESTART_MIN_MS
  #upMs = 0
  #isStopping = false
  #isStarted = false
  #holds = true

  constructor(o: SlotOptions) {
    this.#o = o
    this.worker = o.worker
  }

  /** No thread runs, and none will. */
  get isGone(): boolean {
    return this.#thread === undefined && this.#timer === undefined
  }

  get isUp(): boolean {
    return this.state === 'member' || this.state === 'isolated'
  }

  /** Resolves when the module is loaded. Errors: ERR_WORKER. */
  load(timeoutMs: number): Promise<void> {
    const thread = this.#newThread(timeoutMs)
    this.#thread = thread
    void thread.ended.then(({ error }) => this.#ended(error))
    return thread.loaded.promise
  }

  /** Resolves when it is a member. Errors: those of a node's `start`, ERR_WORKER. */
  async start(join: readonly string[], timeoutMs: number): Promise<void> {
    const thread = this.#thread
    if (thread === undefined) throw new ChordError('ERR_CLOSED', 'the worker was closed')
    thread.start(this.#nodeOptions(join), timeoutMs)
    this.#isUp(await thread.up.promise)
    this.#isStarted = true
  }

  async leave(timeoutMs: number): Promise<void> {
    this.#stopRestarting()
    const thread = this.#thread
    if (thread !== undefined) this.#told(await (this.isUp ? thread.leave(timeoutMs) : thread.close()))
  }

  async close(): Promise<void> {
    this.#stopRestarting()
    if (this.#thread !== undefined) this.#told(await this.#thread.close())
  }

  async metrics(timeoutMs: number): Promise<WorkerMetrics> {
    const { worker, address, restarts } = this
    const metrics = await this.#thread?.metrics(timeoutMs)
    const busy = this.#thread?.busy ?? 0
    return { worker, address, restarts, busy, ...(metrics === undefined ? {} : { metrics }) }
  }

  hold(holds: boolean): void {
    this.#holds = holds
    if (holds) {
      this.#thread?.ref()
      this.#timer?.ref()
    } else {
      this.#thread?.unref()
      this.#timer?.unref()
    }
  }

  #newThread(upWithinMs: number): Thread {
    const { worker, workers, settings } = this.#o
    const { module, data, logger } = settings
    const thread = new Thread({
      task: { module, context: { worker, workers, restarts: this.restarts, data }, logs: logger !== undefined },
      thread: settings.thread,
      logger,
      upWithinMs,
      event: (name, value) => this.#event(name, value),
      members: (members) => {
        this.members = members
      },
    })
    if (!this.#holds) thread.unref()
    return thread
  }

  /** An address that it once had is its own from then on, so its ids stay, and with them its part of the ring. */
  #nodeOptions(join: readonly string[]): NodeOptions {
    const { settings, worker } = this.#o
    const options = settings.nodes[worker]!
    const isOwn = options.advertise === undefined && this.address !== ''
    return { ...options, join: [...join], ...(isOwn ? { listen: boundAgain(options.listen!, this.address) } : {}) }
  }

  #event<E extends keyof Events>(name: E, value: Events[E]): void {
    if (name === 'state') this.state = (value as Events['state']).current
    const { member } = value as { member?: Member }
    if (member !== undefined) this.#replace(member)
    this.#o.event(name, value)
  }

  #replace(member: Member): void {
    const at = this.members.findIndex(({ id }) => id.equals(member.id))
    this.members = at < 0 ? [...this.members, member] : this.members.with(at, member)
  }

  #isUp({ address, transport }: Up): void {
    this.address = address
    this.transport = transport
    this.#upMs = performance.now()
    this.#o.up()
  }

  // Its end, and what comes after.

  #ended(error: ChordError | undefined): void {
    this.#thread = undefined
    this.state = 'closed'
    this.members = []
    if (this.#isStopping || !this.#isStarted) return
    const restartMs = error === undefined || !this.#o.settings.restart ? undefined : this.#nextPauseMs()
    if (restartMs !== undefined) {
      this.#timer = setTimeout(() => this.#restart(), restartMs)
      if (!this.#holds) this.#timer.unref()
    }
    this.#o.down(error, restartMs)
  }

  /** Doubled with each death, unless it lived for longer than it could be made to wait. */
  #nextPauseMs(): number {
    if (this.#upMs > 0 && performance.now() - this.#upMs > RESTART_MAX_MS) this.#pauseMs = RESTART_MIN_MS
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(RESTART_MAX_MS, 2 * pauseMs)
    this.#upMs = 0
    return pauseMs
  }

  /** What goes wrong with a thread ends it, and is told then. */
  #restart(): void {
    this.#timer = undefined
    this.restarts++
    const startedMs = performance.now()
    try {
      this.load(DEFAULT_START_MS)
        .then(() => this.start(this.#o.contacts(), DEFAULT_START_MS - (performance.now() - startedMs)))
        .catch(() => {})
    } catch (error) {
      this.#ended(error as ChordError)
    }
  }

  #stopRestarting(): void {
    this.#isStopping = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #told({ wasStuck }: End): void {
    if (wasStuck) this.#o.stuck()
  }
}

/** The host that it listens on stays; the port is that which it had. */
function boundAgain(listen: string, address: string): string {
  if (!listen.endsWith(':0')) return listen
  return listen.slice(0, -1) + address.slice(address.lastIndexOf(':') + 1)
}
