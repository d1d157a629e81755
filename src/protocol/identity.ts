/**
 * Who is who: a person is an Ed25519 account key, a device a pair of keys that the account's log names.
 *
 *     24 words = entropy 32 ──HKDF──▶ account seed ──▶ account key ──base32──▶ account id
 *
 * Holds: an account key is 32 bytes of a canonical point that is not of small order; brands are made here only.
 */
import type { AccountId, AccountKey, DeviceId } from './brand.ts'
import { concat, fromBase32, toBase32 } from './bytes.ts'
import { derive } from './crypto/hkdf.ts'
import { isDhKey, isSigningKey } from './crypto/points.ts'
import type { Primitives } from './crypto/primitives.ts'
import { LABELS } from './labels.ts'

/** Our own account. The seed is the whole secret: whoever has it is the account. */
export interface Account {
  readonly key: AccountKey
  /** Ed25519 seed, 32 bytes. */
  readonly seed: Uint8Array
}

/** Private halves of one device, made at random on it; they never leave it. */
export interface DeviceSecrets {
  /** Ed25519 seed, 32 bytes. */
  readonly signingSeed: Uint8Array
  /** X25519 private key, 32 bytes. */
  readonly dhSeed: Uint8Array
}

export interface DeviceKeys {
  readonly id: DeviceId
  /** Ed25519, 32 bytes. */
  readonly signing: Uint8Array
  /** X25519, 32 bytes: the identity key of PQXDH. */
  readonly dh: Uint8Array
}

/** The account of 32 bytes of entropy (the phrase's). */
export function accountFromEntropy(p: Primitives, entropy: Uint8Array): Account {
  if (entropy.length !== 32) throw new RangeError(`an account has 32 bytes of entropy, not ${entropy.length}`)
  const seed = derive(p, entropy, LABELS.accountSeed, 32)
  return { key: p.ed25519PublicKey(seed) as AccountKey, seed }
}

/** 52 characters. */
export function accountId(key: AccountKey): AccountId {
  return toBase32(key) as AccountId
}

/** The id that a text says exactly: 52 lower-case characters of a good key. */
export function parseAccountId(text: string): AccountId | undefined {
  if (text.length !== 52) return undefined
  const key = fromBase32(text)
  return key !== undefined && parseAccountKey(key) !== undefined ? (text as AccountId) : undefined
}

/** The key of an id that was checked. */
export function accountKeyOf(id: AccountId): AccountKey {
  const key = fromBase32(id)
  if (key?.length !== 32) throw new RangeError('not an account id')
  return key as AccountKey
}

/** 32 bytes of a point that can be an account; `undefined` for anything else. */
export function parseAccountKey(bytes: Uint8Array): AccountKey | undefined {
  return isSigningKey(bytes) ? (bytes as AccountKey) : undefined
}

/** Public halves of our own device. */
export function deviceKeys(p: Primitives, secrets: DeviceSecrets): DeviceKeys {
  return named(p, p.ed25519PublicKey(secrets.signingSeed), p.x25519PublicKey(secrets.dhSeed))
}

/** Keys that somebody says are a device's; `undefined` where one of them is no usable key. */
export function parseDeviceKeys(p: Primitives, signing: Uint8Array, dh: Uint8Array): DeviceKeys | undefined {
  return isSigningKey(signing) && isDhKey(dh) ? named(p, signing, dh) : undefined
}

/** The 16 bytes that a device id writes. */
export function deviceIdBytes(id: DeviceId): Uint8Array {
  const bytes = fromBase32(id)
  if (bytes?.length !== 16) throw new RangeError('not a device id')
  return bytes
}

function named(p: Primitives, signing: Uint8Array, dh: Uint8Array): DeviceKeys {
  const hash = p.sha256(concat(LABELS.deviceId, signing, dh))
  return { id: toBase32(hash.subarray(0, 16)) as DeviceId, signing, dh }
}
