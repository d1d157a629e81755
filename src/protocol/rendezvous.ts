/**
 * Audiences: how a device tells at most sixteen contacts where it is, through servers that learn neither whom nor where.
 *
 *     audience secret ──HKDF("audience-read-key")───────▶ read key 32          told to the members, opens every record
 *                     ──HKDF("audience-slot" ‖ epoch 4)──▶ Ed25519 seed of that day's slot (slot.ts)    the owner's alone
 *     content = [PeerID 38, [multiaddress …], device id 16, carrier hints, names of the next 14 slots]
 *     grant   = [read key 32, phase, first epoch, names of 30 slots]                         travels in sessions
 *
 *     ───────┬───────────────── epoch t, 24 h ─────────────────┬───────      begins at t days and `phase` seconds after 1970
 *       t-1 ─┼── 1 h ─┤                  t          ├─ lead ───┼─ t+1        the owner publishes; lead < 1 h, by lot each day
 *       t-1 ─┼── 1 h ─┤                  t          ├── 1 h ───┼─ t+1        a reader looks
 *
 * Members hold names in advance, never a seed: one that turns can say where to look, and write nothing. Two clocks may differ by
 * an hour.
 *
 * Holds: nothing here throws for what a remote sent; the records of two days have nothing in common but what all records of their
 * hours have (`slot.ts`); a reader that saw a record takes none before it.
 */
import { concat } from './bytes.ts'
import { derive } from './crypto/hkdf.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import { LABELS } from './labels.ts'
import { CARRIER_HINT_BYTES, EPOCH_MOST, PEER_ID_BYTES, SLOTS_GRANTED, SLOTS_IN_RECORD, SLOTS_KNOWN } from './limits.ts'
import type { SlotKeys, SlotRecord, SlotVersion } from './slot.ts'
import { openSlot, sealSlot, slotOf, slotRoom } from './slot.ts'
import type { Decoder } from './wire/codec.ts'
import { bytes, decode, encode, integer, joinedParts, parts, tuple, uint32 } from './wire/codec.ts'
import { encodeWithAddresses, RECORD_ADDRESSES } from './wire/record-content.ts'

/** An audience as its owner keeps it; drawn anew when a contact leaves it. */
export interface Audience {
  /** 32 bytes that never leave the device. */
  readonly secret: Uint8Array
  /** Seconds of the UTC day at which its epochs begin, by lot: so that not everybody changes slots at midnight. */
  readonly phase: number
}

/** What a member is told in a session. */
export interface AudienceGrant {
  /** 32 bytes. */
  readonly readKey: Uint8Array
  readonly phase: number
  /** The epoch of the first name. */
  readonly firstEpoch: number
  /** Names of 32 bytes, of epochs one after another: exactly 30, and 1 to 30 where it comes with an invite. */
  readonly names: readonly Uint8Array[]
}

/** Where a device is. */
export interface RendezvousContent {
  /** Raw bytes of the PeerID, 38. */
  readonly peerId: Uint8Array
  /** Bytes of multiaddresses, best first; what has no room is left out. At most ten, which the net judges before it dials. */
  readonly addresses: readonly Uint8Array[]
  /** 16 bytes of a device id. The reader looks for it in its contact's log: a record with another's device is not the contact's. */
  readonly device: Uint8Array
  /** At most 64 bytes: reserved for where mail may be left. */
  readonly carrierHints: Uint8Array
}

/** What a member reads: `names` are of the 14 epochs after the record's own. */
export type RendezvousRecord = RendezvousContent & { readonly seq: number; readonly names: readonly Uint8Array[] }

/** A slot whose name a reader knows. */
export interface KnownSlot {
  readonly epoch: number
  readonly name: Uint8Array
}

/** Which record of an audience: by day, then by `seq`. */
export interface RecordPosition {
  readonly epoch: number
  readonly seq: number
}

const NAME_BYTES = 32
const DEVICE_BYTES = 16
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** A fresh audience. */
export function createAudience(random: Random): Audience {
  const lot = random(4)
  return { secret: random(32), phase: new DataView(lot.buffer, lot.byteOffset).getUint32(0) % 86_400 }
}

/** What opens the records of an audience, 32 bytes. */
export function readKey(p: Primitives, secret: Uint8Array): Uint8Array {
  return derive(p, secret, LABELS.audienceReadKey, 32)
}

/** The slot of one epoch. Throws for an epoch that is none. */
export function slotKeys(p: Primitives, secret: Uint8Array, epoch: number): SlotKeys {
  return slotOf(p, derive(p, secret, concat(LABELS.audienceSlot, epochBytes(epoch)), 32))
}

/** The epoch of a moment; the first or last one for a clock that is beyond them. */
export function epochOf(nowMs: number, phase: number): number {
  return Math.min(Math.max(Math.floor((nowMs - phase * 1000) / DAY_MS), 0), EPOCH_MOST)
}

/**
 * Of which epochs the owner keeps a record in the DHT, and until when (ms) that stays so: the current one, the last one for
 * an hour, and the next one for a part of an hour that is drawn for each day, so that the change tells the phase to an hour only.
 */
export function epochsToPublish(
  p: Primitives,
  { secret, phase }: Audience,
  nowMs: number,
): { readonly epochs: readonly number[]; readonly until: number } {
  const epoch = epochOf(nowMs, phase)
  const begin = epoch * DAY_MS + phase * 1000
  const lastUntil = begin + HOUR_MS
  const nextFrom = begin + DAY_MS - leadMs(p, secret, epoch + 1)
  const epochs = [epoch, ...(nowMs < lastUntil ? [epoch - 1] : []), ...(nowMs >= nextFrom ? [epoch + 1] : [])]
  const until = [lastUntil, nextFrom, begin + DAY_MS].find((time) => time > nowMs) ?? nowMs + DAY_MS
  return { epochs: epochs.filter((each) => each >= 0), until }
}

/** At which known slots a reader looks now, the current one first: its neighbours only within an hour of the change. */
export function slotsToRead(known: readonly KnownSlot[], phase: number, nowMs: number): readonly KnownSlot[] {
  const epochs = new Set([nowMs, nowMs - HOUR_MS, nowMs + HOUR_MS].map((time) => epochOf(time, phase)))
  return [...epochs].flatMap((epoch) => known.filter((slot) => slot.epoch === epoch))
}

/** The owner's record of one epoch. Throws for parts of a wrong length. Natively about 1 ms, for the names of the slots to come. */
export function sealRecord(
  p: Primitives,
  random: Random,
  secret: Uint8Array,
  epoch: number,
  version: SlotVersion,
  { peerId, addresses, device, carrierHints }: RendezvousContent,
): SlotRecord {
  if (PEER_ID(peerId) === undefined || DEVICE(device) === undefined || HINTS(carrierHints) === undefined)
    throw new RangeError('a part of the record has a wrong length')
  const names = concat(...namesFrom(p, secret, epoch + 1, SLOTS_IN_RECORD))
  const content = encodeWithAddresses(slotRoom('rv1'), addresses, (kept) => [peerId, kept, device, carrierHints, names])
  return sealSlot(p, random, 'rv1', slotKeys(p, secret, epoch), readKey(p, secret), version, content)
}

/** What stands in the slot of that name, if its owner wrote it for us. Whether it ended is for `checkRecord` to say. */
export function openRecord(
  p: Primitives,
  key: Uint8Array,
  name: Uint8Array,
  record: Uint8Array,
): RendezvousRecord | undefined {
  const opened = openSlot(p, 'rv1', key, name, record)
  const content = opened && decode(opened.content, slotRoom('rv1'), CONTENT)
  if (opened === undefined || content === undefined) return undefined
  const [peerId, addresses, device, carrierHints, names] = content
  return { seq: opened.seq, peerId, addresses, device, carrierHints, names }
}

/** Whether `found` is older than what was seen of this audience: it is then to be left aside, whoever signed it. */
export function isRolledBack(seen: RecordPosition | null, found: RecordPosition): boolean {
  if (seen === null) return false
  return found.epoch < seen.epoch || (found.epoch === seen.epoch && found.seq < seen.seq)
}

/** What a new member is told, and an old one from time to time: 30 names from today's on. */
export function createGrant(p: Primitives, { secret, phase }: Audience, nowMs: number): AudienceGrant {
  const firstEpoch = epochOf(nowMs, phase)
  return { readKey: readKey(p, secret), phase, firstEpoch, names: namesFrom(p, secret, firstEpoch, SLOTS_GRANTED) }
}

/** The grant in about 1 KB. */
export function encodeGrant(grant: AudienceGrant): Uint8Array {
  const encoded = encodeShortGrant(grant)
  if (decodeGrant(encoded) === undefined) throw new RangeError('no such grant')
  return encoded
}

export function decodeGrant(encoded: Uint8Array): AudienceGrant | undefined {
  return decodeNamed(encoded, GRANT)
}

/** A grant of 1 to 30 names, for places where 30 have no room. */
export function encodeShortGrant({ readKey: key, phase, firstEpoch, names }: AudienceGrant): Uint8Array {
  const encoded = encode([key, phase, firstEpoch, joinedParts(NAME_BYTES, names)])
  if (decodeShortGrant(encoded) === undefined) throw new RangeError('no such grant')
  return encoded
}

export function decodeShortGrant(encoded: Uint8Array): AudienceGrant | undefined {
  return decodeNamed(encoded, SHORT_GRANT)
}

/**
 * The slots that a reader knows, in order of their epochs, once it was told `names` from `firstEpoch` on, by a grant or a record.
 * A name that is known stays. Beyond 64, those farthest from what was told last are forgotten: so no clock of ours decides, and
 * an owner whose clock was years ahead for a day is found again.
 */
export function learnSlots(
  known: readonly KnownSlot[],
  firstEpoch: number,
  names: readonly Uint8Array[],
): readonly KnownSlot[] {
  const told = names.map((name, at) => ({ epoch: firstEpoch + at, name }))
  const news = told.filter(({ epoch }) => !known.some((slot) => slot.epoch === epoch))
  const distance = ({ epoch }: KnownSlot) => Math.abs(epoch - firstEpoch)
  const nearest = [...known, ...news].sort((a, b) => distance(a) - distance(b)).slice(0, SLOTS_KNOWN)
  return nearest.sort((a, b) => a.epoch - b.epoch)
}

function namesFrom(p: Primitives, secret: Uint8Array, first: number, count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, at) => slotKeys(p, secret, first + at).name)
}

/** How long before its epoch a slot is filled: below an hour. */
function leadMs(p: Primitives, secret: Uint8Array, epoch: number): number {
  const lot = derive(p, secret, concat(LABELS.audienceLead, epochBytes(epoch)), 4)
  return new DataView(lot.buffer, lot.byteOffset).getUint32(0) % HOUR_MS
}

function epochBytes(epoch: number): Uint8Array {
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > 2 * EPOCH_MOST) throw new RangeError(`${epoch} is no epoch`)
  return uint32(epoch)
}

function decodeNamed(encoded: Uint8Array, grant: typeof GRANT): AudienceGrant | undefined {
  const fields = decode(encoded, GRANT_BYTES, grant)
  return fields && { readKey: fields[0], phase: fields[1], firstEpoch: fields[2], names: fields[3] }
}

const PEER_ID = bytes(PEER_ID_BYTES)
const DEVICE = bytes(DEVICE_BYTES)
const HINTS = bytes(0, CARRIER_HINT_BYTES)
const CONTENT = tuple(PEER_ID, RECORD_ADDRESSES, DEVICE, HINTS, parts(NAME_BYTES, SLOTS_IN_RECORD))
/** Names, key, and 16 bytes of heads and numbers. */
export const GRANT_BYTES = NAME_BYTES * (SLOTS_GRANTED + 1) + 16
const grantOf = (names: Decoder<readonly Uint8Array[]>) =>
  tuple(bytes(32), integer(0, 86_399), integer(0, EPOCH_MOST), names)
const GRANT = grantOf(parts(NAME_BYTES, SLOTS_GRANTED))
const SHORT_GRANT = grantOf(parts(NAME_BYTES, 1, SLOTS_GRANTED))
