/**
 * A DHT as a board on which records are pinned: every version that was ever put stays, and what is handed out may be bad.
 *
 * Holds: two versions of one slot with one `seq` are told as a fault of their owner; without mischief it
 * answers as the net does: the newest record of each name that its owner made and that has not ended.
 */
import {
  checkRecord,
  equal,
  type Primitives,
  selectRecord,
  type SlotKind,
  type SlotRecord,
  toBase32,
} from '../../src/protocol/index.ts'
import type { Chance } from './random.ts'

/** Likelihoods of each answer. */
export interface Mischief {
  /** Nothing, although there is something. */
  readonly hide: number
  /** The oldest version that ever stood there. */
  readonly old: number
  /** Random bytes of the right length. */
  readonly garbage: number
  /** What stands in somebody else's slot. */
  readonly foreign: number
}

export const HONEST: Mischief = { hide: 0, old: 0, garbage: 0, foreign: 0 }

export class Board {
  mischief: Mischief = HONEST
  /** All versions, oldest first, by kind and name. */
  readonly slots = new Map<string, readonly SlotRecord[]>()
  readonly #kept = new Map<string, readonly SlotRecord[]>()
  readonly #p: Primitives
  readonly #chance: Chance
  #isThere = true

  constructor(p: Primitives, chance: Chance) {
    this.#p = p
    this.#chance = chance
  }

  /** All that was pinned on another board so far. */
  take(other: Board): void {
    for (const [key, records] of other.slots) this.slots.set(key, records)
  }

  get isThere(): boolean {
    return this.#isThere
  }

  /** Whether there is anybody to put to and to ask; what was published meanwhile is put when there is. */
  set isThere(there: boolean) {
    this.#isThere = there
    if (there) for (const records of this.#kept.values()) this.#pin(records)
  }

  /** All records of a node from now on; returns what is wrong with them. */
  publish(owner: string, records: readonly SlotRecord[]): readonly string[] {
    this.#kept.set(owner, records)
    return this.#isThere ? this.#pin(records) : []
  }

  #pin(records: readonly SlotRecord[]): readonly string[] {
    const wrong: string[] = []
    for (const record of records) {
      const key = keyOf(record.kind, record.name)
      const known = this.slots.get(key) ?? []
      if (known.some(({ value }) => equal(value, record.value))) continue
      if (known.some(({ value }) => equal(seqOf(value), seqOf(record.value))))
        wrong.push(`another record with one seq in ${key}`)
      this.slots.set(key, [...known, record])
    }
    return wrong
  }

  /** What servers answer at that time; `undefined` where none answers. */
  find(kind: SlotKind, names: readonly Uint8Array[], now: number): readonly SlotRecord[] | undefined {
    if (!this.isThere) return undefined
    return names.flatMap((name) => this.#answer(kind, name, now) ?? [])
  }

  #answer(kind: SlotKind, name: Uint8Array, now: number): SlotRecord | undefined {
    const all = this.slots.get(keyOf(kind, name)) ?? []
    const { hide, old, garbage, foreign } = this.mischief
    const [oldest] = all
    if (oldest === undefined || this.#chance.happens(hide)) return undefined
    if (this.#chance.happens(old)) return oldest
    if (this.#chance.happens(garbage)) return { ...oldest, value: this.#chance.bytes(oldest.value.length) }
    const others = [...this.slots.values()].flat().filter((one) => one.kind === kind)
    if (this.#chance.happens(foreign)) return { ...oldest, value: this.#chance.pick(others).value }
    // The newest first: to check one is what costs.
    const left = [...all]
    while (left.length > 0) {
      const [newest] = left.splice(selectRecord(left.map(({ value }) => value)), 1)
      if (newest !== undefined && checkRecord(this.#p, kind, name, newest.value, now) !== undefined) return newest
    }
    return undefined
  }
}

const seqOf = (value: Uint8Array): Uint8Array => value.subarray(32, 40)
const keyOf = (kind: SlotKind, name: Uint8Array): string => `${kind}/${toBase32(name)}`
