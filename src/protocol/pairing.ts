/**
 * Nearby pairing: two people in one place become contacts by comparing six digits.
 *
 *     A = the end with the lower PeerID (compared as bytes), B = the other
 *     A ▶ commitment = SHA-256("tulnic/pairing-commitment/1" ‖ offer A)      offer = [nonce 32, ephemeral X25519 32, claimed name]
 *     B ▶ offer B
 *     A ▶ offer A                                                         both show the digits and the claimed name
 *     each, once its person said that the digits are equal ▶ card, sealed
 *
 *     SK     = X25519(ephemeral A, ephemeral B)
 *     T      = SHA-256("tulnic/pairing-transcript/1" ‖ both PeerIDs ‖ commitment ‖ offer B ‖ offer A)
 *     digits = HKDF(salt T, SK, "tulnic/pairing-digits/1") mod 10^6        secret = HKDF(salt T, SK, "tulnic/pairing-secret/1")
 *     card   = AEAD(HKDF(salt T, SK, "tulnic/pairing-card-key/1" ‖ role), [body, signature of the device over role ‖ T ‖ body])
 *     body   = [account key, device log, device id, bundle (B) or empty (A), [address …]]
 *
 * Without the commitment, one in the middle would try a million ephemeral keys until both sides show the same digits. It has
 * one try in 10^6 for each exchange: the caller lets few fail.
 *
 * Holds: before its person confirmed, a side tells nothing but a nonce, a fresh key and a claimed name; a card is believed
 * only from whom the digits were compared with, and names an account only if one of its live devices signed it here.
 */
import type { AccountKey } from './brand.ts'
import { decodeBundle } from './bundle.ts'
import { compare, concat, equal } from './bytes.ts'
import { open, seal } from './crypto/aead.ts'
import { hkdf } from './crypto/hkdf.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import type { DeviceLog } from './device-log.ts'
import { decodeDeviceLog } from './device-log.ts'
import type { DeviceSecrets } from './identity.ts'
import { deviceIdBytes, deviceKeys, parseAccountKey } from './identity.ts'
import { LABELS } from './labels.ts'
import { ADDRESS_CHARACTERS, ADDRESS_COUNT, BUNDLE_BYTES, DEVICE_LOG_BYTES, PAIRING_MESSAGE_BYTES } from './limits.ts'
import { cleanName } from './name.ts'
import { isAddress } from './wire/address.ts'
import { bytes, decode, encode, joined, list, mapped, text, tuple } from './wire/codec.ts'

/** A opens the exchange; B hands out the bundle and is added by A. */
export type PairingRole = 'A' | 'B'

/** The raw bytes of both PeerIDs. */
export interface PairingEnds {
  readonly local: Uint8Array
  readonly remote: Uint8Array
}

/** Where an exchange stands: kept in memory only, and dropped when it ends. */
export type PairingState =
  | (Own & { readonly phase: 'begun' })
  | (Own & { readonly phase: 'answered'; readonly commitment: Uint8Array })
  | Compared

/** What both sides show: the digits, for their persons to compare. */
export interface Compared {
  readonly phase: 'compared'
  readonly role: PairingRole
  /** Six decimal digits. */
  readonly digits: string
  /** Clean, and no more than a claim. */
  readonly claimedName: string
  /** 32 bytes that only the two ends know: stands for an invite's secret. */
  readonly secret: Uint8Array
  readonly transcript: Uint8Array
  readonly key: Uint8Array
}

/** What a side says of itself once its person confirmed. */
export interface PairingCard {
  readonly log: DeviceLog
  readonly device: DeviceSecrets
  /** B: the encoded bundle that A will use. A: empty. */
  readonly bundle: Uint8Array
  readonly addresses: readonly string[]
}

/** Whom the other side proved to be. */
export interface Paired {
  readonly account: AccountKey
  readonly log: DeviceLog
  /** B's encoded bundle, verified to be of this account; empty in A's. */
  readonly bundle: Uint8Array
  readonly addresses: readonly string[]
}

interface Own {
  readonly ends: PairingEnds
  readonly ephemeralSeed: Uint8Array
  readonly offer: Uint8Array
}

/** Which part this end plays: the lower PeerID begins. Throws if both ends are one. */
export function pairingRole(ends: PairingEnds): PairingRole {
  const order = compare(ends.local, ends.remote)
  if (order === 0) throw new RangeError('nobody pairs with itself')
  return order < 0 ? 'A' : 'B'
}

/** A's first message. */
export function beginPairing(
  p: Primitives,
  random: Random,
  ends: PairingEnds,
  name: string,
): { readonly state: PairingState; readonly send: Uint8Array } {
  requireRole(ends, 'A')
  const own = offer(p, random, ends, name)
  return { state: { ...own, phase: 'begun' }, send: commitmentTo(p, own.offer) }
}

/** B's answer to A's first message. */
export function answerPairing(
  p: Primitives,
  random: Random,
  ends: PairingEnds,
  name: string,
  received: Uint8Array,
): { readonly state: PairingState; readonly send: Uint8Array } | undefined {
  requireRole(ends, 'B')
  if (received.length !== 32) return undefined
  const own = offer(p, random, ends, name)
  return { state: { ...own, phase: 'answered', commitment: received.slice() }, send: own.offer }
}

/** A opens its offer upon B's answer and has the digits. */
export function openPairing(
  p: Primitives,
  state: PairingState,
  received: Uint8Array,
): { readonly state: Compared; readonly send: Uint8Array } | undefined {
  if (state.phase !== 'begun') throw new RangeError(`an exchange that is ${state.phase} cannot be opened`)
  const theirs = decodeOffer(received)
  if (theirs === undefined) return undefined
  const commitment = commitmentTo(p, state.offer)
  const transcript = transcriptOf(p, state.ends.local, state.ends.remote, commitment, received, state.offer)
  const compared = compareOffers(p, 'A', state, theirs, transcript)
  return compared && { state: compared, send: state.offer }
}

/** B checks A's offer against the commitment and has the digits. */
export function finishPairing(p: Primitives, state: PairingState, received: Uint8Array): Compared | undefined {
  if (state.phase !== 'answered') throw new RangeError(`an exchange that is ${state.phase} cannot be finished`)
  const theirs = decodeOffer(received)
  if (theirs === undefined || !equal(commitmentTo(p, received), state.commitment)) return undefined
  const transcript = transcriptOf(p, state.ends.remote, state.ends.local, state.commitment, state.offer, received)
  return compareOffers(p, 'B', state, theirs, transcript)
}

/** Our sealed card: to be sent only after our person said that the digits are equal. */
export function confirmPairing(p: Primitives, random: Random, state: Compared, card: PairingCard): Uint8Array {
  if ((state.role === 'B') !== card.bundle.length > 0) throw new RangeError('B and only B hands out a bundle')
  const device = deviceIdBytes(deviceKeys(p, card.device).id)
  const addresses = card.addresses.filter(isAddress).slice(0, ADDRESS_COUNT)
  const body = encode([card.log.account, card.log.bytes, device, card.bundle, addresses])
  const signature = p.sign(card.device.signingSeed, signed(state.role, state.transcript, body))
  return seal(p, random, cardKey(p, state, state.role), LABELS.pairingCard, encode([body, signature]), state.transcript)
}

/** Whom the other side's card shows; `undefined` ends the exchange. */
export function acceptPairing(p: Primitives, state: Compared, received: Uint8Array): Paired | undefined {
  if (received.length > PAIRING_MESSAGE_BYTES) return undefined
  const role = state.role === 'A' ? 'B' : 'A'
  const plaintext = open(p, cardKey(p, state, role), LABELS.pairingCard, received, state.transcript)
  const parts = plaintext && decode(plaintext, PAIRING_MESSAGE_BYTES, SIGNED)
  const card = parts && decode(parts[0], PAIRING_MESSAGE_BYTES, CARD)
  if (parts === undefined || card === undefined) return undefined
  const [account, logBytes, deviceId, bundle, addresses] = card
  const log = decodeDeviceLog(p, account, logBytes)
  const device = log?.devices.find((live) => equal(deviceIdBytes(live.id), deviceId))
  if (log === undefined || device === undefined) return undefined
  if (!p.verify(device.signing, signed(role, state.transcript, parts[0]), parts[1])) return undefined
  return bundleFits(p, role, account, bundle) ? { account, log, bundle, addresses } : undefined
}

function bundleFits(p: Primitives, role: PairingRole, account: AccountKey, bundle: Uint8Array): boolean {
  if (role === 'A') return bundle.length === 0
  const decoded = decodeBundle(p, bundle)
  return decoded !== undefined && equal(decoded.account, account)
}

interface Offer {
  readonly ephemeral: Uint8Array
  readonly name: string
}

function offer(p: Primitives, random: Random, ends: PairingEnds, name: string): Own {
  const ephemeralSeed = random(32)
  return { ends, ephemeralSeed, offer: encode([random(32), p.x25519PublicKey(ephemeralSeed), cleanName(name)]) }
}

function decodeOffer(received: Uint8Array): Offer | undefined {
  const fields = decode(received, PAIRING_MESSAGE_BYTES, OFFER)
  return fields && { ephemeral: fields[1], name: cleanName(fields[2]) }
}

function compareOffers(
  p: Primitives,
  role: PairingRole,
  own: Own,
  theirs: Offer,
  transcript: Uint8Array,
): Compared | undefined {
  const key = p.x25519(own.ephemeralSeed, theirs.ephemeral)
  if (key === undefined) return undefined
  const number = new DataView(hkdf(p, transcript, key, LABELS.pairingDigits, 8).buffer).getBigUint64(0)
  return {
    phase: 'compared',
    role,
    digits: String(number % 1_000_000n).padStart(6, '0'),
    claimedName: theirs.name,
    secret: hkdf(p, transcript, key, LABELS.pairingSecret, 32),
    transcript,
    key,
  }
}

function commitmentTo(p: Primitives, encodedOffer: Uint8Array): Uint8Array {
  return p.sha256(concat(LABELS.pairingCommitment, encodedOffer))
}

function transcriptOf(p: Primitives, ...parts: readonly Uint8Array[]): Uint8Array {
  return p.sha256(concat(LABELS.pairingTranscript, joined(...parts)))
}

function cardKey(p: Primitives, state: Compared, role: PairingRole): Uint8Array {
  return hkdf(p, state.transcript, state.key, concat(LABELS.pairingCardKey, roleByte(role)), 32)
}

function signed(role: PairingRole, transcript: Uint8Array, body: Uint8Array): Uint8Array {
  return concat(LABELS.pairingSignature, roleByte(role), transcript, body)
}

function roleByte(role: PairingRole): Uint8Array {
  return Uint8Array.of(role === 'A' ? 1 : 2)
}

function requireRole(ends: PairingEnds, role: PairingRole): void {
  if (pairingRole(ends) !== role) throw new RangeError(`this end is not ${role}`)
}

const OFFER = tuple(bytes(32), bytes(32), text(PAIRING_MESSAGE_BYTES))
const SIGNED = tuple(bytes(1, PAIRING_MESSAGE_BYTES), bytes(64))
const CARD = tuple(
  mapped(bytes(32), parseAccountKey),
  bytes(1, DEVICE_LOG_BYTES),
  bytes(16),
  bytes(0, BUNDLE_BYTES),
  list(
    mapped(text(ADDRESS_CHARACTERS), (address) => (isAddress(address) ? address : undefined)),
    0,
    ADDRESS_COUNT,
  ),
)
