/**
 * The control of P2: primitives that do no cryptography, so that the same engine, commits and network remain.
 *
 * What a message costs in keys, ciphers and agreements is replaced by copying and mixing; hashes that name things (ids) and
 * signatures, which no message needs, stay real. Sizes are equal byte for byte. Never used outside this folder.
 *
 * Holds: a sealed text opens under the key that sealed it and no other, or the ratchet would take the wrong chain.
 */
import { nodejs } from '../../src/node/platform/nodejs-primitives.ts'
import type { Primitives } from '../../src/protocol/index.ts'

const TAG_BYTES = 16

export const control: Primitives = {
  ...nodejs,
  name: 'control without cryptography',
  hmac: mixed,
  x25519PublicKey: (privateKey) => privateKey.slice(),
  x25519KeyPair: (randomness) => ({ privateKey: randomness, publicKey: randomness.slice() }),
  x25519: (privateKey, publicKey) => privateKey.map((byte, i) => byte ^ (publicKey[i] ?? 0)),
  aeadSeal: (key, _nonce, plaintext) => {
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES)
    sealed.set(plaintext)
    sealed.set(key.subarray(0, TAG_BYTES), plaintext.length)
    return sealed
  },
  aeadOpen: (key, _nonce, ciphertext) => {
    const end = ciphertext.length - TAG_BYTES
    for (let i = 0; i < TAG_BYTES; i++) if (ciphertext[end + i] !== key[i]) return undefined
    return ciphertext.slice(0, end)
  },
  kemPublicKey: (seed) => filled(1184, seed),
  kemEncapsulate: (publicKey, randomness) => ({
    ciphertext: filled(1088, randomness),
    sharedSecret: mixed(publicKey.subarray(0, 32), randomness),
  }),
  kemDecapsulate: (seed, ciphertext) => mixed(seed.subarray(0, 32), ciphertext.subarray(0, 32)),
}

/** 32 bytes that differ for different keys and data, for the price of reading both. */
function mixed(key: Uint8Array, data: Uint8Array): Uint8Array {
  let a = 0x811c9dc5
  let b = 0x2545f491
  for (const bytes of [key, data]) {
    for (const byte of bytes) {
      a = Math.imul(a ^ byte, 0x01000193)
      b = (Math.imul(b, 31) + byte + (a >>> 15)) | 0
    }
  }
  const words = new Uint32Array(8)
  for (let i = 0; i < words.length; i++) {
    a = Math.imul(a ^ (a >>> 16) ^ i, 0x85ebca6b)
    b = Math.imul(b ^ (b >>> 13) ^ a, 0xc2b2ae35)
    words[i] = a ^ b
  }
  return new Uint8Array(words.buffer)
}

function filled(length: number, pattern: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += pattern.length) bytes.set(pattern.subarray(0, length - at), at)
  return bytes
}
