/** A disk in memory for recordings, which can be full. */
import type { RecordingDisk, RecordingFile } from '../../src/runtime/recording-files.ts'

export class MemoryDisk implements RecordingDisk {
  readonly files = new Map<string, Uint8Array>()
  /** Of all files together; more is refused. */
  roomBytes = Number.POSITIVE_INFINITY
  /** The most that there has ever been, of all files together. */
  mostBytes = 0

  get bytes(): number {
    return [...this.files.values()].reduce((sum, { length }) => sum + length, 0)
  }

  async create(path: string): Promise<RecordingFile> {
    if (this.files.has(path)) throw new Error(`EEXIST: ${path}`)
    const file = { path, bytes: new Uint8Array(0) }
    this.files.set(path, file.bytes)
    const writeNow = (bytes: Uint8Array, position: number): void => {
      const grown = new Uint8Array(Math.max(file.bytes.length, position + bytes.length))
      if (this.bytes + grown.length - file.bytes.length > this.roomBytes) throw new Error('ENOSPC: no space left')
      grown.set(file.bytes)
      grown.set(bytes, position)
      this.files.set(this.#pathOf(file.bytes), grown)
      file.bytes = grown
      this.mostBytes = Math.max(this.mostBytes, this.bytes)
    }
    return { write: async (bytes, position) => writeNow(bytes, position), writeNow, close: async () => {} }
  }

  async head(path: string, length: number): Promise<Uint8Array | undefined> {
    return this.files.get(path)?.slice(0, length)
  }

  async rename(from: string, to: string): Promise<boolean> {
    const bytes = this.files.get(from)
    if (bytes === undefined) return false
    this.files.delete(from)
    this.files.set(to, bytes)
    return true
  }

  async remove(path: string): Promise<boolean> {
    return this.files.delete(path)
  }

  #pathOf(bytes: Uint8Array): string {
    for (const [path, found] of this.files) if (found === bytes) return path
    throw new Error('the file was removed')
  }
}
