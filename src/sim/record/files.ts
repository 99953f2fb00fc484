/** Recordings as they lie on a disk. */
import { readFile } from 'node:fs/promises'
import { ChordError } from '../../core/errors.ts'
import type { Recording } from './replay.ts'

/** Each of the files, and those of the same name that were rotated away: `path.1`, `path.2`, … Errors: ERR_RECORDING. */
export async function readRecordings(paths: readonly string[]): Promise<Recording[]> {
  const recordings = new Map<string, Recording>()
  for (const path of paths) {
    recordings.set(path, { name: path, bytes: await readOne(path) })
    for (let number = 1; ; number++) {
      const name = `${path}.${number}`
      const bytes = await readOne(name, true)
      if (bytes === undefined) break
      recordings.set(name, { name, bytes })
    }
  }
  return [...recordings.values()]
}

async function readOne(path: string): Promise<Uint8Array>
async function readOne(path: string, maybe: true): Promise<Uint8Array | undefined>
async function readOne(path: string, maybe = false): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    if (maybe && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ChordError('ERR_RECORDING', `cannot read the recording ${path}`, { cause })
  }
}
