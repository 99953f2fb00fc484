/** Checks what a cluster is made with, and works out what each of its workers gets. */
import { availableParallelism } from 'node:os'
import { isAbsolute, parse } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { WorkerOptions } from 'node:worker_threads'
import type { ClusterOptions, Logger, NodeOptions } from '../api.ts'
import { DEFAULT_LISTEN, known, nodeSettings } from '../core/config.ts'
import { ChordError } from '../core/errors.ts'
import { formatAddress, isWildcard, parseAddress } from '../runtime/address.ts'

export const WORKERS_MAX = 256
export const DEFAULT_START_MS = 10_000
export const DEFAULT_METRICS_MS = 1_000
/** First and longest pause before a worker that died is started again; who lived for the longest begins anew. */
export const RESTART_MIN_MS = 100
export const RESTART_MAX_MS = 10_000
/** For a thread that was told to end, to do so. Then it is terminated. */
export const END_MS = 3_000

const PORT_MAX = 65_535
const NAMES = Object.keys({
  workers: true,
  module: true,
  data: true,
  restart: true,
  resourceLimits: true,
  env: true,
  listen: true,
  advertise: true,
  join: true,
  network: true,
  virtualNodes: true,
  capacity: true,
  successors: true,
  onIsolated: true,
  stateFile: true,
  record: true,
  transport: true,
  timing: true,
  limits: true,
  logger: true,
} satisfies Record<keyof ClusterOptions, true>)
const RESOURCE_NAMES = ['maxYoungGenerationSizeMb', 'maxOldGenerationSizeMb', 'codeRangeSizeMb', 'stackSizeMb']

export interface ClusterSettings {
  /** The options of each worker's node, without a logger, which cannot cross. */
  readonly nodes: readonly NodeOptions[]
  /** A URL. */
  readonly module: string | undefined
  readonly data: unknown
  readonly restart: boolean
  readonly logger: Logger | undefined
  readonly thread: Pick<WorkerOptions, 'resourceLimits' | 'env'>
}

/** Errors: ERR_BAD_OPTION, ERR_BAD_ADDRESS. */
export function clusterSettings(o: ClusterOptions): ClusterSettings {
  const options = known(o, 'cluster option', NAMES) as ClusterOptions
  const { restart = true, data, resourceLimits, env } = options
  if (typeof restart !== 'boolean') throw bad('restart', 'must be true or false')
  return {
    nodes: nodesOf(options, workersOf(options.workers)),
    module: moduleOf(options.module),
    data: cloneable(data),
    restart,
    logger: options.logger,
    thread: {
      ...(resourceLimits === undefined ? {} : { resourceLimits: resourceLimitsOf(resourceLimits) }),
      ...(env === undefined ? {} : { env: envOf(env) }),
    },
  }
}

function workersOf(workers: unknown = Math.min(WORKERS_MAX, availableParallelism())): number {
  if (Number.isInteger(workers) && (workers as number) >= 1 && (workers as number) <= WORKERS_MAX) {
    return workers as number
  }
  throw bad('workers', `must be a whole number from 1 to ${WORKERS_MAX}, got ${String(workers)}`)
}

function nodesOf(o: ClusterOptions, workers: number): NodeOptions[] {
  const { workers: _, module, data, restart, resourceLimits, env, listen, advertise, logger, ...shared } = o
  const listens = addressesOf('listen', listen ?? DEFAULT_LISTEN, workers)
  const advertises = advertise === undefined ? undefined : addressesOf('advertise', advertise, workers)
  const nodes = listens.map((address, worker): NodeOptions => {
    const node: NodeOptions = { ...shared, listen: address }
    if (advertises !== undefined) node.advertise = advertises[worker]!
    if (o.stateFile !== undefined) node.stateFile = numbered('stateFile', o.stateFile, worker)
    if (o.record !== undefined) {
      const record = typeof o.record === 'string' ? { path: o.record } : o.record
      node.record = { ...record, path: numbered('record', record?.path, worker) }
    }
    return node
  })
  nodeSettings({ ...nodes[0]!, ...(logger === undefined ? {} : { logger }) })
  for (const join of o.join ?? []) checkJoin(join)
  return withoutOurs(nodes)
}

/** The port counts on from worker to worker. */
function addressesOf(name: string, given: string | readonly string[], workers: number): string[] {
  const texts: readonly string[] = Array.isArray(given) ? given : [given as string]
  const parsed = texts.map((text) => checkedAddress(name, text))
  if (Array.isArray(given)) {
    if (given.length === workers) return [...given]
    throw bad(name, `has ${given.length} addresses for ${workers} workers`)
  }
  const { host, port } = parsed[0]!
  if (port + workers - 1 > PORT_MAX) throw bad(name, `: ${workers} ports from ${port} on are more than there are`)
  return Array.from({ length: workers }, (_, worker) => formatAddress(host, port === 0 ? 0 : port + worker))
}

function checkedAddress(name: string, text: unknown): { host: string; port: number } {
  if (typeof text !== 'string') throw bad(name, 'must be an address, or one for each worker')
  const parsed = parseAddress(text)
  if (!parsed.ok) throw new ChordError(parsed.code, `${name}: ${parsed.message}`)
  if (parsed.value.dns) throw new ChordError('ERR_BAD_ADDRESS', `${name} cannot be dns://`)
  if (name === 'advertise' && isWildcard(parsed.value.host)) {
    throw new ChordError('ERR_BAD_ADDRESS', `advertise: nobody can reach ${text}`)
  }
  return parsed.value
}

function checkJoin(text: string): void {
  const parsed = parseAddress(text)
  if (!parsed.ok) throw new ChordError(parsed.code, `join: ${parsed.message}`)
  if (parsed.value.port === 0) throw new ChordError('ERR_BAD_ADDRESS', 'join: port 0 is nobody')
}

/** Contacts may list the cluster itself, as they do where all machines have one configuration: nobody of it is there yet. */
function withoutOurs(nodes: readonly NodeOptions[]): NodeOptions[] {
  const ours = new Set(nodes.map(({ listen, advertise }) => advertise ?? listen))
  return nodes.map((node) => ({ ...node, join: (node.join ?? []).filter((address) => !ours.has(address)) }))
}

function numbered(name: string, path: unknown, worker: number): string {
  if (typeof path !== 'string' || path === '') throw bad(name, 'needs a path')
  const { ext } = parse(path)
  return `${path.slice(0, path.length - ext.length)}-${worker}${ext}`
}

function moduleOf(module: unknown): string | undefined {
  if (module === undefined) return undefined
  if (module instanceof URL) return module.href
  if (typeof module === 'string' && /^(file|data):/.test(module)) return module
  if (typeof module === 'string' && isAbsolute(module)) return pathToFileURL(module).href
  throw bad('module', "must be a URL or an absolute path, such as new URL('./app.js', import.meta.url)")
}

/** What it is called in messages. */
export function moduleName(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url.slice(0, 80)
}

function cloneable(data: unknown): unknown {
  try {
    structuredClone(data)
    return data
  } catch (cause) {
    throw new ChordError('ERR_BAD_OPTION', `data cannot be copied to another thread: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function resourceLimitsOf(o: unknown): NonNullable<WorkerOptions['resourceLimits']> {
  const limits = known(o, 'resourceLimits option', RESOURCE_NAMES)
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value !== 'number' || !(value > 0)) throw bad(`resourceLimits.${name}`, 'must be a number above 0')
  }
  return limits
}

function envOf(env: unknown): NodeJS.ProcessEnv {
  if (typeof env === 'object' && env !== null) return env as NodeJS.ProcessEnv
  throw bad('env', 'must be an object')
}

function bad(name: string, why: string): ChordError {
  return new ChordError('ERR_BAD_OPTION', `${name} ${why}`)
}
