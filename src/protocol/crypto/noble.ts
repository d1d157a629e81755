/**
 * The primitives in pure JavaScript, from @noble: the reference, and what runs where nothing native is.
 *
 * Holds: nothing here throws for what a remote may choose (public keys, signatures, ciphertexts); private keys, seeds
 * and nonces of a wrong length throw, for they are ours.
 */
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { sha3_256 } from '@noble/hashes/sha3.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import type { Encapsulation, KeyPair, Primitives } from './primitives.ts'
import { xchacha } from './xchacha.ts'

/** The default of noble is ZIP 215, which takes encodings that RFC 8032 and the Wycheproof suite call invalid. */
const STRICT = { zip215: false }

/** All that {@link Primitives} describes. */
export const noble: Primitives = {
  name: 'noble',
  sha256: (data) => sha256(data),
  sha3: (data) => sha3_256(data),
  hmac: (key, data) => hmac(sha256, key, data),
  x25519PublicKey: (privateKey) => x25519.getPublicKey(privateKey),
  x25519KeyPair: keyPair,
  x25519: sharedSecret,
  ed25519PublicKey: (seed) => ed25519.getPublicKey(seed),
  sign: (seed, message) => ed25519.sign(message, seed),
  verify,
  ...xchacha,
  kemPublicKey: (seed) => ml_kem768.keygen(seed).publicKey,
  kemEncapsulate,
  kemDecapsulate,
}

function keyPair(randomness: Uint8Array): KeyPair {
  requireLength(randomness, 32, 'randomness of X25519')
  return { privateKey: randomness, publicKey: x25519.getPublicKey(randomness) }
}

function sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  requireLength(privateKey, 32, 'an X25519 private key')
  try {
    return x25519.getSharedSecret(privateKey, publicKey)
  } catch {
    return undefined
  }
}

function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, STRICT)
  } catch {
    return false
  }
}

function kemEncapsulate(publicKey: Uint8Array, randomness: Uint8Array): Encapsulation | undefined {
  requireLength(randomness, 32, 'randomness of ML-KEM')
  try {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, randomness)
    return { ciphertext: cipherText, sharedSecret }
  } catch {
    return undefined
  }
}

function kemDecapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  const { secretKey } = ml_kem768.keygen(seed)
  try {
    return ml_kem768.decapsulate(ciphertext, secretKey)
  } catch {
    return undefined
  }
}

function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new RangeError(`${what} has ${length} bytes, not ${bytes.length}`)
}
