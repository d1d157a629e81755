/**
 * The key of one message: both halves of the Triple Ratchet in one.
 *
 *     mk = HKDF(salt = post-quantum message key, ikm = elliptic message key, "tulnic/mk/1", 64)
 *        = encryption key 32 ‖ commitment 32
 *
 * Spec: Signal "Triple Ratchet" (the combination of the two message keys); the commitment is ours.
 * Holds: who lacks either half knows nothing of the key; a ciphertext opens under one key only.
 */
import { expandBlocks, extract } from '../crypto/hkdf.ts'
import type { Primitives } from '../crypto/primitives.ts'
import { LABELS } from '../labels.ts'

export interface MessageKey {
  readonly key: Uint8Array
  /** Goes in clear before the body. */
  readonly commitment: Uint8Array
}

/** Joins the two 32-byte message keys. Three HMACs. */
export function joinMessageKey(p: Primitives, ecKey: Uint8Array, pqKey: Uint8Array): MessageKey {
  const [key, commitment] = expandBlocks(p, extract(p, pqKey, ecKey), LABELS.messageKey, 2)
  if (key === undefined || commitment === undefined) throw new Error('two blocks were asked for')
  return { key, commitment }
}
