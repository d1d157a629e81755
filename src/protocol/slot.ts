/**
 * A slot: a place in the DHT that is named by the hash of a key, and the record of fixed size that the key's owner puts there.
 *
 *     name   = SHA-256(public key)        DHT key = "/rv1/" or "/iv1/" ‖ name in base32
 *     record = public key 32 ‖ seq 8 ‖ not after 8 ‖ commitment 32 ‖ nonce 24 ‖ ciphertext ‖ tag 16 ‖ signature 64
 *              └──────── clear ──────────┘└────────────── sealed (crypto/aead.ts) ─────────────┘
 *     plaintext = length 2 ‖ content ‖ zeros
 *
 * The clear bytes are the associated data of the sealed ones, the signature is over a label and all before it. "Not after" is
 * the next full hour and 48 more: a thing that everybody who is handed the record knows already. A time to the millisecond
 * would tell by how much the owner's clock is wrong, and the end of the owner's own day at what hour that begins; both would
 * link one day's record to the next.
 *
 * Holds: any bytes are taken or refused, never thrown at; a record that was taken has one size, one place and one signer, and
 * judging it costs one hash and one verification at most; only `seq`, "not after" and the last byte of the
 * signature (Ed25519: below 17) do not look random.
 */
import { compare, concat, equal, fromBase32, fromUtf8, toBase32, utf8 } from './bytes.ts'
import { open, SEAL_OVERHEAD, seal } from './crypto/aead.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import { LABELS } from './labels.ts'
import { COUNTER_MOST, INVITE_RECORD_BYTES, RECORD_SECONDS_AHEAD, RENDEZVOUS_RECORD_BYTES } from './limits.ts'
import { uint16 } from './wire/codec.ts'

/** `rv1`: a day of an audience (`rendezvous.ts`); `iv1`: an invite (`invite-slot.ts`). */
export type SlotKind = 'rv1' | 'iv1'

/** A record and where it belongs. */
export interface SlotRecord {
  readonly kind: SlotKind
  /** 32 bytes. */
  readonly name: Uint8Array
  readonly value: Uint8Array
}

/** The key of one slot: whoever has the seed decides what stands there. */
export interface SlotKeys {
  /** Ed25519 seed, 32 bytes. */
  readonly seed: Uint8Array
  readonly publicKey: Uint8Array
  readonly name: Uint8Array
}

/** What the DHT may know of a record. */
export interface SlotHead {
  /** 1 … 2^48: of two records of one slot the higher counts. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly notAfter: number
}

/** Which version of a slot's record is being made, and when. */
export interface SlotVersion {
  /** From 1 in each slot, one more for each record with other contents: so it tells nothing of the day before. */
  readonly seq: number
  readonly nowMs: number
}

const KINDS = {
  rv1: { bytes: RENDEZVOUS_RECORD_BYTES, seal: LABELS.rendezvousSeal, signature: LABELS.rendezvousSignature },
  iv1: { bytes: INVITE_RECORD_BYTES, seal: LABELS.inviteSlotSeal, signature: LABELS.inviteSlotSignature },
} as const

const KEY_BYTES = 32
const CLEAR_BYTES = KEY_BYTES + 8 + 8
const SIGNATURE_BYTES = 64
const LENGTH_BYTES = 2
/** A kind of three letters between two slashes, and 32 bytes in base32. */
const DHT_KEY_BYTES = 5 + 52
const HOUR_MS = 3_600_000
/** How long libp2p's servers keep a value at most; the rest of the 72 hours is for clocks that go wrong. */
const LIFE_HOURS = 48

/** The slot of a seed. */
export function slotOf(p: Primitives, seed: Uint8Array): SlotKeys {
  const publicKey = p.ed25519PublicKey(seed)
  return { seed, publicKey, name: slotName(p, publicKey) }
}

/** Where the owner of a public key puts records, 32 bytes. */
export function slotName(p: Primitives, publicKey: Uint8Array): Uint8Array {
  return p.sha256(publicKey)
}

/** The key of a slot in the DHT: `/rv1/` and 52 characters, as bytes. */
export function dhtKey(kind: SlotKind, name: Uint8Array): Uint8Array {
  return utf8(`/${kind}/${toBase32(name)}`)
}

/** The slot that a DHT key names; `undefined` for every other key. */
export function parseDhtKey(key: Uint8Array): { readonly kind: SlotKind; readonly name: Uint8Array } | undefined {
  if (key.length !== DHT_KEY_BYTES) return undefined
  const text = fromUtf8(key) ?? ''
  const kind = text.startsWith('/rv1/') ? 'rv1' : text.startsWith('/iv1/') ? 'iv1' : undefined
  const name = fromBase32(text.slice(5))
  return kind !== undefined && name !== undefined ? { kind, name } : undefined
}

/** Bytes of content that a record of this kind has room for. */
export function slotRoom(kind: SlotKind): number {
  return KINDS[kind].bytes - CLEAR_BYTES - SEAL_OVERHEAD - SIGNATURE_BYTES - LENGTH_BYTES
}

/** The record of `content` for a slot. Throws for a content that has no room and a `seq` that is none. */
export function sealSlot(
  p: Primitives,
  random: Random,
  kind: SlotKind,
  keys: SlotKeys,
  sealKey: Uint8Array,
  version: SlotVersion,
  content: Uint8Array,
): SlotRecord {
  const { seq, nowMs } = version
  const room = slotRoom(kind)
  if (content.length > room) throw new RangeError(`${kind} has room for ${room} bytes, not ${content.length}`)
  if (!Number.isSafeInteger(seq) || seq < 1 || seq > COUNTER_MOST) throw new RangeError(`${seq} is no seq`)
  const clear = concat(keys.publicKey, uint64(seq), uint64((Math.ceil(nowMs / HOUR_MS) + LIFE_HOURS) * HOUR_MS))
  const plaintext = new Uint8Array(LENGTH_BYTES + room)
  plaintext.set(uint16(content.length))
  plaintext.set(content, LENGTH_BYTES)
  const body = concat(clear, seal(p, random, sealKey, KINDS[kind].seal, plaintext, clear))
  return { kind, name: keys.name, value: concat(body, p.sign(keys.seed, concat(KINDS[kind].signature, body))) }
}

/** The content of a slot's record and its `seq`; `undefined` for what is not the owner's, or not sealed with `sealKey`. */
export function openSlot(
  p: Primitives,
  kind: SlotKind,
  sealKey: Uint8Array,
  name: Uint8Array,
  record: Uint8Array,
): { readonly seq: number; readonly content: Uint8Array } | undefined {
  const head = headOf(kind, record)
  if (head === undefined || !isOwners(p, kind, name, record)) return undefined
  const sealed = record.subarray(CLEAR_BYTES, -SIGNATURE_BYTES)
  const plaintext = open(p, sealKey, KINDS[kind].seal, sealed, record.subarray(0, CLEAR_BYTES))
  const content = plaintext && unpadded(plaintext)
  return content && { seq: head.seq, content }
}

/**
 * Whether a DHT server may keep these bytes in this slot, and a reader believe that they are its owner's: length, name, an
 * end that is ahead, by 72 hours at most, and the signature. At most one hash and one verification: natively 0.2 ms for a good
 * record, 1.6 for a forged one, which the adapter asks the reference about.
 */
export function checkRecord(
  p: Primitives,
  kind: SlotKind,
  name: Uint8Array,
  record: Uint8Array,
  nowMs: number,
): SlotHead | undefined {
  const head = headOf(kind, record)
  if (head === undefined) return undefined
  const timely = head.notAfter >= nowMs && head.notAfter <= nowMs + RECORD_SECONDS_AHEAD * 1000
  return timely && isOwners(p, kind, name, record) ? head : undefined
}

/** Which of a slot's checked records counts, by its place in the list: the highest `seq`, then the lowest bytes. Throws for none. */
export function selectRecord(records: readonly Uint8Array[]): number {
  if (records.length === 0) throw new RangeError('nothing to select from')
  let best = 0
  for (const [at, record] of records.entries()) if (isBefore(record, records[best] ?? record)) best = at
  return best
}

function headOf(kind: SlotKind, record: Uint8Array): SlotHead | undefined {
  if (record.length !== KINDS[kind].bytes) return undefined
  const seq = numberAt(record, KEY_BYTES)
  const notAfter = numberAt(record, KEY_BYTES + 8)
  return seq >= 1 && seq <= COUNTER_MOST ? { seq, notAfter } : undefined
}

function isOwners(p: Primitives, kind: SlotKind, name: Uint8Array, record: Uint8Array): boolean {
  const publicKey = record.subarray(0, KEY_BYTES)
  if (!equal(slotName(p, publicKey), name)) return false
  const message = concat(KINDS[kind].signature, record.subarray(0, -SIGNATURE_BYTES))
  return p.verify(publicKey, message, record.subarray(-SIGNATURE_BYTES))
}

function isBefore(a: Uint8Array, b: Uint8Array): boolean {
  const later = numberAt(a, KEY_BYTES) - numberAt(b, KEY_BYTES)
  return later > 0 || (later === 0 && compare(a, b) < 0)
}

function unpadded(plaintext: Uint8Array): Uint8Array | undefined {
  const end = LENGTH_BYTES + new DataView(plaintext.buffer, plaintext.byteOffset).getUint16(0)
  if (end > plaintext.length || plaintext.subarray(end).some((byte) => byte !== 0)) return undefined
  return plaintext.subarray(LENGTH_BYTES, end)
}

/** Eight bytes as a number, rounded above 2^53; 0 where they are cut off. */
function numberAt(record: Uint8Array, at: number): number {
  if (record.length < at + 8) return 0
  return Number(new DataView(record.buffer, record.byteOffset).getBigUint64(at))
}

function uint64(value: number): Uint8Array {
  const eight = new Uint8Array(8)
  new DataView(eight.buffer).setBigUint64(0, BigInt(value))
  return eight
}
