/**
 * The cryptographic primitives that the protocol stands on, as one interface.
 *
 * Filled twice: by `noble.ts` here (pure JavaScript, runs everywhere, the reference) and by `node:crypto` in
 * `src/node/platform`. One contract suite runs on both: byte-equal wherever the function is deterministic.
 *
 * Holds: every function is synchronous and pure; none throws for bytes that a remote sent (they answer
 * `undefined` or `false`); wrong lengths from our own code do throw.
 */

/** ML-KEM-768 encapsulation: what goes out, 1088 bytes, and what both then share, 32 bytes. */
export interface Encapsulation {
  readonly ciphertext: Uint8Array
  readonly sharedSecret: Uint8Array
}

/** An X25519 key pair: 32 bytes each. */
export interface KeyPair {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}

export interface Primitives {
  /** Names the adapter in benchmarks and errors. */
  readonly name: string

  /** SHA-256 (FIPS 180-4), 32 bytes. */
  sha256(data: Uint8Array): Uint8Array
  /** SHA3-256 (FIPS 202), 32 bytes: only for the X-Wing combiner. */
  sha3(data: Uint8Array): Uint8Array
  /** HMAC-SHA-256 (RFC 2104), 32 bytes; a key of any length. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array

  /** X25519 public key (RFC 7748), 32 bytes, of a 32-byte private key. */
  x25519PublicKey(privateKey: Uint8Array): Uint8Array
  /**
   * A fresh X25519 key pair. `randomness` is 32 bytes. Native adapters draw their own and ignore it, for they make a pair
   * in half the time that they take to import one; simulations that must replay use noble.
   */
  x25519KeyPair(randomness: Uint8Array): KeyPair
  /** X25519 shared secret, 32 bytes; `undefined` where it would be all zero (a low-order public key) or the key is no point. */
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined

  /** Ed25519 public key (RFC 8032), 32 bytes, of a 32-byte seed. */
  ed25519PublicKey(seed: Uint8Array): Uint8Array
  /** Ed25519 signature, 64 bytes. */
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array
  /** Strict RFC 8032 verification (not ZIP 215); `false` for anything malformed. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean

  /** XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): ciphertext and 16-byte tag; 32-byte key, 24-byte nonce. */
  aeadSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array
  /** The plaintext, or `undefined` when the tag does not hold. */
  aeadOpen(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    associatedData: Uint8Array,
  ): Uint8Array | undefined

  /** ML-KEM-768 (FIPS 203) encapsulation key, 1184 bytes, of a 64-byte seed `d ‖ z`. */
  kemPublicKey(seed: Uint8Array): Uint8Array
  /**
   * Encapsulates to a 1184-byte key; `undefined` where the key fails the modulus check of FIPS 203 §7.2.
   * `randomness` is 32 bytes. Native adapters draw their own and ignore it, so simulations that must replay use noble.
   */
  kemEncapsulate(publicKey: Uint8Array, randomness: Uint8Array): Encapsulation | undefined
  /** Decapsulates 1088 bytes with a 64-byte seed: 32 bytes, random-looking where the ciphertext is forged; `undefined` for a wrong length. */
  kemDecapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined
}

/** `n` fresh random bytes. Passed in, so that a simulation can replay a run. */
export type Random = (n: number) => Uint8Array
