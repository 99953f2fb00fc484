/** `chordite route`: sends each key read from standard input to its owner, then says how they spread. */
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { type Caller, ChordError, type Owner, type Result } from '../index.ts'
import { addClientFlags, type ClientFlags, withClient } from './flags.ts'
import { KEY_MESSAGE } from './key-message.ts'
import { fail } from './output.ts'
import { Progress } from './progress.ts'
import { Tally } from './tally.ts'

interface RouteFlags extends ClientFlags {
  verbose?: boolean
  lookupOnly?: boolean
}

/** Keys that are looked up in one call, and how many such calls may be under way: memory stays bounded. */
const CHUNK_KEYS = 256
const CHUNKS_UNDER_WAY = 8

type Routed = { key: string } & Result<Owner>

export function addRoute(program: Command): void {
  const command = program
    .command('route')
    .description(
      'send each key from standard input, one a line, to its owner; owners must be `chordite node` processes',
    )
    .option('--verbose', 'print the owner and hops of each key')
    .option('--lookup-only', 'find the owners and send nothing: for rings whose nodes do not take these messages')
  addClientFlags(command).action(route)
}

async function route(flags: RouteFlags): Promise<void> {
  await withClient(flags, async (caller) => {
    const progress = new Progress(process.stderr, inputBytes())
    const tally = new Tally()
    const underWay: Promise<Routed[]>[] = []
    const finishOldest = async () => {
      const routed = (await underWay.shift())!
      for (const one of routed) tally.add(one)
      if (flags.json || flags.verbose) await write(routed, flags)
      progress.advance(
        routed.length,
        routed.reduce((sum, { key }) => sum + Buffer.byteLength(key) + 1, 0),
      )
    }
    for await (const keys of chunks(createInterface({ input: process.stdin, crlfDelay: Infinity }), CHUNK_KEYS)) {
      underWay.push(routeChunk(caller, keys, flags))
      if (underWay.length >= CHUNKS_UNDER_WAY) await finishOldest()
    }
    while (underWay.length > 0) await finishOldest()
    progress.done()
    tally.print(flags.json ?? false)
    if (!tally.failure) return
    fail(`${tally.failed} of ${tally.keys} keys failed, first: ${tally.failure.message} (${tally.failure.code})`)
    process.exitCode = 1
  })
}

/** Looks the keys up, for owner and hops, and has the owners take them. Never rejects: a key that fails fails alone. */
async function routeChunk(caller: Caller, keys: readonly string[], flags: RouteFlags): Promise<Routed[]> {
  const wait = { timeoutMs: flags.timeout }
  let found: readonly Result<Owner>[]
  try {
    found = await caller.lookupMany(keys, wait)
  } catch (error) {
    if (!(error instanceof ChordError)) throw error
    return keys.map((key) => ({ key, ok: false, error }))
  }
  return Promise.all(
    keys.map(async (key, index): Promise<Routed> => {
      const owner = found[index]!
      if (!owner.ok || flags.lookupOnly) return { key, ...owner }
      const taken = await take(caller, key, wait.timeoutMs)
      return taken.ok ? { key, ...owner } : { key, ...taken }
    }),
  )
}

function take(caller: Caller, key: string, timeoutMs: number): Promise<Result<string>> {
  return new Promise((resolve) => caller.request(key, KEY_MESSAGE, key, { timeoutMs }, resolve))
}

async function write(routed: readonly Routed[], flags: RouteFlags): Promise<void> {
  const lines = routed.map((one) => {
    if (!one.ok)
      return flags.json ? JSON.stringify({ key: one.key, error: one.error.code }) : `${one.key}  ${one.error.code}`
    const { owner, hops } = one.value
    return flags.json
      ? JSON.stringify({ key: one.key, owner: owner.address, id: String(owner.id), hops })
      : `${one.key}  ${owner.address}  ${hops}`
  })
  if (!process.stdout.write(`${lines.join('\n')}\n`)) await once(process.stdout, 'drain')
}

async function* chunks(lines: AsyncIterable<string>, size: number): AsyncGenerator<string[]> {
  let chunk: string[] = []
  for await (const line of lines) {
    if (line === '') continue
    chunk.push(line)
    if (chunk.length < size) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

/** The size of the input where it is a file, for the progress bar. */
function inputBytes(): number | undefined {
  const stat = fstatSync(0)
  return stat.isFile() ? stat.size : undefined
}
