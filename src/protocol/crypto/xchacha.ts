/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) put together from noble's HChaCha20, ChaCha20 and Poly1305.
 *
 *     key ‖ nonce 0–15 ──HChaCha20──▶ subkey        ChaCha20(subkey, 0⁴ ‖ nonce 16–23), from block 0:
 *     0⁶⁴ ‖ text ──▶ one-time key 32 ‖ unused 32 ‖ ciphertext
 *     tag = Poly1305(one-time key, data ‖ 0… ‖ ciphertext ‖ 0… ‖ lengths 8 + 8)
 *
 * noble's own `xchacha20poly1305` derives the subkey twice and copies each part several times into fresh memory: for the two
 * short texts of a message that was the greatest part of its cost. Here one pass of the stream and one of the authenticator work
 * in lasting memory. The cipher of `node:crypto` takes two to four times as long for such texts: its set-up is dear.
 *
 * Holds: byte for byte what noble's gives (the contract suite compares them). What was decrypted leaves only if its tag holds.
 * The working memory is zero between calls.
 */
import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { chacha20, hchacha } from '@noble/ciphers/chacha.js'
import { equal, utf8 } from '../bytes.ts'
import type { Primitives } from './primitives.ts'

const TAG_BYTES = 16
const BLOCK_BYTES = 64
/** Texts and associated data up to this length together use the lasting memory. */
const SCRATCH_BYTES = 4096

const sigma = words(utf8('expand 32-byte k').slice())
const keyBytes = new Uint8Array(32)
const keyWords = words(keyBytes)
const nonceStart = new Uint8Array(16)
const nonceWords = words(nonceStart)
/** Four zeros, and the end of the nonce. */
const nonceEnd = new Uint8Array(12)
const streamScratch = new Uint8Array(BLOCK_BYTES + SCRATCH_BYTES)
const macScratch = new Uint8Array(SCRATCH_BYTES + 3 * TAG_BYTES)

/** Both directions, as {@link Primitives} describes them. */
export const xchacha: Pick<Primitives, 'aeadSeal' | 'aeadOpen'> = {
  aeadSeal: (key, nonce, plaintext, associatedData) => {
    const stream = run(key, nonce, plaintext)
    const ciphertext = stream.subarray(BLOCK_BYTES)
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES)
    sealed.set(ciphertext)
    sealed.set(tagOf(stream, ciphertext, associatedData), plaintext.length)
    stream.fill(0)
    return sealed
  },
  aeadOpen: (key, nonce, ciphertext, associatedData) => {
    const end = ciphertext.length - TAG_BYTES
    const text = ciphertext.subarray(0, Math.max(0, end))
    const stream = run(key, nonce, text)
    const holds = end >= 0 && equal(tagOf(stream, text, associatedData), ciphertext.subarray(end))
    const plaintext = holds ? stream.slice(BLOCK_BYTES) : undefined
    stream.fill(0)
    return plaintext
  },
}

/** The one-time key in a block of its own, and behind it the text through the cipher. Throws for wrong lengths. */
function run(key: Uint8Array, nonce: Uint8Array, text: Uint8Array): Uint8Array {
  if (key.length !== 32) throw new RangeError(`an AEAD key has 32 bytes, not ${key.length}`)
  if (nonce.length !== 24) throw new RangeError(`a nonce has 24 bytes, not ${nonce.length}`)
  keyBytes.set(key)
  nonceStart.set(nonce.subarray(0, 16))
  nonceEnd.set(nonce.subarray(16), 4)
  hchacha(sigma, keyWords, nonceWords, keyWords)
  const stream = room(streamScratch, BLOCK_BYTES + text.length)
  stream.set(text, BLOCK_BYTES)
  chacha20(keyBytes, nonceEnd, stream, stream, 0)
  keyBytes.fill(0)
  return stream
}

function tagOf(stream: Uint8Array, ciphertext: Uint8Array, data: Uint8Array): Uint8Array {
  const textAt = padded(data.length)
  const lengthsAt = textAt + padded(ciphertext.length)
  const input = room(macScratch, lengthsAt + 16)
  input.set(data)
  input.set(ciphertext, textAt)
  putLength(input, lengthsAt, data.length)
  putLength(input, lengthsAt + 8, ciphertext.length)
  const tag = poly1305(input, stream.subarray(0, 32))
  input.fill(0)
  return tag
}

/** The beginning of the lasting memory, or memory of its own where that is too small: zero either way. */
function room(scratch: Uint8Array, length: number): Uint8Array {
  return length <= scratch.length ? scratch.subarray(0, length) : new Uint8Array(length)
}

const padded = (length: number): number => Math.ceil(length / TAG_BYTES) * TAG_BYTES

/** Little-endian; no text of ours comes near 2³² bytes. */
function putLength(bytes: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = length >>> (8 * i)
}

/** The same memory as 32-bit words, in the order of the machine, as noble takes them. */
function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}
