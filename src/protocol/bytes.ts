/**
 * Byte strings: joining, comparing, and the three alphabets that people see.
 *
 * Holds: decoders are total and strict: exactly one text decodes to given bytes, all others to `undefined`.
 */

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The parts, one after another, in a fresh array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** Whether two byte strings are equal, in time that depends on their lengths alone. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** Lexicographic order: negative, zero or positive. Not constant time: for public values. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text, or `undefined` for bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** RFC 4648 base32, lower case, no padding. */
export const toBase32 = (bytes: Uint8Array): string => encodeBits(bytes, BASE32, 5)
/** Strict inverse of {@link toBase32}: lower case only, no spare bits. */
export const fromBase32 = (text: string): Uint8Array | undefined => decodeBits(text, BASE32, 5)
/** RFC 4648 base64url, no padding. */
export const toBase64Url = (bytes: Uint8Array): string => encodeBits(bytes, BASE64URL, 6)
/** Strict inverse of {@link toBase64Url}. */
export const fromBase64Url = (text: string): Uint8Array | undefined => decodeBits(text, BASE64URL, 6)

function encodeBits(bytes: Uint8Array, alphabet: string, width: number): string {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= width) {
      bits -= width
      text += alphabet[(held >> bits) & ((1 << width) - 1)]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? text + alphabet[(held << (width - bits)) & ((1 << width) - 1)] : text
}

function decodeBits(text: string, alphabet: string, width: number): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * width) / 8))
  let held = 0
  let bits = 0
  let at = 0
  for (const character of text) {
    const value = alphabet.indexOf(character)
    if (value < 0) return undefined
    held = (held << width) | value
    bits += width
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (held >> bits) & 0xff
    }
    held &= (1 << bits) - 1
  }
  return bits < width && held === 0 && at === bytes.length ? bytes : undefined
}
