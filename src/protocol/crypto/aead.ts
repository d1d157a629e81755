/**
 * The committing AEAD: XChaCha20-Poly1305 behind 32 bytes that commit to the key.
 *
 *     key ──HKDF-Expand(label ‖ nonce, 64)──▶ encryption key 32 ‖ commitment 32
 *     sealed = commitment 32 ‖ nonce 24 ‖ ciphertext ‖ tag 16
 *
 * Poly1305 alone does not commit: one ciphertext can be made to open under two keys. The nonce is in the expansion, so
 * that equal keys do not show as equal commitments.
 *
 * Holds: a sealed text opens under one key, one label and one associated data only; nonces are drawn at random, so a
 * state that was rolled back repeats a key and never a nonce.
 */
import { concat, equal } from '../bytes.ts'
import { expand } from './hkdf.ts'
import type { Primitives, Random } from './primitives.ts'

export const COMMITMENT_BYTES = 32
export const NONCE_BYTES = 24
const TAG_BYTES = 16
/** What sealing adds to a plaintext: 72 bytes. */
export const SEAL_OVERHEAD = COMMITMENT_BYTES + NONCE_BYTES + TAG_BYTES

/** Seals under a 32-byte key; `label` separates its uses, `associatedData` are all clear bytes that go before. */
export function seal(
  p: Primitives,
  random: Random,
  key: Uint8Array,
  label: Uint8Array,
  plaintext: Uint8Array,
  associatedData: Uint8Array,
): Uint8Array {
  const nonce = random(NONCE_BYTES)
  const keys = expand(p, key, concat(label, nonce), 64)
  const ciphertext = p.aeadSeal(keys.subarray(0, 32), nonce, plaintext, concat(label, associatedData))
  return concat(keys.subarray(32), nonce, ciphertext)
}

/** The plaintext; `undefined` where key, label, associated data or any byte is not what was sealed. */
export function open(
  p: Primitives,
  key: Uint8Array,
  label: Uint8Array,
  sealed: Uint8Array,
  associatedData: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < SEAL_OVERHEAD) return undefined
  const nonce = sealed.subarray(COMMITMENT_BYTES, COMMITMENT_BYTES + NONCE_BYTES)
  const keys = expand(p, key, concat(label, nonce), 64)
  if (!equal(keys.subarray(32), sealed.subarray(0, COMMITMENT_BYTES))) return undefined
  const ciphertext = sealed.subarray(COMMITMENT_BYTES + NONCE_BYTES)
  return p.aeadOpen(keys.subarray(0, 32), nonce, ciphertext, concat(label, associatedData))
}
