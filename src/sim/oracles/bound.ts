/**
 * How long a ring may take to become ideal once faults are over: no more deaths, leaves, losses or cuts, every message arrives
 * within `delayMs`. Derived from what the protocol does on which timer; each line is a worst case, and they follow each other.
 *
 *     silence    somebody died without a trace: the next stabilisation asks it, then it takes evictAfterMisses misses
 *     lists      all entries of a list are dead: each is found out in its turn, one probe after the other
 *     rejoin     an isolated node asks 8 of those it remembers in each attempt, from a random one on: twice as many
 *                attempts as it takes in turn; the last of them walks the ring, where each who is silent costs a probe
 *     meet       rings that know nothing of each other: every third self look-up asks the next of the remembered, and all
 *                others may be asked first; then 3 rounds until rings are merged (measured with the model of the merge rule)
 *     order      new neighbours are found one after the other, each by an early stabilisation and two round trips
 *     grants     a range goes back along the ring by one hand-over a member; what was told and not heard is told again
 *     fill       a list is right as far as its successor's was one round before: one round for each entry
 *
 * The two longest, rejoin and meet, count only where somebody is out of the ring, or the ledger says that there may be several:
 * everybody else knows whom to ask.
 *
 * A round is the longest pause between two stabilisations. Clocks may be slow by a sixth.
 */
import type { CoreConfig } from '../../core/state.ts'

export interface Circumstances {
  /** How many members have lived, at the same time or not: so many may be remembered. */
  readonly lives: number
  readonly delayMs: number
  readonly servicesMs: number
  /** Somebody may have to look for a ring, or rings for each other. */
  readonly apart: boolean
}

export interface Bound {
  readonly ms: number
  /** By then nothing that was asked before is still without an answer or a verdict. */
  readonly silenceMs: number
  readonly roundMs: number
  readonly rounds: number
  /** After it is ideal: so much later every split that was reported has been reported as merged, where messages are fast. */
  readonly reportsMs: number
  /** The same wherever: look-ups of far nodes take long, and who still reports one after the other needs so much for each. */
  readonly followUpMs: number
}

const SILENT_ASKED = 8
const JITTER = 1.25
const TURNS = 3
const MERGE_ROUNDS = 3
const SOON_MS = 5
const CLOCKS = 1.2
/** Of a look-up, with some that ask who is silent. */
const STEPS = 12
const SLACK = 1.25

export function boundOf(config: CoreConfig, { lives, delayMs, servicesMs, apart }: Circumstances): Bound {
  const { successors, stabilizeMaxMs, probeMaxMs, evictAfterMisses, rejoinMaxMs, selfLookupMs, rememberedPeers } =
    config
  const known = Math.min(lives, rememberedPeers)
  const entries = Math.min(lives, 4 * successors)
  const roundTripMs = 2 * delayMs
  const silence = stabilizeMaxMs + evictAfterMisses * probeMaxMs
  const lists = entries * probeMaxMs
  const rejoin = 2 * Math.ceil(known / SILENT_ASKED) * JITTER * rejoinMaxMs + known * probeMaxMs
  const meet = TURNS * JITTER * selfLookupMs * (known + MERGE_ROUNDS)
  const order = lives * (SOON_MS + 2 * roundTripMs)
  const grants = lives * (servicesMs + roundTripMs) + probeMaxMs
  const fill = entries * stabilizeMaxMs
  const roundMs = stabilizeMaxMs + roundTripMs
  const ms = CLOCKS * (silence + lists + (apart ? rejoin + meet : 0) + order + grants + fill)
  // Every third self look-up follows up one split; those that wait behind it, each once.
  const followUps = CLOCKS * TURNS * (2 + Math.min(known, MERGE_ROUNDS))
  const followUpMs = followUps * (JITTER * selfLookupMs + STEPS * roundTripMs)
  const reportsMs = SLACK * followUps * JITTER * selfLookupMs
  return { ms, silenceMs: CLOCKS * silence, roundMs, rounds: ms / roundMs, reportsMs, followUpMs }
}
