/**
 * The invite: a link (or QR code) by which somebody becomes a contact.
 *
 *     1 ‖ flags 1 ‖ account key 32 ‖ log head 16 ‖ secret 32 ‖ bundle hash 16 ‖ expiry 4 (s)
 *       ‖ [one-time key 32, where flags = 1] ‖ address hints ≤ 92 ‖ check 4        at most 230 bytes, base64url behind `tulnic:`
 *
 * The check is the beginning of a SHA-256 over all before: a link that was cut or mistyped is told at once, not after a
 * search for somebody who does not exist.
 *
 * Holds: one link for one invite; the secret never travels but in the link.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import type { AccountKey } from './brand.ts'
import { concat, equal, fromBase64Url, toBase64Url, utf8 } from './bytes.ts'
import { isDhKey } from './crypto/points.ts'
import type { Primitives } from './crypto/primitives.ts'
import { parseAccountKey } from './identity.ts'
import { LABELS } from './labels.ts'
import { INVITE_ADDRESS_BYTES, INVITE_BYTES, INVITE_TEXT_CHARACTERS } from './limits.ts'
import { decodeHints, encodeHints } from './wire/address.ts'
import { joined, uint32 } from './wire/codec.ts'

export interface Invite {
  readonly account: AccountKey
  /** First 16 bytes of the inviter's log head. */
  readonly logHead: Uint8Array
  /** 32 bytes that only those who saw the link know. */
  readonly secret: Uint8Array
  /** X25519 public key of a single-use invite, else `null`. */
  readonly oneTimeKey: Uint8Array | null
  /** First 16 bytes of the hash of the bundle that the inviter will hand out. */
  readonly bundleHash: Uint8Array
  /** Milliseconds since 1970, whole seconds. */
  readonly expiresAt: number
  /** Multiaddress texts, best first. What has no hint, or no room, is left out of the link. */
  readonly addresses: readonly string[]
}

const SCHEME = 'tulnic:'
const VERSION = 1
const FIXED_BYTES = 102
const KEY_BYTES = 32
const CHECK_BYTES = 4

/** The link. Throws for parts of a wrong length and an expiry that is no whole second of the years 1970–2106. */
export function encodeInvite(invite: Invite): string {
  const seconds = invite.expiresAt / 1000
  if (!Number.isInteger(seconds) || seconds < 0 || seconds >= 2 ** 32)
    throw new RangeError(`${invite.expiresAt} is no expiry`)
  const body = concat(
    Uint8Array.of(VERSION, invite.oneTimeKey === null ? 0 : 1),
    sized(invite.account, 32),
    sized(invite.logHead, 16),
    sized(invite.secret, 32),
    sized(invite.bundleHash, 16),
    uint32(seconds),
    invite.oneTimeKey === null ? new Uint8Array(0) : sized(invite.oneTimeKey, KEY_BYTES),
    encodeHints(invite.addresses, INVITE_ADDRESS_BYTES),
  )
  return SCHEME + toBase64Url(concat(body, check(body)))
}

/** The first good invite in a text, whatever stands around the link. */
export function decodeInvite(text: string): Invite | undefined {
  for (const [, encoded = ''] of text.slice(0, INVITE_TEXT_CHARACTERS).matchAll(/tulnic:([A-Za-z0-9_-]{130,310})/gi)) {
    const bytes = fromBase64Url(encoded)
    const invite = bytes && decodeBytes(bytes)
    if (invite !== undefined) return invite
  }
  return undefined
}

/** 16 bytes that name an invite in the store without telling its secret. */
export function inviteKey(p: Primitives, secret: Uint8Array): Uint8Array {
  return p.sha256(concat(LABELS.inviteKey, secret)).subarray(0, 16)
}

/** Shows to `listenerPeer` that `dialerPeer` (raw PeerIDs) knows the invite, 32 bytes; good for these two ends only. */
export function inviteProof(
  p: Primitives,
  secret: Uint8Array,
  dialerPeer: Uint8Array,
  listenerPeer: Uint8Array,
): Uint8Array {
  return p.hmac(secret, concat(LABELS.inviteProof, joined(dialerPeer, listenerPeer)))
}

/** Shows to the dialer that the answer to its bundle request comes from the inviter, 32 bytes. */
export function bundleAnswerMac(
  p: Primitives,
  secret: Uint8Array,
  status: string,
  bundle: Uint8Array,
  dialerPeer: Uint8Array,
  listenerPeer: Uint8Array,
): Uint8Array {
  return p.hmac(secret, concat(LABELS.bundleAnswer, joined(utf8(status), bundle, dialerPeer, listenerPeer)))
}

function decodeBytes(bytes: Uint8Array): Invite | undefined {
  const [version, flags] = bytes
  if (version !== VERSION || bytes.length > INVITE_BYTES || (flags !== 0 && flags !== 1)) return undefined
  const hintsAt = FIXED_BYTES + flags * KEY_BYTES
  const end = bytes.length - CHECK_BYTES
  if (
    end < hintsAt ||
    end > hintsAt + INVITE_ADDRESS_BYTES ||
    !equal(check(bytes.subarray(0, end)), bytes.subarray(end))
  )
    return undefined
  const account = parseAccountKey(bytes.slice(2, 34))
  const addresses = decodeHints(bytes.subarray(hintsAt, end))
  const oneTimeKey = flags === 1 ? bytes.slice(FIXED_BYTES, hintsAt) : null
  if (account === undefined || addresses === undefined || (oneTimeKey !== null && !isDhKey(oneTimeKey)))
    return undefined
  const seconds = new DataView(bytes.buffer, bytes.byteOffset).getUint32(98)
  return {
    account,
    logHead: bytes.slice(34, 50),
    secret: bytes.slice(50, 82),
    bundleHash: bytes.slice(82, 98),
    expiresAt: seconds * 1000,
    oneTimeKey,
    addresses,
  }
}

function check(body: Uint8Array): Uint8Array {
  return sha256(concat(LABELS.inviteCheck, body)).subarray(0, CHECK_BYTES)
}

function sized(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new RangeError(`this part of an invite has ${length} bytes, not ${bytes.length}`)
  return bytes
}
