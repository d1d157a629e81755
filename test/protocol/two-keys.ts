/**
 * One ciphertext that XChaCha20-Poly1305 opens under two keys: why what is sealed commits to its key.
 *
 * The tag is a polynomial in a key-dependent r modulo 2^130 - 5, and a key-dependent s. Whoever knows both keys solves one block for
 * equal tags ("Partitioning Oracle Attacks", Len, Grubbs, Ristenpart, USENIX Security 2021, §3.1).
 */
import { xchacha20 } from '@noble/ciphers/chacha.js'
import { concat } from '../../src/protocol/index.ts'

const P = 2n ** 130n - 5n
const HIGH = 2n ** 128n
const BLOCK = 16

/** Ciphertext of 32 bytes and tag: `aeadOpen` takes it under both 32-byte keys, with this nonce and associated data. */
export function forTwoKeys(one: Uint8Array, other: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array {
  const keys = [one, other].map((key) => polyKey(key, nonce))
  const [a = NONE, b = NONE] = keys
  const divisor = inverse(modulo(a.r ** 2n - b.r ** 2n))
  for (let attempt = 1n; ; attempt++) {
    const blocks = [...padded(data), attempt + HIGH, 0n, fromLittle(lengths(data.length)) + HIGH]
    const [restA, restB] = [evaluate(blocks, a.r), evaluate(blocks, b.r)]
    const block = modulo((restB - restA + b.s - a.s) * divisor)
    if (block < HIGH || block >= 2n * HIGH) continue
    const [tagA, tagB] = keys.map(({ r, s }, at) => (modulo((at === 0 ? restA : restB) + block * r ** 2n) + s) % HIGH)
    if (tagA === undefined || tagA !== tagB) continue
    return concat(little(attempt), little(block - HIGH), little(tagA))
  }
}

interface PolyKey {
  readonly r: bigint
  readonly s: bigint
}

const NONE: PolyKey = { r: 0n, s: 0n }

/** RFC 8439 §2.6: the first 32 bytes of the key stream, r clamped. */
function polyKey(key: Uint8Array, nonce: Uint8Array): PolyKey {
  const stream = xchacha20(key, nonce, new Uint8Array(32))
  return {
    r: fromLittle(stream.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn,
    s: fromLittle(stream.subarray(16)),
  }
}

/** The sum of all blocks times falling powers of r, the last one times r. */
function evaluate(blocks: readonly bigint[], r: bigint): bigint {
  return blocks.reduce((sum, block) => modulo((sum + block) * r), 0n)
}

/** RFC 8439 §2.8: zeros up to a whole block, and a one above each. */
function padded(data: Uint8Array): readonly bigint[] {
  return Array.from({ length: Math.ceil(data.length / BLOCK) }, (_, at) => {
    const block = new Uint8Array(BLOCK)
    block.set(data.subarray(at * BLOCK, (at + 1) * BLOCK))
    return fromLittle(block) + HIGH
  })
}

function lengths(dataLength: number): Uint8Array {
  const block = new Uint8Array(BLOCK)
  const view = new DataView(block.buffer)
  view.setBigUint64(0, BigInt(dataLength), true)
  view.setBigUint64(8, 32n, true)
  return block
}

const modulo = (value: bigint): bigint => ((value % P) + P) % P

/** Fermat: P is prime. */
function inverse(value: bigint): bigint {
  let [result, base, exponent] = [1n, value, P - 2n]
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = modulo(result * base)
    base = modulo(base * base)
  }
  return result
}

function fromLittle(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n)
}

function little(value: bigint): Uint8Array {
  return Uint8Array.from({ length: BLOCK }, (_, at) => Number((value >> BigInt(8 * at)) & 255n))
}
