/**
 * Waiting: for some time, for a place in a queue, and never for ever.
 */

/** Between half of `whole` and `whole`, drawn. */
export function drawn(whole: number, random: (n: number) => Uint8Array): number {
  const [byte = 0] = random(1)
  return whole * (0.5 + byte / 510)
}

/** Resolves after some time, or at once when the signal says so. */
export function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}

/**
 * Ends when one of the signals does, or after `ms`. In place of AbortSignal.any with AbortSignal.timeout: Node.js 24.21 forgets the
 * end of such a signal if nobody listened at that moment, so that whoever waits by it afterwards would wait for ever.
 */
export function within(ms: number, ...signals: readonly AbortSignal[]): AbortSignal {
  const ended = new AbortController()
  const all = [...signals, AbortSignal.timeout(ms)]
  const end = (): void => {
    for (const signal of all) signal.removeEventListener('abort', end)
    ended.abort()
  }
  for (const signal of all) signal.addEventListener('abort', end, { once: true })
  if (signals.some(({ aborted }) => aborted)) end()
  return ended.signal
}

/** So many at once, and one for each key. */
export class Slots {
  readonly #most: number
  readonly #taken = new Set<string>()
  readonly #waiting = new Set<() => void>()

  constructor(most: number) {
    this.#most = most
  }

  /** Waits for a place. Returns how to give it back, or `undefined` when the signal came first. */
  async take(key: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    while (!signal.aborted) {
      if (this.#taken.size < this.#most && !this.#taken.has(key)) {
        this.#taken.add(key)
        return () => {
          this.#taken.delete(key)
          for (const look of [...this.#waiting]) look()
        }
      }
      await this.#change(signal)
    }
    return undefined
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        this.#waiting.delete(look)
        signal.removeEventListener('abort', look)
        resolve()
      }
      this.#waiting.add(look)
      signal.addEventListener('abort', look, { once: true })
    })
  }
}

/** So many in a second, and some at once. */
export class Rate {
  readonly #each: number
  readonly #most: number
  readonly #now: () => number
  #left: number
  #at: number

  /** `each`: a second; `most`: what may gather. */
  constructor(each: number, most: number, now: () => number) {
    this.#each = each
    this.#most = most
    this.#now = now
    this.#left = most
    this.#at = now()
  }

  /** Whether there was as much. */
  take(amount: number): boolean {
    this.#gather()
    if (this.#left < amount) return false
    this.#left -= amount
    return true
  }

  /** Takes as much, also where there is less: what is owed is gathered first. */
  charge(amount: number): void {
    this.#gather()
    this.#left -= amount
  }

  /** Milliseconds until nothing is owed any more. */
  get waitMs(): number {
    this.#gather()
    return Math.max(0, (-this.#left / this.#each) * 1000)
  }

  /** Whether more than half of what may gather was taken. */
  get isLow(): boolean {
    this.#gather()
    return this.#left < this.#most / 2
  }

  /** Whether nothing was taken for so long that a new one would be the same. */
  get isWhole(): boolean {
    this.#gather()
    return this.#left >= this.#most
  }

  #gather(): void {
    const now = this.#now()
    this.#left = Math.min(this.#most, this.#left + (Math.max(0, now - this.#at) / 1000) * this.#each)
    this.#at = now
  }
}

/** Names whose rates are kept apart; beyond, all share one. */
const NAMES = 4096
const SHARED = 'others'

/** One rate for each name: of an address prefix, a contact. */
export class Rates {
  readonly #make: () => Rate
  readonly #rates = new Map<string, Rate>()

  constructor(each: number, most: number, now: () => number) {
    this.#make = () => new Rate(each, most, now)
  }

  of(name: string): Rate {
    const known = this.#rates.get(name)
    if (known !== undefined) return known
    if (this.#rates.size >= NAMES) for (const [key, rate] of this.#rates) if (rate.isWhole) this.#rates.delete(key)
    const key = this.#rates.size >= NAMES ? SHARED : name
    const rate = this.#rates.get(key) ?? this.#make()
    this.#rates.set(key, rate)
    return rate
  }
}
