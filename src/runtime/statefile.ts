/** What a member keeps between runs: its incarnation, and whom it knew. Written whole, then renamed into place. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { ChordError } from '../core/errors.ts'

export interface SavedState {
  readonly incarnation: bigint
  /** Addresses, most recently alive first. */
  readonly peers: readonly string[]
}

/** Where state files are; those of a simulated process are in memory. */
export interface Files {
  /** Undefined if there is no such file. */
  read(path: string): Promise<string | undefined>
  write(path: string, text: string): Promise<void>
  rename(from: string, to: string): Promise<void>
}

export const systemFiles: Files = {
  async read(path) {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  },
  write: (path, text) => writeFile(path, text),
  rename,
}

/** It travels in 64 bits, and every restart counts on from it. */
const INCARNATION_MAX = 2n ** 63n

const EMPTY: SavedState = { incarnation: 0n, peers: [] }

/** Empty if there is no such file. Errors: ERR_STATE_FILE if it cannot be understood. */
export async function readState(files: Files, path: string): Promise<SavedState> {
  let text: string | undefined
  try {
    text = await files.read(path)
  } catch (cause) {
    throw new ChordError('ERR_STATE_FILE', `cannot read the state file ${path}`, { cause })
  }
  if (text === undefined) return EMPTY
  try {
    const state = JSON.parse(text) as { incarnation: unknown; peers: unknown }
    const peers = Array.isArray(state.peers) ? state.peers.filter((peer) => typeof peer === 'string') : []
    const incarnation = BigInt(String(state.incarnation))
    if (incarnation < 0n || incarnation > INCARNATION_MAX) throw new RangeError(`${incarnation} is no incarnation`)
    return { incarnation, peers }
  } catch (cause) {
    throw new ChordError('ERR_STATE_FILE', `the state file ${path} makes no sense; starting without it`, { cause })
  }
}

/** Errors: ERR_STATE_FILE. */
export async function writeState(files: Files, path: string, state: SavedState): Promise<void> {
  const text = JSON.stringify({ incarnation: String(state.incarnation), peers: state.peers })
  try {
    await files.write(`${path}.new`, `${text}\n`)
    await files.rename(`${path}.new`, path)
  } catch (cause) {
    throw new ChordError('ERR_STATE_FILE', `cannot write the state file ${path}`, { cause })
  }
}
