/**
 * Which 32 bytes may serve as a public key at all.
 *
 * Holds: whoever decodes a key asks here first, so that later steps need not fail: a key that passed gives no all-zero
 * shared secret and no signature that every message fits.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { equal, fromBase32 } from '../bytes.ts'

/** The points of order 1, 2, 4 and 8 on Curve25519 and its twist, in every encoding (RFC 7748 §6.1; top bit cleared). */
const LOW_ORDER: readonly Uint8Array[] = [
  little(0x00, 0x00, 0x00),
  little(0x01, 0x00, 0x00),
  little(0xec, 0xff, 0x7f),
  little(0xed, 0xff, 0x7f),
  little(0xee, 0xff, 0x7f),
  required('4dvxu7b3ig4k4fsw4p5pdh6enlnatdpltqzld7mgmicrmx2jxaaa'),
  required('l6ojlpfdkcgcjmoqwfkzza7plmceixgelaoi5bwyejhn3ue7cflq'),
]

function little(first: number, middle: number, last: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(middle)
  bytes[0] = first
  bytes[31] = last
  return bytes
}

function required(text: string): Uint8Array {
  const bytes = fromBase32(text)
  if (bytes === undefined) throw new Error('a constant is damaged')
  return bytes
}

/** Whether these are 32 bytes of an X25519 public key that is not of low order. */
export function isDhKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false
  const cleared = bytes.slice()
  cleared[31] = (cleared[31] as number) & 0x7f
  return !LOW_ORDER.some((point) => equal(point, cleared))
}

/** Whether these are 32 bytes of an Ed25519 public key: canonical, on the curve, not of small order. About 50 µs. */
export function isSigningKey(bytes: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(bytes).isSmallOrder()
  } catch {
    return false
  }
}
