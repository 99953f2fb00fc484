/**
 * Writes down what the cores of a process are told, so that `chordite replay` can tell it to others (docs/recording.md).
 * A core is a function of what it was told, of time, which is told too, and of random numbers: those come from
 * a generator whose state is written down. Nothing here is on anybody's way while nobody records.
 */
import type { Clock, Peer, Random, RecordOptions } from '../api.ts'
import type { ChordNode, CoreConfig } from '../core/chord-node.ts'
import {
  type NodeSettings,
  RECORD_BYTES_MAX,
  RECORD_CHUNK_BYTES,
  RECORD_CLOSE_MS,
  RECORD_DIGEST_INPUTS,
  RECORD_FLUSH_MS,
  RECORD_WAITING_BYTES_MAX,
} from '../core/config.ts'
import { ChordError } from '../core/errors.ts'
import { RecordedRandom } from '../core/recorded-random.ts'
import { digest, snapshot } from '../core/snapshot.ts'
import { crc32 } from '../wire/checksum.ts'
import { FILE_HEAD, type Input, markOf, RECORD_HEAD_BYTES, RecordingWriter } from '../wire/recording.ts'
import { Deferred } from './deferred.ts'
import type { Environment } from './environment.ts'
import { RecordedNode } from './recorded-node.ts'
import { type RecordingDisk, RecordingFiles, systemDisk } from './recording-files.ts'
import { packageVersion } from './version.ts'

export interface RecorderOptions {
  settings: Required<RecordOptions>
  network: string
  clock: Clock
  random: Random
  disk: RecordingDisk
  warn(error: ChordError): void
}

/** Undefined if nothing is to be recorded. */
export function recorderOf(
  { record, network }: NodeSettings,
  { clock, random, disk = systemDisk }: Environment,
  warn: (error: ChordError) => void,
): Recorder | undefined {
  return record && new Recorder({ settings: record, network, clock, random, disk, warn })
}

export class Recorder {
  readonly #o: RecorderOptions
  readonly #files: RecordingFiles
  readonly #writer = new RecordingWriter((record) => this.#append(record))
  readonly #random: RecordedRandom
  /** Of a file, when the next record may not fit any more. */
  readonly #fullBytes: number
  readonly #run: string
  #nodes: ChordNode[] = []
  #config: CoreConfig | undefined
  #isOn = true
  #file = -1
  #fileBytes = 0
  #inputs = 0
  /** `[#sent .. #at)` of it has not been given to the files. */
  #chunk = new Uint8Array(0)
  #view = new DataView(this.#chunk.buffer)
  #at = 0
  #sent = 0
  #timer: Disposable | undefined

  constructor(o: RecorderOptions) {
    this.#o = o
    const { path, files, bytesMax } = o.settings
    this.#files = new RecordingFiles({ path, files, disk: o.disk, failed: (error) => this.#fail(error) })
    const words = Array.from({ length: 6 }, () => o.random.nextUint32()) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    this.#random = new RecordedRandom([words[0], words[1], words[2], words[3]])
    this.#run = words[4].toString(16).padStart(8, '0') + words[5].toString(16).padStart(8, '0')
    this.#fullBytes = Math.floor(bytesMax / files) - RECORD_BYTES_MAX
  }

  /** Cores for the members, of which everything is written down that they are told. */
  readonly boot = (peers: readonly Peer[], config: CoreConfig): ChordNode[] => {
    this.#config = config
    this.#nodes = peers.map((self, index) => new RecordedNode({ self, config, random: this.#random }, this, index))
    this.#guard(() => {
      if (this.#file < 0 || this.#fileBytes > this.#fullBytes) this.#nextFile(false)
      else this.#start(false)
      // A process may live shortly.
      this.#flush()
    })
    return this.#nodes
  }

  /** Before the core gets it. */
  told(member: number, input: Input, nowMs: number): void {
    if (!this.#isOn) return
    this.#guard(() => {
      if (this.#fileBytes > this.#fullBytes) this.#nextFile(true)
      this.#writer.input(member, markOf(this.#nodes[member]!), nowMs, input)
      this.#inputs++
    })
  }

  /** The core has dealt with it. */
  done(member: number): void {
    if (this.#isOn && this.#inputs % RECORD_DIGEST_INPUTS === 0) this.#guard(() => this.#digest(member))
  }

  /** A bug: who could want a recording more? The process may not live long enough to write it later. */
  failed(error: unknown): void {
    if (!this.#isOn) return
    this.#guard(() => {
      this.#writer.end(error instanceof Error ? `exception: ${error.message}` : 'exception')
      this.#flush()
      this.#files.writeNow()
    })
    this.#off()
  }

  async close(): Promise<void> {
    if (this.#isOn) {
      this.#guard(() => {
        for (let member = 0; member < this.#nodes.length; member++) this.#digest(member)
        this.#writer.end('closed')
        this.#flush()
      })
    }
    this.#off()
    const patience = new Deferred<void>()
    const timer = this.#o.clock.setTimer(RECORD_CLOSE_MS, patience.resolve)
    await Promise.race([this.#files.close(), patience.promise])
    timer[Symbol.dispose]()
  }

  #digest(member: number): void {
    this.#writer.digest({ member, digest: digest(this.#nodes[member]!), random: this.#random.state })
  }

  #nextFile(continues: boolean): void {
    this.#flush()
    this.#files.next()
    this.#file++
    this.#room(FILE_HEAD.length)
    this.#chunk.set(FILE_HEAD, this.#at)
    this.#at += FILE_HEAD.length
    this.#fileBytes = FILE_HEAD.length
    const { network } = this.#o
    this.#writer.header({ version: packageVersion(), network, run: this.#run, file: this.#file })
    this.#start(continues)
    if (this.#fileBytes > this.#fullBytes) throw new Error('bytesMax is too small for the state of so many members')
  }

  #start(continues: boolean): void {
    this.#writer.start({
      input: this.#inputs,
      continues,
      config: this.#config!,
      random: this.#random.state,
      // What they want done is nothing that they depend on.
      members: this.#nodes.map((node) => ({ self: plainPeer(node.self), state: { ...snapshot(node), outputs: [] } })),
    })
  }

  #append(record: Uint8Array): void {
    const bytes = RECORD_HEAD_BYTES + record.length
    this.#room(bytes)
    this.#view.setUint32(this.#at, record.length, true)
    this.#view.setUint32(this.#at + 4, crc32(record, 0, record.length), true)
    this.#chunk.set(record, this.#at + RECORD_HEAD_BYTES)
    this.#at += bytes
    this.#fileBytes += bytes
    this.#timer ??= this.#o.clock.setTimer(RECORD_FLUSH_MS, this.#onTimer)
  }

  readonly #onTimer = (): void => this.#guard(() => this.#flush())

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#chunk.length) return
    this.#flush()
    this.#chunk = new Uint8Array(Math.max(RECORD_CHUNK_BYTES, bytes))
    this.#view = new DataView(this.#chunk.buffer)
    this.#at = 0
    this.#sent = 0
  }

  #flush(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    if (this.#sent === this.#at) return
    this.#files.write(this.#chunk.subarray(this.#sent, this.#at))
    this.#sent = this.#at
    if (this.#files.waitingBytes > RECORD_WAITING_BYTES_MAX) throw new Error('the disk is too slow')
  }

  /** Whatever goes wrong with the recording must not go wrong with the node. */
  #guard(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(cause: unknown): void {
    if (!this.#isOn) return
    this.#off()
    const why = cause instanceof Error ? cause.message : String(cause)
    const text = `cannot write the recording ${this.#o.settings.path}: ${why}; recording no more`
    this.#o.warn(new ChordError('ERR_RECORDING', text, { cause }))
  }

  #off(): void {
    this.#isOn = false
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }
}

/** Without what the runtime knows besides. */
function plainPeer({ id, address, incarnation }: Peer): Peer {
  return { id, address, incarnation }
}
