/** Many seeds over several threads, what they come to, and a file that remembers it. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Outcome } from '../sim/play.ts'
import { addOutcome, countSeeds, emptySummary, faultsOf, hasSeed, roundsOf, type Summary } from '../sim/summary.ts'
import { combineHashes } from '../sim/trace-hash.ts'
import { count } from './output.ts'
import type { SeedOptions } from './sim-play.ts'
import { playedBy } from './sim-version.ts'

export interface CampaignOptions extends SeedOptions {
  readonly seeds: readonly [from: number, to: number]
  readonly jobs: number
  readonly minutes?: number
  readonly summary?: string
}

/** What a worker says of a seed. */
export interface Played {
  readonly outcome: Outcome
  readonly ms: number
}

const SAVE_MS = 10_000
const REPAINT_MS = 200
const WORKER = new URL('./sim-worker.js', import.meta.url)

export class Campaign {
  readonly summary: Summary
  readonly #o: CampaignOptions
  readonly #onViolation: (violation: Summary['violations'][number]) => void
  readonly #hashes = new Map<number, string>()
  readonly #startedMs = performance.now()
  #next: number
  #played = 0
  #savedMs = performance.now()
  #paintedMs = 0

  constructor(o: CampaignOptions, onViolation: (violation: Summary['violations'][number]) => void) {
    this.#o = o
    this.#onViolation = onViolation
    this.#next = o.seeds[0]
    const empty = emptySummary(playedBy(o))
    this.summary = o.summary !== undefined && existsSync(o.summary) ? readSummary(o.summary, empty) : empty
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#o.jobs }, () => this.#work()))
    this.#save()
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  }

  /** One thread, until there is nothing left to play. */
  #work(): Promise<void> {
    const worker = new Worker(WORKER, { workerData: { set: this.#o.set, whole: this.#o.whole } satisfies SeedOptions })
    return new Promise((resolve, reject) => {
      const next = () => {
        const seed = this.#take()
        worker.postMessage(seed)
      }
      worker.on('message', (played: Played) => {
        this.#add(played)
        next()
      })
      worker.on('error', reject)
      worker.on('exit', () => resolve())
      next()
    })
  }

  /** The next seed that nobody has played; undefined when that is all. */
  #take(): number | undefined {
    const { seeds, minutes } = this.#o
    while (this.#next <= seeds[1] && hasSeed(this.summary, this.#next)) this.#next++
    const late = minutes !== undefined && performance.now() - this.#startedMs > minutes * 60_000
    return late || this.#next > seeds[1] ? undefined : this.#next++
  }

  #add({ outcome, ms }: Played): void {
    const known = this.summary.violations.length
    addOutcome(this.summary, outcome, ms)
    this.#hashes.set(outcome.seed, outcome.hash)
    this.#played++
    if (this.summary.violations.length > known) {
      const violation = this.summary.violations.find(({ seed }) => seed === outcome.seed)
      if (violation !== undefined) this.#onViolation(violation)
    }
    this.#paint()
    if (performance.now() - this.#savedMs > SAVE_MS) this.#save()
  }

  /** Never half a file, whenever it is stopped. */
  #save(): void {
    const { summary: path } = this.#o
    this.#savedMs = performance.now()
    if (path === undefined) return
    writeFileSync(`${path}.new`, `${JSON.stringify(this.summary)}\n`)
    renameSync(`${path}.new`, path)
  }

  #paint(): void {
    const nowMs = performance.now()
    if (!process.stderr.isTTY || nowMs - this.#paintedMs < REPAINT_MS) return
    this.#paintedMs = nowMs
    const { seeds } = this.#o
    const perSecond = (this.#played / (nowMs - this.#startedMs)) * 1000
    process.stderr.write(
      `\r\x1b[K${count(this.#next - seeds[0])} of ${count(seeds[1] - seeds[0] + 1)} seeds  ${perSecond.toFixed(1)}/s  ` +
        `${count(this.summary.violations.length)} violations`,
    )
  }

  /** Of the seeds played now, in their order. */
  hash(): string {
    const seeds = [...this.#hashes.keys()].sort((a, b) => a - b)
    return combineHashes(seeds.map((seed) => this.#hashes.get(seed) as string))
  }

  lines(): string[] {
    const { summary } = this
    const faults = faultsOf(summary.numbers)
    const rounds = [0.5, 0.99, 1].map((share) => roundsOf(summary, share) ?? '–')
    const { done, failed } = summary.lookups
    const { healOfShortBoundMax = 0, healOfBoundMax = 0, healedWithinRing = 0 } = summary.numbers
    return [
      `seeds       ${count(countSeeds(summary))}`,
      `events      ${count(summary.events)}, ${count(Math.round((summary.events / summary.busyMs) * 1000))} a second and core, ${(summary.busyMs / countSeeds(summary)).toFixed(1)} ms a seed`,
      `simulated   ${(summary.virtualMs / 3_600_000).toFixed(1)} hours`,
      `faults      ${faults.map(([kind, times]) => `${kind} ${count(times)}`).join(', ')}`,
      `violations  ${count(summary.violations.length)}${summary.violations.length > 0 ? `: seeds ${firstSeeds(summary)}` : ''}`,
      `broken      in ${count(summary.broken)} runs faults took away what the protocol presupposes; ${count(summary.healed)} of them healed, in others nobody was left`,
      `healing     rounds of stabilization: median ${rounds[0]}, 99 in 100 at most ${rounds[1]}, at most ${rounds[2]}`,
      `bound       reached to ${percent(healOfShortBoundMax)} within one ring (${count(healedWithinRing)} runs), to ${percent(healOfBoundMax)} where rings had to meet`,
      `look-ups    ${count(done)} done, ${count(failed)} failed`,
    ]
  }
}

/** To go on with. Throws for what is none, or of other code: it would be overwritten, or count what is no more. */
function readSummary(path: string, empty: Summary): Summary {
  let read: unknown
  try {
    read = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new Error(`${path}: ${(cause as Error).message}`, { cause })
  }
  const isAlike = (name: string) =>
    typeof (read as Partial<Record<string, unknown>>)[name] === typeof empty[name as 'seeds']
  if (typeof read !== 'object' || read === null || !Object.keys(empty).every(isAlike)) {
    throw new Error(`${path} is no summary of chordite sim`)
  }
  const summary = read as Summary
  if (summary.playedBy !== empty.playedBy) {
    throw new Error(`${path} counts what ${summary.playedBy} played; this is ${empty.playedBy}: begin another file`)
  }
  return summary
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function firstSeeds(summary: Summary): string {
  const seeds = summary.violations.map(({ seed }) => seed)
  return seeds.slice(0, 20).join(', ') + (seeds.length > 20 ? ', …' : '')
}
