/**
 * The safety number: what two people compare to know that nobody sits between them.
 *
 * Holds: the same for both sides; it depends on the two account keys alone, so new devices do not change it.
 */
import type { AccountKey } from './brand.ts'
import { compare, concat } from './bytes.ts'
import { expand } from './crypto/hkdf.ts'
import type { Primitives } from './crypto/primitives.ts'
import { LABELS } from './labels.ts'

const GROUPS = 12
/** 40 bits a group: reduced to 5 digits the bias is below 2^-23. */
const GROUP_BYTES = 5

/** 60 decimal digits (199 bits): 12 groups of 5 for display. */
export function safetyNumber(p: Primitives, a: AccountKey, b: AccountKey): string {
  const [low, high] = compare(a, b) <= 0 ? [a, b] : [b, a]
  const bytes = expand(p, p.sha256(concat(LABELS.safetyNumber, low, high)), LABELS.safetyNumber, GROUPS * GROUP_BYTES)
  let digits = ''
  for (let at = 0; at < bytes.length; at += GROUP_BYTES) {
    const value = bytes.subarray(at, at + GROUP_BYTES).reduce((sum, byte) => sum * 256 + byte, 0)
    digits += String(value % 100_000).padStart(5, '0')
  }
  return digits
}
