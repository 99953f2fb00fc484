/**
 * Finds and loads the addon, once. Never throws: what cannot be loaded has a reason, and there is a twin in TypeScript
 * for all that the addon does.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { ChordError } from '../core/errors.ts'
import { layoutDifference } from './layout.ts'

/** An endpoint in C++; only the addon looks inside. */
export type EndpointHandle = object & { readonly endpoint: unique symbol }

/** What the addon exports; see `native/addon.cc`. Arguments are checked there only as far as memory safety needs it. */
export interface Addon {
  info(): AddonInfo
  open(
    receive: ArrayBuffer,
    transmit: ArrayBuffer,
    shared: readonly [
      control: Uint32Array,
      descriptors: Uint32Array,
      runs: Uint32Array,
      links: Uint32Array,
      counters: Float64Array,
    ],
    outputBytes: number,
    connections: number,
    tailBytes: number,
    onBatch: () => void,
  ): EndpointHandle
  /** The port, or a negative errno. Null stops accepting. */
  listen(endpoint: EndpointHandle, host: string | null, port: number): number
  /** The link's index, or -1 if there are too many. */
  dial(endpoint: EndpointHandle, host: string, port: number): number
  flush(endpoint: EndpointHandle): void
  close(endpoint: EndpointHandle, index: number, generation: number, now: boolean): void
  /** Copies them. False: they are no routes, and none are known now. */
  routes(endpoint: EndpointHandle, words: Uint32Array): boolean
  /** Heads of the frames that went by them over a link, as `runtime/head-log.ts` has them; undefined: none. */
  routes(endpoint: EndpointHandle, index: number, generation: number): ArrayBuffer | undefined
  reference(endpoint: EndpointHandle, on: boolean): void
  destroy(endpoint: EndpointHandle, done: () => void): void
  /** With a table of arcs the number of each key's arc, too; only then `hashes` may be null. */
  sha1Batch(
    bytes: Uint8Array,
    offsets: Uint32Array,
    hashes: Uint8Array | null,
    table?: Uint32Array,
    numbers?: Int32Array,
  ): void
  isBetweenBatch(ids: Uint8Array, after: Uint8Array, before: Uint8Array, answers: Uint8Array): void
  /** In a table of arcs, or for the closest preceding entries of a routing table. */
  searchBatch(arcs: boolean, table: Uint32Array, keys: Uint8Array, numbers: Int32Array): void
}

export interface AddonInfo {
  /** `epoll` or `kqueue`. */
  readonly poller: string
  /** What SHA-1 runs on: `avx512`, `sha-ni`, `avx512 alone` or `portable`. */
  readonly sha1: string
  readonly layout: Readonly<Record<string, number>>
}

export type NativeLoad =
  | { readonly ok: true; readonly addon: Addon; readonly path: string; readonly info: AddonInfo }
  | { readonly ok: false; readonly reason: string }

let loaded: NativeLoad | undefined

/** The addon, or why there is none. With `CHORDITE_TRANSPORT=tcp` there is none. */
export function loadNative(): NativeLoad {
  loaded ??= load()
  return loaded
}

/**
 * Which transport to use: `CHORDITE_TRANSPORT` goes before `wanted`, which goes before whatever loads. `reason` is why
 * it is the portable one although nobody asked for it. Errors: ERR_NATIVE_UNAVAILABLE if native was demanded, also by
 * `CHORDITE_REQUIRE_NATIVE=1`; ERR_BAD_OPTION.
 */
export function chooseTransport(wanted?: 'native' | 'tcp'): { kind: 'native' | 'tcp'; reason?: string } {
  const forced = process.env.CHORDITE_TRANSPORT
  if (forced !== undefined && forced !== '' && forced !== 'native' && forced !== 'tcp') {
    throw new ChordError('ERR_BAD_OPTION', `CHORDITE_TRANSPORT is native or tcp, not ${JSON.stringify(forced)}`)
  }
  const demanded = forced || wanted
  if (demanded === 'tcp') return { kind: 'tcp' }
  const native = loadNative()
  if (native.ok) return { kind: 'native' }
  if (demanded === 'native' || process.env.CHORDITE_REQUIRE_NATIVE === '1') {
    throw new ChordError('ERR_NATIVE_UNAVAILABLE', `the native transport cannot be used: ${native.reason}`)
  }
  return { kind: 'tcp', reason: native.reason }
}

/** Names a kind of machine in `prebuilds/`: platform, architecture and, on Linux, the C library. As in scripts/install.mjs. */
export function platformTag(): string {
  const base = `${process.platform}-${process.arch}`
  return process.platform === 'linux' ? `${base}-${libc()}` : base
}

/** Where an addon may be, best first: built here, or shipped. */
export function addonPaths(): readonly string[] {
  return ['build/Release', `prebuilds/${platformTag()}`].map((folder) =>
    fileURLToPath(new URL(`../../${folder}/chordite.node`, import.meta.url)),
  )
}

function load(): NativeLoad {
  const unfit = process.env.CHORDITE_TRANSPORT === 'tcp' ? 'CHORDITE_TRANSPORT=tcp' : unfitRuntime()
  if (unfit !== undefined) return { ok: false, reason: unfit }
  const require = createRequire(import.meta.url)
  const reasons: string[] = []
  // Tests of another build say where it is.
  const other = process.env.CHORDITE_ADDON
  const paths = other ? [other] : addonPaths().filter((path) => existsSync(path))
  for (const path of paths) {
    try {
      const addon: Addon = require(path)
      const info = addon.info()
      const difference = layoutDifference(info.layout)
      if (difference === undefined) return { ok: true, addon, path, info }
      reasons.push(`${path} was built from another version: ${difference}`)
    } catch (error) {
      reasons.push(`${path} does not load: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (reasons.length > 0) return { ok: false, reason: reasons.join('; ') }
  return { ok: false, reason: `no addon has been built for ${platformTag()}; "npx chordite build" compiles it` }
}

/** These must not even load it: their event loop is none, or not a libuv that we know. */
function unfitRuntime(): string | undefined {
  const versions: Readonly<Record<string, string | undefined>> = process.versions
  for (const name of ['bun', 'deno', 'electron']) {
    if (versions[name] !== undefined) return `the addon does not run on ${name}`
  }
  const uv = versions.uv ?? 'unknown'
  return uv.startsWith('1.') ? undefined : `the addon needs libuv 1, this is ${uv}`
}

/** Which C library this Node.js is linked to: the name of its loader stands in the first page of the executable. */
function libc(): 'musl' | 'glibc' {
  const start = Buffer.alloc(4096)
  try {
    const file = openSync(process.execPath, 'r')
    readSync(file, start, 0, start.length, 0)
    closeSync(file)
  } catch {
    // An executable that cannot be read: most are glibc's.
  }
  return start.includes('/ld-musl-') ? 'musl' : 'glibc'
}
