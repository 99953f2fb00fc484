/**
 * The files of a recording: the newest at `path`, those before it at `path.1`, `path.2`, …, the oldest removed. Written in
 * the background, in order, one step at a time; after the first that fails nothing more is tried.
 */

import { writeSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { FILE_HEAD } from '../wire/recording.ts'

/** What is done to a disk; tests bring one that is full. */
export interface RecordingDisk {
  /** A new file that only its owner may read. Rejects if there is one. */
  create(path: string): Promise<RecordingFile>
  /** The first bytes of a file, at most so many; undefined if there is none. */
  head(path: string, length: number): Promise<Uint8Array | undefined>
  /** Both: whether there was such a file. */
  rename(from: string, to: string): Promise<boolean>
  remove(path: string): Promise<boolean>
}

export interface RecordingFile {
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Returns when it is done. */
  writeNow(bytes: Uint8Array, position: number): void
  close(): Promise<void>
}

export interface RecordingFilesOptions {
  path: string
  files: number
  disk: RecordingDisk
  failed(error: unknown): void
}

type Step = Uint8Array | 'next'

/** Of every format. */
const MAGIC = FILE_HEAD.subarray(0, -1)

export class RecordingFiles {
  /** Given to `write`, and not on the disk yet. */
  waitingBytes = 0
  readonly #o: RecordingFilesOptions
  /** The first is under way. */
  #steps: Step[] = []
  #file: RecordingFile | undefined
  #position = 0
  #running: Promise<void> = Promise.resolve()
  #isRunning = false
  #isChecked = false

  constructor(o: RecordingFilesOptions) {
    this.#o = o
  }

  /** What is written from now on goes to a new file. */
  next(): void {
    this.#add('next')
  }

  /** `bytes` must not change any more. */
  write(bytes: Uint8Array): void {
    this.waitingBytes += bytes.length
    this.#add(bytes)
  }

  /** Whatever waits for the file that is open, before this returns: the process may be about to end. */
  writeNow(): void {
    let position = this.#position
    for (const step of this.#steps) {
      if (step === 'next' || this.#file === undefined) return
      this.#file.writeNow(step, position)
      position += step.length
    }
  }

  async close(): Promise<void> {
    await this.#running
    await this.#closeFile()
  }

  #add(step: Step): void {
    this.#steps.push(step)
    if (this.#isRunning) return
    this.#isRunning = true
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    try {
      for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
        await this.#do(step)
        this.#steps.shift()
      }
    } catch (error) {
      this.#steps = []
      this.waitingBytes = 0
      await this.#closeFile()
      this.#o.failed(error)
    } finally {
      this.#isRunning = false
    }
  }

  async #do(step: Step): Promise<void> {
    if (step === 'next') return this.#rotate()
    await this.#file?.write(step, this.#position)
    this.#position += step.length
    this.waitingBytes -= step.length
  }

  async #rotate(): Promise<void> {
    const { path, files, disk } = this.#o
    await this.#closeFile()
    if (!this.#isChecked) await this.#check()
    let last = files - 1
    while (await disk.remove(`${path}.${last}`)) last++
    for (let number = files - 2; number >= 1; number--) await disk.rename(`${path}.${number}`, `${path}.${number + 1}`)
    await disk.rename(path, `${path}.1`)
    this.#file = await disk.create(path)
    this.#position = 0
  }

  /** What is going to be renamed and removed: nothing of anybody else's. */
  async #check(): Promise<void> {
    const { path, files, disk } = this.#o
    for (let number = 0; ; number++) {
      const name = number === 0 ? path : `${path}.${number}`
      const head = await disk.head(name, MAGIC.length)
      if (head === undefined && number >= files - 1) break
      // What was killed at its first write may be shorter.
      if (head?.some((byte, index) => byte !== MAGIC[index])) throw new Error(`${name} is no recording`)
    }
    this.#isChecked = true
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close().catch(() => {})
  }
}

export const systemDisk: RecordingDisk = {
  create: async (path) => new SystemFile(await open(path, 'wx', 0o600)),
  head,
  rename: (from, to) => existed(rename(from, to)),
  remove: (path) => existed(rm(path)),
}

class SystemFile implements RecordingFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      at += (await this.#handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten
    }
  }

  writeNow(bytes: Uint8Array, position: number): void {
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(this.#handle.fd, bytes, at, bytes.length - at, position + at)
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

async function head(path: string, length: number): Promise<Uint8Array | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function existed(done: Promise<void>): Promise<boolean> {
  try {
    await done
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
