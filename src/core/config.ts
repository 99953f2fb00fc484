/** Every default and every limit, in one table, and the check of what a user sets instead. */
import type { ClientOptions, Limits, Logger, NodeOptions, RecordOptions, Timing } from '../api.ts'
import { ChordError } from './errors.ts'

/** What a number may be: default, least, most. */
type Bounds = readonly [fallback: number, min: number, max: number]

const TIMER_MAX = 2 ** 31 - 1
const MiB = 2 ** 20

const TIMING: Readonly<Record<keyof Timing, Bounds>> = {
  stabilizeMinMs: [250, 1, TIMER_MAX],
  stabilizeMaxMs: [2_000, 1, TIMER_MAX],
  probeMinMs: [50, 1, TIMER_MAX],
  probeMaxMs: [2_000, 1, TIMER_MAX],
  evictAfterMisses: [3, 1, 100],
  fingersMinMs: [1_000, 1, TIMER_MAX],
  fingersMaxMs: [30_000, 1, TIMER_MAX],
  selfLookupMs: [5_000, 1, TIMER_MAX],
  rejoinMinMs: [100, 1, TIMER_MAX],
  rejoinMaxMs: [10_000, 1, TIMER_MAX],
  handoverMs: [10_000, 1, TIMER_MAX],
  connectMs: [3_000, 1, TIMER_MAX],
  idleMs: [30_000, 1, TIMER_MAX],
  cachedMs: [60_000, 1, TIMER_MAX],
}

const LIMITS: Readonly<Record<keyof Limits, Bounds>> = {
  payloadBytes: [MiB, 1, 1024 * MiB],
  hops: [64, 1, 255],
  pendingCalls: [65_536, 1, 1 << 22],
  outputBytes: [MiB, 1_024, 1024 * MiB],
  reassemblyBytes: [32 * MiB, 65_536, 4096 * MiB],
  replyConnections: [64, 1, 65_536],
  connections: [16_384, 1, 1_000_000],
  duplicates: [65_536, 1, 1 << 24],
  rememberedPeers: [128, 64, 65_536],
  cachedRanges: [4_096, 0, 32_000],
  hedgePercent: [5, 0, 100],
  streams: [2_048, 0, 1 << 20],
  streamsPerConnection: [1_024, 0, 1 << 20],
  streamBytes: [MiB, 32_768, 1024 * MiB],
  streamsBytes: [64 * MiB, 0, 65_536 * MiB],
}

const NODE = { virtualNodes: [1, 1, 256], successors: [8, 1, 64] } as const satisfies Record<string, Bounds>

const RECORD = { bytesMax: [64 * MiB, MiB / 2, 2 ** 40], files: [4, 2, 100] } as const satisfies Record<string, Bounds>

export const DEFAULT_LISTEN = '127.0.0.1:0'
export const DEFAULT_NETWORK = 'chordite'
export const NETWORK_BYTES_MAX = 64
/** Deadline of a call, of `start`, and of `leave` where the caller sets none. */
export const DEFAULT_TIMEOUT_MS = 5_000
export const DEFAULT_LEAVE_MS = 10_000
/** Longest name of a message type, in bytes of UTF-8. */
export const METHOD_BYTES_MAX = 64

/**
 * Wait of a look-up for one way to the owner before it tries another: by how long look-ups took lately, between MIN and
 * FIRST (which applies while nothing is known), doubled with each wait in vain up to MAX.
 */
export const ATTEMPT_FIRST_MS = 250
export const ATTEMPT_MIN_MS = 100
export const ATTEMPT_MAX_MS = 1_000
/** A node that was cut off keeps calls this long before it says ERR_ISOLATED: most find back at once. */
export const ISOLATED_GRACE_MS = 1_000
/** Who is handed a frame, and has said nothing for one to two of these, is asked whether it lives. */
export const SILENCE_MS = 1_000
/** First and longest pause before a message that was provably not delivered goes out again. */
export const RESEND_MIN_MS = 5
export const RESEND_MAX_MS = 250
/** Attempts by recursive routing before a look-up walks the ring itself; and those of them that were lost without a word. */
export const RECURSIVE_ATTEMPTS = 4
export const LOST_ATTEMPTS = 2
/**
 * Calls that go out a second time for being late (`limits.hedgePercent`): so many more at once than their share; for no longer waits than
 * this, after which they are retried anyway; so many that wait for it; and message types whose times are kept apart.
 */
export const HEDGE_BURST = 10
export const HEDGE_MAX_MS = 250
export const HEDGE_WAITING_MAX = 16_384
export const HEDGE_METHODS_MAX = 64
/** Questions of one iterative look-up. */
export const ITERATIVE_STEPS_MAX = 128
/**
 * Connections to owners whose ranges are remembered: one is opened in this time at most, and where another has to be closed for it, one in
 * the longer time, so that keys of many owners do not keep a node opening and closing.
 */
export const SHORTCUT_OPEN_MS = 10
export const SHORTCUT_REPLACE_MS = 250
/** An owner that cannot be reached, or keeps silent to a client, is left to others to send to for so long. */
export const SHORTCUT_AVOID_MS = 30_000
export const SHORTCUTS_AVOIDED_MAX = 1_024
/** Frames held back until a connection to their next hop is up: per address, and in all, in bytes. */
export const HELD_FRAMES_MAX = 1_024
export const HELD_BYTES_MAX = 8 * MiB
/** Answers kept to be repeated to duplicates of idempotent requests, in bytes over all. */
export const KEPT_REPLY_BYTES_MAX = 16 * MiB
/** Requests of clients that an entry hop has passed on and not yet answered. */
export const RELAYED_MAX = 65_536
/**
 * Upkeep comes in this order: successors, then everything else (rule 6 of protocol.md). Looking up fingers is the only part of it
 * that grows with the ring and with how fast it changes, so it is held to one question in FINGER_QUESTION_MS, of which
 * as many as fit into FINGER_BURST_MS may come at once: a joiner finds its fingers without waiting.
 */
export const FINGER_QUESTION_MS = 250
export const FINGER_BURST_MS = 16_000
/**
 * What upkeep may cost: bytes that a node sends per second on average, frame headers included, at default settings in rings of
 * up to 4096; idle, and where nodes live for a minute and a half on average (half of them are others after one minute).
 * Held by test/simulation/maintenance.test.ts, measured by bench/maintenance.mjs.
 */
export const UPKEEP_IDLE_BYTES_PER_S = 1_250
export const UPKEEP_CHURN_BYTES_PER_S = 2_500
/** Between two writes of the state file. */
export const STATE_FILE_MS = 30_000
/** What is recorded is written this much later at most, so much at a time; recording ends if so much waits for the disk. */
export const RECORD_FLUSH_MS = 100
export const RECORD_CHUNK_BYTES = 65_536
export const RECORD_WAITING_BYTES_MAX = 8 * MiB
/** How long a node that closes waits for the disk of its recording. */
export const RECORD_CLOSE_MS = 2_000
/** Each file of a recording, and how much one record may take of it. */
export const RECORD_FILE_BYTES_MIN = 262_144
export const RECORD_BYTES_MAX = 131_072
/** Inputs of the cores between two digests of their state in a recording. */
export const RECORD_DIGEST_INPUTS = 256

export const DEFAULT_TIMING: Readonly<Timing> = defaults(TIMING)
export const DEFAULT_LIMITS: Readonly<Limits> = defaults(LIMITS)

/** Node options with every default filled in. */
export interface NodeSettings {
  listen: string
  advertise: string | undefined
  join: readonly string[]
  network: string
  virtualNodes: number
  successors: number
  onIsolated: 'wait' | 'serve'
  stateFile: string | undefined
  record: Required<RecordOptions> | undefined
  transport: 'native' | 'tcp' | undefined
  timing: Timing
  limits: Limits
  logger: Logger | undefined
}

export type ClientSettings = Pick<NodeSettings, 'network' | 'transport' | 'timing' | 'limits'> & {
  to: readonly string[]
}

/** Fills in defaults; addresses are checked by the runtime. Errors: ERR_BAD_OPTION. */
export function nodeSettings(o: NodeOptions): NodeSettings {
  const options = known(o, 'node option', [
    'listen',
    'advertise',
    'join',
    'network',
    'virtualNodes',
    'capacity',
    'successors',
    'onIsolated',
    'stateFile',
    'record',
    'transport',
    'timing',
    'limits',
    'logger',
  ])
  return {
    listen: text(options, 'listen') ?? DEFAULT_LISTEN,
    advertise: text(options, 'advertise'),
    join: texts(options, 'join') ?? [],
    network: network(options),
    virtualNodes: points(options),
    successors: number(options.successors, 'successors', NODE.successors),
    onIsolated: oneOf(options, 'onIsolated', ['wait', 'serve']) ?? 'wait',
    stateFile: text(options, 'stateFile'),
    record: record(options.record),
    transport: oneOf(options, 'transport', ['native', 'tcp']),
    timing: timing(options.timing),
    limits: limits(options.limits),
    logger: logger(options.logger),
  }
}

/** As {@link nodeSettings}, for `connect`. */
export function clientSettings(o: ClientOptions): ClientSettings {
  const options = known(o, 'client option', ['to', 'network', 'transport', 'timing', 'limits'])
  const to = texts(options, 'to') ?? []
  if (to.length === 0) throw bad('to', 'needs at least one address of a member')
  return {
    to,
    network: network(options),
    transport: oneOf(options, 'transport', ['native', 'tcp']),
    timing: timing(options.timing),
    limits: limits(options.limits),
  }
}

/** Refuses what is not an object, and names that are not in the list: a misspelt option must not be ignored. */
export function known(o: unknown, what: string, names: readonly string[]): Record<string, unknown> {
  if (o === undefined) return {}
  if (typeof o !== 'object' || o === null) throw new ChordError('ERR_BAD_OPTION', `${what}s must be an object`)
  // Not `Object.keys`, which makes an array: this is done for every call.
  for (const name in o) {
    if (!names.includes(name) && Object.hasOwn(o, name)) {
      throw new ChordError('ERR_BAD_OPTION', `unknown ${what} '${name}'; known are ${names.join(', ')}`)
    }
  }
  return o as Record<string, unknown>
}

/** Points on the ring: a share of the keys in proportion to the capacity (paper, section on virtual nodes). */
function points(options: Record<string, unknown>): number {
  const [, least, most] = NODE.virtualNodes
  const one = number(options.virtualNodes, 'virtualNodes', NODE.virtualNodes)
  const { capacity = 1 } = options
  if (typeof capacity !== 'number' || !(capacity > 0) || capacity > most) {
    throw bad('capacity', `must be above 0 and at most ${most}, got ${String(capacity)}`)
  }
  const all = Math.max(least, Math.round(one * capacity))
  if (all > most) throw bad('capacity', `makes ${all} virtual nodes of ${one}, more than ${most}`)
  return all
}

function timing(o: unknown): Timing {
  const values = numbers(o, 'timing', TIMING)
  for (const name of ['stabilize', 'probe', 'fingers', 'rejoin'] as const) {
    if (values[`${name}MinMs`] > values[`${name}MaxMs`]) {
      throw bad(`timing.${name}MinMs`, `is ${values[`${name}MinMs`]}, more than ${name}MaxMs`)
    }
  }
  return values
}

function limits(o: unknown): Limits {
  const values = numbers(o, 'limits', LIMITS)
  if (values.reassemblyBytes < values.payloadBytes) {
    throw bad('limits.reassemblyBytes', `is ${values.reassemblyBytes}, less than one message (payloadBytes)`)
  }
  return values
}

function record(o: unknown): NodeSettings['record'] {
  if (o === undefined) return undefined
  const options = known(typeof o === 'string' ? { path: o } : o, 'record option', ['path', 'bytesMax', 'files'])
  const path = text(options, 'path')
  if (path === undefined) throw bad('record', 'needs a path')
  const bytesMax = number(options.bytesMax, 'record.bytesMax', RECORD.bytesMax)
  const files = number(options.files, 'record.files', RECORD.files)
  // Each file begins with the state of every core, and must have room for more.
  if (bytesMax / files < RECORD_FILE_BYTES_MIN) {
    throw bad('record.bytesMax', `is ${bytesMax}, less than ${RECORD_FILE_BYTES_MIN} for each of ${files} files`)
  }
  return { path, bytesMax, files }
}

function numbers<K extends string>(o: unknown, group: string, table: Readonly<Record<K, Bounds>>): Record<K, number> {
  const names = Object.keys(table) as K[]
  const given = known(o, `${group} option`, names)
  const values = {} as Record<K, number>
  for (const name of names) values[name] = number(given[name], `${group}.${name}`, table[name])
  return values
}

function number(value: unknown, name: string, [fallback, min, max]: Bounds): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw bad(name, `must be a whole number from ${min} to ${max}, got ${String(value)}`)
  }
  return value
}

function text(options: Record<string, unknown>, name: string): string | undefined {
  const value = options[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '') throw bad(name, 'must be a string that is not empty')
  return value
}

function texts(options: Record<string, unknown>, name: string): readonly string[] | undefined {
  const value = options[name]
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string')) {
    throw bad(name, 'must be an array of addresses')
  }
  return [...value]
}

function oneOf<T extends string>(options: Record<string, unknown>, name: string, values: readonly T[]): T | undefined {
  const value = options[name]
  if (value === undefined || values.includes(value as T)) return value as T | undefined
  throw bad(name, `must be ${values.map((v) => `'${v}'`).join(' or ')}, got ${String(value)}`)
}

function network(options: Record<string, unknown>): string {
  const name = text(options, 'network') ?? DEFAULT_NETWORK
  if (new TextEncoder().encode(name).length > NETWORK_BYTES_MAX) {
    throw bad('network', `must be at most ${NETWORK_BYTES_MAX} bytes of UTF-8`)
  }
  return name
}

function logger(value: unknown): Logger | undefined {
  if (value === undefined) return undefined
  const levels = ['debug', 'info', 'warn', 'error'] as const
  if (typeof value !== 'object' || value === null || levels.some((l) => typeof (value as Logger)[l] !== 'function')) {
    throw bad('logger', `needs the functions ${levels.join(', ')}`)
  }
  return value as Logger
}

function bad(name: string, why: string): ChordError {
  return new ChordError('ERR_BAD_OPTION', `${name} ${why}`)
}

function defaults<K extends string>(table: Readonly<Record<K, Bounds>>): Readonly<Record<K, number>> {
  const values = {} as Record<K, number>
  for (const name of Object.keys(table) as K[]) values[name] = table[name][0]
  return Object.freeze(values)
}
