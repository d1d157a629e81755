/**
 * The primitives on Node.js: `node:crypto` where it is the fastest and the runtime has it, noble for all else.
 *
 * Measured choices: X25519, Ed25519 and ML-KEM natively through raw key formats, their KeyObjects kept in small caches; HMAC
 * from one-shot `crypto.hash` (createHmac costs five times as much for a short message); XChaCha20-Poly1305 from the
 * core, for the native one lacks the X and costs more in set-up.
 *
 * Holds: equal to noble byte for byte where the function is deterministic (one contract suite runs on both). What OpenSSL
 * takes and noble does not is refused here, and the other way round, so that no two peers disagree on a signature.
 */
import * as crypto from 'node:crypto'
import type { Encapsulation, Primitives } from '../../protocol/index.ts'
import { isSigningKey, noble } from '../../protocol/index.ts'

type KeyType = 'x25519' | 'ed25519' | 'ml-kem-768'

/** KeyObjects kept for each kind of key: the keys of a few dozen sessions in use. Private ones live as long as here. */
const CACHED_KEYS = 64
/** Messages up to this length are hashed through one lasting buffer. */
const SCRATCH_BYTES = 4096
const BLOCK_BYTES = 64
const HASH_BYTES = 32

/** A bounded map from key bytes to KeyObject, oldest out first. */
class KeyCache {
  readonly #keys = new Map<string, crypto.KeyObject>()
  readonly #create: (bytes: Uint8Array) => crypto.KeyObject

  constructor(create: (bytes: Uint8Array) => crypto.KeyObject) {
    this.#create = create
  }

  /** Throws what `create` throws; such a key is not kept. */
  get(bytes: Uint8Array): crypto.KeyObject {
    const name = buffer(bytes).toString('latin1')
    const kept = this.#keys.get(name)
    if (kept !== undefined) return kept
    const key = this.#create(bytes)
    this.#put(name, key)
    return key
  }

  /** Keeps a key that was not created here. */
  put(bytes: Uint8Array, key: crypto.KeyObject): void {
    this.#put(buffer(bytes).toString('latin1'), key)
  }

  #put(name: string, key: crypto.KeyObject): void {
    this.#keys.set(name, key)
    if (this.#keys.size <= CACHED_KEYS) return
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest)
      break
    }
  }
}

const privateKeys = (type: KeyType, format: 'raw-private' | 'raw-seed') =>
  new KeyCache((key) => crypto.createPrivateKey({ key: buffer(key), format, asymmetricKeyType: type }))
const publicKeys = (type: KeyType) =>
  new KeyCache((key) => crypto.createPublicKey({ key: buffer(key), format: 'raw-public', asymmetricKeyType: type }))

/** The fastest primitives that this Node.js has. */
export const nodejs: Primitives = {
  ...noble,
  ...working(hashes, (found) => found.hmac(new Uint8Array(32), new Uint8Array(1))),
  ...working(diffieHellman, (found) => found.x25519PublicKey(new Uint8Array(32))),
  ...working(signatures, (found) => found.sign(new Uint8Array(32), new Uint8Array(1))),
  ...working(encapsulation, (found) => found.kemPublicKey(new Uint8Array(64))),
  name: 'nodejs',
}

/** What `make` gives, if this runtime can do it; else nothing, and noble stays. */
function working<T extends object>(make: () => T, trial: (made: T) => unknown): T | Record<string, never> {
  try {
    const made = make()
    trial(made)
    return made
  } catch {
    return {}
  }
}

function hashes(): Pick<Primitives, 'sha256' | 'hmac'> {
  const inner = new Uint8Array(BLOCK_BYTES + SCRATCH_BYTES)
  const outer = new Uint8Array(BLOCK_BYTES + HASH_BYTES)
  /** Views of `inner` by length of message: making one costs as much as hashing a block. */
  const views: Uint8Array[] = []
  /** Length of the last key: behind it both blocks still hold their padding. */
  let padded = -1
  const sha256 = (data: Uint8Array): Uint8Array => view(crypto.hash('sha256', data, 'buffer'))
  const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array => {
    const block = key.length > BLOCK_BYTES ? sha256(key) : key
    if (padded !== block.length) {
      inner.fill(0x36, block.length, BLOCK_BYTES)
      outer.fill(0x5c, block.length, BLOCK_BYTES)
      padded = block.length
    }
    for (let at = 0; at < block.length; at++) {
      const byte = block[at] as number
      inner[at] = byte ^ 0x36
      outer[at] = byte ^ 0x5c
    }
    copyDigest(withKey(data), outer, BLOCK_BYTES)
    const mac = new Uint8Array(HASH_BYTES)
    copyDigest(outer, mac, 0)
    return mac
  }
  /**
   * The hash by way of a Latin-1 string: a small string and a small array live on the heap of JavaScript. A Buffer brings
   * memory outside it, and a third of a message's time then went into collecting that.
   */
  const copyDigest = (data: Uint8Array, target: Uint8Array, at: number): void => {
    const digest = crypto.hash('sha256', data, 'binary')
    for (let i = 0; i < HASH_BYTES; i++) target[at + i] = digest.charCodeAt(i)
  }
  /** The keyed block and the message behind it. */
  const withKey = (data: Uint8Array): Uint8Array => {
    if (data.length > SCRATCH_BYTES) return Buffer.concat([inner.subarray(0, BLOCK_BYTES), data])
    inner.set(data, BLOCK_BYTES)
    let whole = views[data.length]
    if (whole === undefined) {
      whole = inner.subarray(0, BLOCK_BYTES + data.length)
      views[data.length] = whole
    }
    return whole
  }
  return { sha256, hmac }
}

function diffieHellman(): Pick<Primitives, 'x25519' | 'x25519PublicKey' | 'x25519KeyPair'> {
  const own = privateKeys('x25519', 'raw-private')
  const theirs = publicKeys('x25519')
  return {
    x25519PublicKey: (privateKey) => rawPublic(own.get(privateKey)),
    x25519KeyPair: (randomness) => {
      if (randomness.length !== 32) throw new RangeError(`X25519 takes 32 random bytes, not ${randomness.length}`)
      const made = crypto.generateKeyPairSync('x25519')
      const privateKey = view(made.privateKey.export({ format: 'raw-private' }))
      own.put(privateKey, made.privateKey)
      return { privateKey, publicKey: view(made.publicKey.export({ format: 'raw-public' })) }
    },
    x25519: (privateKey, publicKey) => {
      const key = own.get(privateKey)
      if (publicKey.length !== 32) return undefined
      try {
        return view(crypto.diffieHellman({ privateKey: key, publicKey: theirs.get(publicKey) }))
      } catch {
        return undefined
      }
    },
  }
}

function signatures(): Pick<Primitives, 'ed25519PublicKey' | 'sign' | 'verify'> {
  const own = privateKeys('ed25519', 'raw-private')
  const theirs = new KeyCache((key) => {
    // Not every OpenSSL refuses small-order and non-canonical keys (3.5 does the former); noble refuses both.
    if (!isSigningKey(key)) throw new RangeError('not an Ed25519 public key')
    return crypto.createPublicKey({ key: buffer(key), format: 'raw-public', asymmetricKeyType: 'ed25519' })
  })
  return {
    ed25519PublicKey: (seed) => rawPublic(own.get(seed)),
    sign: (seed, message) => view(crypto.sign(null, message, own.get(seed))),
    verify: (publicKey, message, signature) => {
      if (publicKey.length !== 32 || signature.length !== 64) return false
      try {
        if (crypto.verify(null, message, theirs.get(publicKey), signature)) return true
      } catch {
        return false
      }
      // OpenSSL checks the equation without the cofactor, RFC 8032 and noble with it: only a signer who tries can tell
      // them apart, and what is refused natively is asked of the reference.
      return noble.verify(publicKey, message, signature)
    },
  }
}

function encapsulation(): Pick<Primitives, 'kemPublicKey' | 'kemEncapsulate' | 'kemDecapsulate'> {
  const own = privateKeys('ml-kem-768', 'raw-seed')
  const theirs = publicKeys('ml-kem-768')
  return {
    kemPublicKey: (seed) => rawPublic(own.get(seed)),
    kemEncapsulate: (publicKey, randomness): Encapsulation | undefined => {
      if (randomness.length !== 32) throw new RangeError(`ML-KEM takes 32 random bytes, not ${randomness.length}`)
      if (publicKey.length !== 1184) return undefined
      try {
        const { ciphertext, sharedKey } = crypto.encapsulate(theirs.get(publicKey))
        return { ciphertext: view(ciphertext), sharedSecret: view(sharedKey) }
      } catch {
        return undefined
      }
    },
    kemDecapsulate: (seed, ciphertext) => {
      const key = own.get(seed)
      return ciphertext.length === 1088 ? view(crypto.decapsulate(key, buffer(ciphertext))) : undefined
    },
  }
}

function rawPublic(key: crypto.KeyObject): Uint8Array {
  return view(crypto.createPublicKey(key).export({ format: 'raw-public' }))
}

/** The same bytes, as the native side wants them. */
function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The same bytes as a plain array: a Buffer's `slice` does not copy, which nobody above expects. */
function view(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
