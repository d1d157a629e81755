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
  const blocks = expandBlocks(p, key, info, Math.ceil(length / HASH_BYTES))
  const bytes = new Uint8Array(blocks.length * HASH_BYTES)
  blocks.forEach((block, at) => {
    bytes.set(block, at * HASH_BYTES)
  })
  return length === bytes.length ? bytes : bytes.slice(0, length)
}

/** HKDF-Expand in blocks of 32 bytes, each an array of its own: for keys that are used apart. */
export function expandBlocks(p: Primitives, key: Uint8Array, info: Uint8Array, count: number): readonly Uint8Array[] {
  if (!(count >= 1 && count <= 255)) throw new RangeError(`HKDF gives 1 to 255 blocks, not ${count}`)
  const first = new Uint8Array(info.length + 1)
  first.set(info)
  first[info.length] = 1
  let block = p.hmac(key, first)
  const blocks = [block]
  const input = new Uint8Array(HASH_BYTES + info.length + 1)
  input.set(info, HASH_BYTES)
  for (let counter = 2; counter <= count; counter++) {
    input.set(block)
    input[input.length - 1] = counter
    block = p.hmac(key, input)
    blocks.push(block)
  }
  return blocks
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
