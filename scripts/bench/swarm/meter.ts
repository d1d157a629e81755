/**
 * What one node of the simulated hash table asks, and how far away the answers are.
 *
 * A hop: who is asked out of one's own table is one hop away, whoever was named by somebody at n hops for the first time is at
 * n + 1.
 */
import { type DhtMessage, decodeMessage, readVarint, TYPE } from '../../../src/node/net/dht/messages.ts'
import type { Peer } from './peers.ts'

export interface Counts {
  readonly dials: number
  readonly reached: number
  /** Questions by their kind. */
  readonly find: number
  readonly get: number
  readonly put: number
  readonly ping: number
  /** Of questions and answers, without what carries them. */
  readonly bytes: number
}

const NONE: Counts = { dials: 0, reached: 0, find: 0, get: 0, put: 0, ping: 0, bytes: 0 }

export class Meter {
  #counts: Counts = NONE
  #running = 0
  /** Hops to the peers named in answers about a key. */
  readonly #hops = new Map<string, Map<string, number>>()
  /** Hops to the first record of a key. */
  readonly #found = new Map<string, number>()

  /** Dials and questions that have not ended. */
  get running(): number {
    return this.#running
  }

  /** Since the last call. */
  take(): Counts {
    const counts = this.#counts
    this.#counts = NONE
    this.#hops.clear()
    return counts
  }

  /** Hops to the first record of this key that came. */
  hopsTo(key: Uint8Array): number | undefined {
    return this.#found.get(textOf(key))
  }

  dialed(): void {
    this.#running++
    this.#add({ dials: 1 })
  }

  dialEnded(reached: boolean): void {
    this.#running--
    this.#add({ reached: reached ? 1 : 0 })
  }

  opened(): void {
    this.#running++
  }

  closed(): void {
    this.#running--
  }

  asked(bytes: Uint8Array): void {
    const message = read(bytes)
    const [kind] = Object.entries(TYPE).find(([, type]) => type === message?.type) ?? []
    this.#add({ bytes: bytes.length, ...(kind === undefined ? {} : { [kind]: 1 }) })
  }

  answered(by: Peer, bytes: Uint8Array): void {
    this.#add({ bytes: bytes.length })
    const message = read(bytes)
    if (message === undefined || (message.type !== TYPE.get && message.type !== TYPE.find)) return
    const key = textOf(message.key)
    const hops = this.#hops.get(key) ?? new Map<string, number>()
    this.#hops.set(key, hops)
    const here = hops.get(textOf(by.bytes)) ?? 1
    for (const { id } of message.closer) if (!hops.has(textOf(id))) hops.set(textOf(id), here + 1)
    if (message.record !== undefined && !this.#found.has(key)) this.#found.set(key, here)
  }

  #add(more: Partial<Counts>): void {
    const sums = Object.entries(this.#counts).map(([name, count]) => [name, count + (more[name as keyof Counts] ?? 0)])
    this.#counts = Object.fromEntries(sums) as Counts
  }
}

/** Resolves when nothing of it has been running for a moment. */
export async function quiet(meter: Meter): Promise<void> {
  for (let still = 0; still < STILL; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    still = meter.running === 0 ? still + 1 : 0
  }
}

const LOOK_MS = 10
const STILL = 5

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const read = (bytes: Uint8Array): DhtMessage | undefined => decodeMessage(bytes.subarray(readVarint(bytes, 0)?.end))
