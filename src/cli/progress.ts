/** A bar on a terminal, nothing elsewhere; a counter where the size of the whole is not known. */
import type { WriteStream } from 'node:tty'
import { count } from './output.ts'

const WIDTH = 30
const REPAINT_MS = 100

export class Progress {
  readonly #out: WriteStream
  readonly #totalBytes: number | undefined
  readonly #startedMs = performance.now()
  #keys = 0
  #bytes = 0
  #paintedMs = 0

  constructor(out: WriteStream, totalBytes: number | undefined) {
    this.#out = out
    this.#totalBytes = totalBytes
  }

  advance(keys: number, bytes: number): void {
    this.#keys += keys
    this.#bytes += bytes
    const nowMs = performance.now()
    if (!this.#out.isTTY || nowMs - this.#paintedMs < REPAINT_MS) return
    this.#paintedMs = nowMs
    const rate = Math.round((this.#keys / (nowMs - this.#startedMs)) * 1000)
    this.#out.write(`\r\x1b[K${this.#bar()}${count(this.#keys)} keys  ${count(rate)}/s`)
  }

  done(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K')
  }

  #bar(): string {
    if (!this.#totalBytes) return ''
    const full = Math.min(WIDTH, Math.floor((this.#bytes / this.#totalBytes) * WIDTH))
    return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] `
  }
}
