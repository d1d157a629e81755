/**
 * HKDF (RFC 5869) over HMAC-SHA-256, on whatever HMAC the platform lends.
 *
 * Holds: `info` always begins with a label of `labels.ts`, so no two uses of one key give the same bytes.
 */
import type { Primitives } from './primitives.ts'

const HASH_BYTES = 32
const EMPTY = new Uint8Array(0)

/** HKDF-Extract: a 32-byte pseudorandom key. An empty salt is the RFC's string of zeros. */
export function extract(p: Primitives, salt: Uint8Array, keyMaterial: Uint8Array): Uint8Array {
  return p.hmac(salt, keyMaterial)
}

/** HKDF-Expand: `length` (at most 8160) bytes. Each 32 bytes cost one HMAC. */
export function expand(p: Primitives, key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const blocks = Math.ceil(length / HASH_BYTES)
  if (blocks < 1 || blocks > 255) throw new RangeError(`HKDF gives 1 to 8160 bytes, not ${length}`)
  const bytes = new Uint8Array(blocks * HASH_BYTES)
  const first = new Uint8Array(info.length + 1)
  first.set(info)
  first[info.length] = 1
  bytes.set(p.hmac(key, first))
  if (blocks > 1) {
    const input = new Uint8Array(HASH_BYTES + info.length + 1)
    input.set(info, HASH_BYTES)
    for (let block = 2; block <= blocks; block++) {
      const at = (block - 1) * HASH_BYTES
      input.set(bytes.subarray(at - HASH_BYTES, at))
      input[input.length - 1] = block
      bytes.set(p.hmac(key, input), at)
    }
  }
  return length === bytes.length ? bytes : bytes.slice(0, length)
}

/** HKDF: extract, then expand to `length` bytes. */
export function hkdf(
  p: Primitives,
  salt: Uint8Array,
  keyMaterial: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return expand(p, extract(p, salt, keyMaterial), info, length)
}

/** HKDF without a salt: for key material that is already a uniform secret. */
export function derive(p: Primitives, secret: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return hkdf(p, EMPTY, secret, info, length)
}
