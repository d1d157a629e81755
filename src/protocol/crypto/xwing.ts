/**
 * X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 as one KEM; it stands while either of them does.
 *
 *     seed 32 ──SHAKE-256──▶ d ‖ z 64 (ML-KEM) ‖ private key 32 (X25519)
 *     public key = ML-KEM key 1184 ‖ X25519 key 32         ciphertext = ML-KEM 1088 ‖ X25519 key 32
 *     shared secret = SHA3-256(ss_M ‖ ss_X ‖ ct_X ‖ pk_X ‖ "\.//^\")
 *
 * Holds: beyond the draft, a low-order X25519 point is refused on both sides.
 */
import { shake256 } from '@noble/hashes/sha3.js'
import { concat, utf8 } from '../bytes.ts'
import type { Encapsulation, Primitives, Random } from './primitives.ts'

export const XWING_SEED_BYTES = 32
export const XWING_KEY_BYTES = 1216
export const XWING_CIPHERTEXT_BYTES = 1120

const KEM_KEY_BYTES = 1184
const KEM_CIPHERTEXT_BYTES = 1088
const COMBINER = utf8('\\.//^\\')

/** The 1216-byte public key of a 32-byte seed. */
export function xwingPublicKey(p: Primitives, seed: Uint8Array): Uint8Array {
  const { kemSeed, privateKey } = expandSeed(seed)
  return concat(p.kemPublicKey(kemSeed), p.x25519PublicKey(privateKey))
}

/** Encapsulates to a 1216-byte key; `undefined` for a key of another length, out of range, or of low order. */
export function xwingEncapsulate(p: Primitives, random: Random, publicKey: Uint8Array): Encapsulation | undefined {
  if (publicKey.length !== XWING_KEY_BYTES) return undefined
  const kemRandomness = random(32)
  const ephemeral = random(32)
  const dhKey = publicKey.subarray(KEM_KEY_BYTES)
  const kem = p.kemEncapsulate(publicKey.subarray(0, KEM_KEY_BYTES), kemRandomness)
  const dh = p.x25519(ephemeral, dhKey)
  if (kem === undefined || dh === undefined) return undefined
  const dhCiphertext = p.x25519PublicKey(ephemeral)
  return {
    ciphertext: concat(kem.ciphertext, dhCiphertext),
    sharedSecret: combine(p, kem.sharedSecret, dh, dhCiphertext, dhKey),
  }
}

/** The 32-byte shared secret; random-looking for a forged ciphertext, `undefined` for a wrong length or a low-order point. */
export function xwingDecapsulate(p: Primitives, seed: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  if (ciphertext.length !== XWING_CIPHERTEXT_BYTES) return undefined
  const { kemSeed, privateKey } = expandSeed(seed)
  const dhCiphertext = ciphertext.subarray(KEM_CIPHERTEXT_BYTES)
  const dh = p.x25519(privateKey, dhCiphertext)
  const kem = p.kemDecapsulate(kemSeed, ciphertext.subarray(0, KEM_CIPHERTEXT_BYTES))
  if (kem === undefined || dh === undefined) return undefined
  return combine(p, kem, dh, dhCiphertext, p.x25519PublicKey(privateKey))
}

function combine(
  p: Primitives,
  kem: Uint8Array,
  dh: Uint8Array,
  dhCiphertext: Uint8Array,
  dhKey: Uint8Array,
): Uint8Array {
  return p.sha3(concat(kem, dh, dhCiphertext, dhKey, COMBINER))
}

function expandSeed(seed: Uint8Array): { kemSeed: Uint8Array; privateKey: Uint8Array } {
  if (seed.length !== XWING_SEED_BYTES) throw new RangeError(`an X-Wing seed has 32 bytes, not ${seed.length}`)
  const expanded = shake256(seed, { dkLen: 96 })
  return { kemSeed: expanded.subarray(0, 64), privateKey: expanded.subarray(64) }
}
