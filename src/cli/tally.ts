/** What `route` counts: keys per owner, hops, failures, and the time it took. */
import type { ChordError, Owner, Result } from '../index.ts'
import { count, percent, print, printJson, table } from './output.ts'
import { plainRange, share } from './plain.ts'

interface OwnerTally {
  address: string
  keys: number
  share: number
}

export class Tally {
  keys = 0
  failed = 0
  failure: ChordError | undefined
  readonly #owners = new Map<string, OwnerTally>()
  readonly #hops: number[] = []
  readonly #startedMs = performance.now()

  add(result: Result<Owner>): void {
    this.keys++
    if (!result.ok) {
      this.failed++
      this.failure ??= result.error
      return
    }
    const { owner, range, hops } = result.value
    const id = String(owner.id)
    let entry = this.#owners.get(id)
    if (!entry) {
      entry = { address: owner.address, keys: 0, share: 0 }
      this.#owners.set(id, entry)
    }
    entry.keys++
    entry.share = share(plainRange(range))
    this.#hops[hops] = (this.#hops[hops] ?? 0) + 1
  }

  print(json: boolean): void {
    const seconds = (performance.now() - this.#startedMs) / 1000
    const keysPerSecond = Math.round(this.keys / seconds)
    const owners = [...this.#owners].sort(([a], [b]) => (a < b ? -1 : 1))
    const hops = Array.from(this.#hops, (keys, distance) => ({ hops: distance, keys: keys ?? 0 }))
    const meanHops = hops.reduce((sum, at) => sum + at.hops * at.keys, 0) / Math.max(1, this.keys - this.failed)
    if (json) {
      const nodes = owners.map(([id, owner]) => ({ id, ...owner }))
      printJson({ summary: { keys: this.keys, failed: this.failed, seconds, keysPerSecond, meanHops, hops, nodes } })
      return
    }
    const total = this.keys - this.failed
    const rows = owners.map(([id, owner]) => [
      id.slice(0, 12),
      owner.address,
      count(owner.keys),
      percent(owner.keys / total),
      percent(owner.share),
    ])
    for (const line of table([['id', 'address', 'keys', 'of all', 'share of the ring'], ...rows])) print(line)
    const histogram = hops.filter((at) => at.keys > 0).map((at) => `${at.hops}: ${count(at.keys)}`)
    print(`hops  ${histogram.join('   ')}   mean ${meanHops.toFixed(2)}`)
    print(`${count(this.keys)} keys in ${seconds.toFixed(2)} s, ${count(keysPerSecond)} keys/s`)
  }
}
