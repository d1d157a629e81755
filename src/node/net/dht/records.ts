/**
 * Records of others that this node keeps for the DHT: in memory, for a while, and never more than it said.
 *
 *     put ─▶ newer than the one of its slot? ─▶ a place among those of its prefix? ─▶ a place among all? ─▶ kept
 *                 no: refused                      no: refused                         no: the prefix that has
 *                                                                                      most loses what ends first
 *
 * Records are charged to the address prefix that they came from. Whoever was there stays: a newcomer cannot push out a record of
 * its own prefix, and of others only where its own has fewer. If one record comes from two prefixes, it is charged to the one
 * with fewer, so that nobody takes a record over by putting a copy of it.
 *
 * Holds: an older record never takes the place of a newer one; counts and bytes stay within the limits whatever comes; an honest
 * prefix with h records loses one only while every prefix has h or fewer: to get there, a flood needs `count / h` prefixes.
 */
import { checkRecord, dhtKey, equal, type Primitives, selectRecord, type SlotKind } from '../../../protocol/index.ts'

export interface RecordLimits {
  /** Records, and their bytes. */
  readonly records: number
  readonly recordBytes: number
  /** Records of one prefix. */
  readonly recordsOfPrefix: number
  /** How long a record stays without being put again. */
  readonly recordLifeMs: number
}

interface Kept {
  readonly kind: SlotKind
  readonly value: Uint8Array
  readonly notAfter: number
  readonly endsAt: number
  readonly prefix: string
}

export class DhtRecords {
  readonly #p: Primitives
  readonly #limits: RecordLimits
  readonly #now: () => number
  /** By DHT key. */
  readonly #kept = new Map<string, Kept>()
  readonly #byPrefix = new Map<string, Set<string>>()
  #bytes = 0

  constructor(p: Primitives, limits: RecordLimits, now: () => number) {
    this.#p = p
    this.#limits = limits
    this.#now = now
  }

  get count(): number {
    return this.#kept.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The record of a slot, if there is one that has not ended. */
  get(kind: SlotKind, name: Uint8Array): Uint8Array | undefined {
    const key = textOf(kind, name)
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    if (kept.endsAt > this.#now()) return kept.value
    this.#drop(key)
    return undefined
  }

  /** Keeps a record, unless it is none, an older one or one too many. `prefix`: whom it is charged to. */
  put(kind: SlotKind, name: Uint8Array, value: Uint8Array, prefix: string): boolean {
    const now = this.#now()
    const key = textOf(kind, name)
    const held = this.get(kind, name) && this.#kept.get(key)
    const isCopy = held !== undefined && equal(held.value, value)
    if (held !== undefined && !isCopy && selectRecord([held.value, value]) === 0) return false
    // Before the signature is verified, which costs most.
    if (held === undefined && !this.#hasPlace(prefix, now)) return false
    const head = isCopy ? held : checkRecord(this.#p, kind, name, value, now)
    if (head === undefined) return false
    const { notAfter } = head
    const endsAt = Math.min(notAfter, now + this.#limits.recordLifeMs)
    const charged = held === undefined ? prefix : this.#lighter(held.prefix, prefix)
    this.#keep(key, { kind, value: value.slice(), notAfter, endsAt, prefix: charged })
    this.#shrink(key, now)
    return this.#kept.has(key)
  }

  #lighter(one: string, other: string): string {
    return this.#countOf(other) + 1 < this.#countOf(one) ? other : one
  }

  #countOf(prefix: string): number {
    return this.#byPrefix.get(prefix)?.size ?? 0
  }

  #hasPlace(prefix: string, now: number): boolean {
    if (this.#countOf(prefix) < this.#limits.recordsOfPrefix) return true
    for (const key of this.#byPrefix.get(prefix) ?? []) {
      if ((this.#kept.get(key)?.endsAt ?? 0) <= now) this.#drop(key)
    }
    return this.#countOf(prefix) < this.#limits.recordsOfPrefix
  }

  #keep(key: string, kept: Kept): void {
    this.#drop(key)
    this.#kept.set(key, kept)
    this.#bytes += kept.value.length
    const keys = this.#byPrefix.get(kept.prefix) ?? new Set()
    this.#byPrefix.set(kept.prefix, keys.add(key))
  }

  /** Makes room for what was just kept. */
  #shrink(newest: string, now: number): void {
    if (!this.#isFull()) return
    for (const [key, { endsAt }] of this.#kept) if (endsAt <= now) this.#drop(key)
    while (this.#isFull()) {
      const loser = this.#firstToEnd(this.#heaviest(newest))
      this.#drop(loser ?? newest)
    }
  }

  #isFull(): boolean {
    return this.#kept.size > this.#limits.records || this.#bytes > this.#limits.recordBytes
  }

  /** The prefix with most records; the newcomer's if it has as many. */
  #heaviest(newest: string): string {
    let heaviest = this.#kept.get(newest)?.prefix ?? ''
    for (const [prefix, keys] of this.#byPrefix) if (keys.size > this.#countOf(heaviest)) heaviest = prefix
    return heaviest
  }

  #firstToEnd(prefix: string): string | undefined {
    let first: string | undefined
    for (const key of this.#byPrefix.get(prefix) ?? []) {
      const endsAt = this.#kept.get(key)?.endsAt ?? 0
      if (first === undefined || endsAt < (this.#kept.get(first)?.endsAt ?? 0)) first = key
    }
    return first
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    this.#bytes -= kept.value.length
    const keys = this.#byPrefix.get(kept.prefix)
    keys?.delete(key)
    if (keys?.size === 0) this.#byPrefix.delete(kept.prefix)
  }
}

const DECODER = new TextDecoder()

function textOf(kind: SlotKind, name: Uint8Array): string {
  return DECODER.decode(dhtKey(kind, name))
}
