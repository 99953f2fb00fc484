/** What is going to happen, earliest first; of one instant, in the order in which it was put in. A binary heap. */
const FIRST_CAPACITY = 1024

/** Times and numbers lie in arrays of their own: no object, and no number on the heap, is made for an entry. */
export class EventQueue<T> {
  #times = new Float64Array(FIRST_CAPACITY)
  #orders = new Float64Array(FIRST_CAPACITY)
  readonly #items: T[] = []
  #order = 0

  get size(): number {
    return this.#items.length
  }

  /** When the first is due; Infinity if there is none. */
  nextMs(): number {
    return this.#items.length === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number)
  }

  push(atMs: number, item: T): void {
    const at = this.#items.length
    if (at === this.#times.length) this.#grow()
    this.#items.push(item)
    this.#rise(at, atMs, this.#order++, item)
  }

  /** The first; undefined if there is none. */
  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    const at = items.length
    if (at > 0) this.#sink(this.#times[at] as number, this.#orders[at] as number, last as T)
    return first
  }

  #rise(from: number, atMs: number, order: number, item: T): void {
    const times = this.#times
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      // The newcomer has the highest number: of one instant, it is last.
      if ((times[parent] as number) <= atMs) break
      this.#move(parent, at)
      at = parent
    }
    this.#place(at, atMs, order, item)
  }

  #sink(atMs: number, order: number, item: T): void {
    const times = this.#times
    const orders = this.#orders
    const size = this.#items.length
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      const right = child + 1
      if (right < size && isEarlier(times[right]!, orders[right]!, times[child]!, orders[child]!)) child = right
      if (!isEarlier(times[child]!, orders[child]!, atMs, order)) break
      this.#move(child, at)
      at = child
    }
    this.#place(at, atMs, order, item)
  }

  #move(from: number, to: number): void {
    this.#place(to, this.#times[from] as number, this.#orders[from] as number, this.#items[from] as T)
  }

  #place(at: number, atMs: number, order: number, item: T): void {
    this.#times[at] = atMs
    this.#orders[at] = order
    this.#items[at] = item
  }

  #grow(): void {
    this.#times = doubled(this.#times)
    this.#orders = doubled(this.#orders)
  }
}

function isEarlier(timeA: number, orderA: number, timeB: number, orderB: number): boolean {
  return timeA !== timeB ? timeA < timeB : orderA < orderB
}

function doubled(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * array.length)
  larger.set(array)
  return larger
}
