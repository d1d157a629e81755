/**
 * Virtual time: events in the order of their times, and of their making where the times are equal.
 */

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void | Promise<void>
}

export class Clock {
  now = 0
  #made = 0
  readonly #heap: Event[] = []

  /** Runs something after so many virtual milliseconds. */
  after(ms: number, run: () => void | Promise<void>): void {
    this.#heap.push({ at: this.now + Math.max(0, ms), order: this.#made++, run })
    this.#up(this.#heap.length - 1)
  }

  get waiting(): number {
    return this.#heap.length
  }

  /** Runs events until none is left or the time comes. */
  async runUntil(end: number): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#take()
      this.now = next.at
      await next.run()
    }
    this.now = Math.max(this.now, end)
  }

  #before(a: number, b: number): boolean {
    const x = this.#heap[a] as Event
    const y = this.#heap[b] as Event
    return x.at < y.at || (x.at === y.at && x.order < y.order)
  }

  #swap(a: number, b: number): void {
    const x = this.#heap[a] as Event
    this.#heap[a] = this.#heap[b] as Event
    this.#heap[b] = x
  }

  #up(index: number): void {
    let at = index
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#before(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #take(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= this.#heap.length) return
      const least = left + 1 < this.#heap.length && this.#before(left + 1, left) ? left + 1 : left
      if (!this.#before(least, at)) return
      this.#swap(at, least)
      at = least
    }
  }
}
