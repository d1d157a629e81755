/**
 * What every filling of `Primitives` must do, run on each: published vectors, refusals, and equality with the reference.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { nodejs } from '../../src/node/platform/nodejs-primitives.ts'
import { derive, expand, extract } from '../../src/protocol/crypto/hkdf.ts'
import { xwingDecapsulate, xwingEncapsulate, xwingPublicKey } from '../../src/protocol/crypto/xwing.ts'
import type { Primitives } from '../../src/protocol/index.ts'
import { concat, isDhKey, isSigningKey, noble, utf8 } from '../../src/protocol/index.ts'
import { below, hex, seeded, seedOfRun, unhex } from '../protocol/seeded.ts'

const NOTHING = new Uint8Array(0)
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const P = 2n ** 255n - 19n
const SEED = seedOfRun(7)

function little(value: bigint): Uint8Array {
  return unhex(value.toString(16).padStart(64, '0')).reverse()
}

function big(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes.slice().reverse())}`)
}

/** The low-order u-coordinates of RFC 7748 §6.1, with all their encodings. */
const LOW_ORDER_DH = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].flatMap((each) => {
  const topBit = unhex(each)
  topBit[31] = (topBit[31] ?? 0) | 0x80
  return [unhex(each), topBit]
})

/** A point of order 8 on Ed25519, and all its multiples: the torsion group. */
const TORSION = [...Array(8).keys()].map((n) => {
  const eighth = ed25519.Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  return n === 0 ? ed25519.Point.ZERO : eighth.multiplyUnsafe(BigInt(n))
})

test('the runtime of these tests fills everything that can be native', () => {
  const native = Object.keys(nodejs).filter(
    (name) => nodejs[name as keyof Primitives] !== noble[name as keyof Primitives],
  )
  expect(native.sort()).toEqual(
    [
      'ed25519PublicKey',
      'hmac',
      'kemDecapsulate',
      'kemEncapsulate',
      'kemPublicKey',
      'name',
      'sha256',
      'sign',
      'verify',
      'x25519',
      'x25519KeyPair',
      'x25519PublicKey',
    ].sort(),
  )
})

describe.each([noble, nodejs])('$name', (p) => {
  test('a key pair that it makes is one for the reference too, and never the same twice', () => {
    const random = seeded(SEED)
    const [one, two] = [p.x25519KeyPair(random(32)), p.x25519KeyPair(random(32))]
    expect(hex(one.publicKey)).toBe(hex(noble.x25519PublicKey(one.privateKey)))
    expect(hex(one.privateKey)).not.toBe(hex(two.privateKey))
    const shared = p.x25519(one.privateKey, two.publicKey)
    expect(shared === undefined ? '' : hex(shared)).toBe(hex(noble.x25519(two.privateKey, one.publicKey) ?? NOTHING))
    expect(() => p.x25519KeyPair(new Uint8Array(31))).toThrow(RangeError)
  })

  describe('hashes', () => {
    test('SHA-256 and SHA3-256 of "abc" (FIPS 180-4, FIPS 202)', () => {
      expect(hex(p.sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
      expect(hex(p.sha3(utf8('abc')))).toBe('3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532')
    })

    test.each([
      ['1', '0b'.repeat(20), hex(utf8('Hi There')), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
      [
        '2',
        hex(utf8('Jefe')),
        hex(utf8('what do ya want for nothing?')),
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      ],
      ['3', 'aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
      [
        '4',
        '0102030405060708090a0b0c0d0e0f10111213141516171819',
        'cd'.repeat(50),
        '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
      ],
      [
        '6',
        'aa'.repeat(131),
        hex(utf8('Test Using Larger Than Block-Size Key - Hash Key First')),
        '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
      ],
      [
        '7',
        'aa'.repeat(131),
        hex(
          utf8(
            'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
          ),
        ),
        '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
      ],
    ])('HMAC-SHA-256, RFC 4231 case %s', (_, key, data, mac) => {
      expect(hex(p.hmac(unhex(key), unhex(data)))).toBe(mac)
    })

    test('a short key after a long one leaves nothing of the long one behind', () => {
      const expected = hex(p.hmac(unhex('01'), utf8('data')))
      p.hmac(unhex('ff'.repeat(64)), utf8('x'.repeat(10_000)))
      expect(hex(p.hmac(unhex('01'), utf8('data')))).toBe(expected)
    })

    test('HKDF, RFC 5869 cases 1 to 3', () => {
      const one = extract(p, unhex('000102030405060708090a0b0c'), unhex('0b'.repeat(22)))
      expect(hex(one)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
      expect(hex(expand(p, one, unhex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe(
        '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
      )
      const run = (from: number, length: number) => Uint8Array.from({ length }, (_, n) => from + n)
      expect(hex(expand(p, extract(p, run(0x60, 80), run(0, 80)), run(0xb0, 80), 82))).toBe(
        'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
      )
      expect(hex(derive(p, unhex('0b'.repeat(22)), NOTHING, 42))).toBe(
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
      )
    })
  })

  describe('X25519', () => {
    test('RFC 7748 §5.2', () => {
      const scalar = unhex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4')
      const u = unhex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c')
      expect(hex(p.x25519(scalar, u) ?? NOTHING)).toBe(
        'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
      )
      const scalar2 = unhex('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d')
      const u2 = unhex('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493')
      expect(hex(p.x25519(scalar2, u2) ?? NOTHING)).toBe(
        '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
      )
    })

    test('RFC 7748 §6.1', () => {
      const a = unhex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
      const b = unhex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
      expect(hex(p.x25519PublicKey(a))).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
      expect(hex(p.x25519PublicKey(b))).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
      const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'
      expect(hex(p.x25519(a, p.x25519PublicKey(b)) ?? NOTHING)).toBe(shared)
      expect(hex(p.x25519(b, p.x25519PublicKey(a)) ?? NOTHING)).toBe(shared)
    })

    test('the iterated vector of RFC 7748 §5.2, 1 and 1000 rounds', () => {
      let k = unhex(`09${'00'.repeat(31)}`)
      let u = k
      for (let round = 1; round <= 1000; round++) {
        const next = p.x25519(k, u) ?? NOTHING
        u = k
        k = next
        if (round === 1) expect(hex(k)).toBe('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079')
      }
      expect(hex(k)).toBe('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51')
    })

    test('refuses every low-order point and wrong lengths, throws for our own mistakes', () => {
      const own = unhex('42'.repeat(32))
      for (const point of LOW_ORDER_DH) expect(p.x25519(own, point), hex(point)).toBeUndefined()
      for (const length of [0, 31, 33]) expect(p.x25519(own, new Uint8Array(length).fill(9))).toBeUndefined()
      expect(() => p.x25519(new Uint8Array(31), p.x25519PublicKey(own))).toThrow()
      expect(() => p.x25519PublicKey(new Uint8Array(33))).toThrow()
    })

    test('takes non-canonical coordinates modulo p, as RFC 7748 §5 asks', () => {
      const own = unhex('42'.repeat(32))
      const nine = little(9n)
      expect(p.x25519(own, little(9n + P))).toEqual(p.x25519(own, nine))
    })
  })

  describe('Ed25519', () => {
    test.each([
      [
        '1',
        '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
        '',
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      ],
      [
        '2',
        '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
        '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
        '72',
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      ],
      [
        '3',
        'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
        'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
        'af82',
        '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
      ],
    ])('RFC 8032 §7.1 test %s', (_, seed, key, message, signature) => {
      expect(hex(p.ed25519PublicKey(unhex(seed)))).toBe(key)
      expect(hex(p.sign(unhex(seed), unhex(message)))).toBe(signature)
      expect(p.verify(unhex(key), unhex(message), unhex(signature))).toBe(true)
    })

    const seed = unhex('0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6')
    const message = utf8('strict')
    const key = p.ed25519PublicKey(seed)
    const signature = p.sign(seed, message)
    const r = signature.subarray(0, 32)
    const s = big(signature.subarray(32))

    test('any flipped bit of key, message or signature is refused', () => {
      for (let bit = 0; bit < 512; bit++) {
        const flipped = signature.slice()
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(p.verify(key, message, flipped)).toBe(false)
      }
      expect(p.verify(key, utf8('strikt'), signature)).toBe(false)
    })

    test('S is reduced: S + L and S + 2L are refused (malleability)', () => {
      for (const more of [s + L, s + 2n * L]) expect(p.verify(key, message, concat(r, little(more)))).toBe(false)
    })

    test('small-order keys are refused, although one signature would fit every message', () => {
      for (const point of TORSION) {
        const small = point.toBytes()
        for (const forged of TORSION) {
          expect(p.verify(small, message, concat(forged.toBytes(), little(0n)))).toBe(false)
        }
      }
    })

    test('non-canonical encodings of key and R are refused', () => {
      for (const y of [0n, 1n, 3n, 4n, 5n, 6n, 9n, 10n, 14n, 15n, 16n, 18n]) {
        for (const sign of [0n, 1n << 255n]) {
          const encoded = little(y + P + sign)
          expect(p.verify(encoded, message, signature)).toBe(false)
          expect(p.verify(key, message, concat(encoded, little(0n)))).toBe(false)
        }
      }
      // x = 0 with a sign bit
      for (const y of [1n, P - 1n])
        expect(p.verify(little(y + (1n << 255n)), message, concat(r, little(0n)))).toBe(false)
    })

    test('lengths other than 32 and 64 are refused', () => {
      expect(p.verify(key.subarray(1), message, signature)).toBe(false)
      expect(p.verify(key, message, signature.subarray(1))).toBe(false)
      expect(p.verify(key, message, concat(signature, unhex('00')))).toBe(false)
      expect(p.verify(NOTHING, NOTHING, NOTHING)).toBe(false)
    })

    test('agrees with the reference on signatures whose R or key carries torsion', () => {
      let accepted = 0
      for (const torsion of TORSION.slice(1)) {
        const { head, scalar, point } = ed25519.utils.getExtendedPublicKey(seed)
        expect(head.length).toBe(32)
        const nonce = 12345678901234567890n
        const shiftedR = ed25519.Point.BASE.multiply(nonce).add(torsion).toBytes()
        for (const A of [point, point.add(torsion)]) {
          const keyBytes = A.toBytes()
          const k = big(sha512(concat(shiftedR, keyBytes, message))) % L
          const forged = concat(shiftedR, little((nonce + k * scalar) % L))
          expect(p.verify(keyBytes, message, forged)).toBe(noble.verify(keyBytes, message, forged))
          if (p.verify(keyBytes, message, forged)) accepted++
        }
      }
      // Only a signer can make these; what matters is that both adapters say the same of them.
      expect(accepted).toBe(14)
    })

    test('signing throws for a seed of a wrong length', () => {
      expect(() => p.sign(new Uint8Array(31), message)).toThrow()
      expect(() => p.ed25519PublicKey(new Uint8Array(33))).toThrow()
    })
  })

  describe('XChaCha20-Poly1305', () => {
    const key = unhex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
    const nonce = unhex('404142434445464748494a4b4c4d4e4f5051525354555657')
    const associatedData = unhex('50515253c0c1c2c3c4c5c6c7')
    const plaintext = utf8(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    )
    const sealed = unhex(
      'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49',
    )

    test('draft-irtf-cfrg-xchacha-03 A.3.1', () => {
      expect(hex(p.aeadSeal(key, nonce, plaintext, associatedData))).toBe(hex(sealed))
      expect(p.aeadOpen(key, nonce, sealed, associatedData)).toEqual(plaintext)
    })

    test('any change is refused; our own wrong lengths throw', () => {
      for (let at = 0; at < sealed.length; at++) {
        const changed = sealed.slice()
        changed[at] = (changed[at] ?? 0) ^ 1
        expect(p.aeadOpen(key, nonce, changed, associatedData)).toBeUndefined()
      }
      expect(p.aeadOpen(key, nonce, sealed, NOTHING)).toBeUndefined()
      for (const length of [0, 1, 15]) expect(p.aeadOpen(key, nonce, new Uint8Array(length), NOTHING)).toBeUndefined()
      expect(() => p.aeadSeal(key.subarray(1), nonce, plaintext, NOTHING)).toThrow()
      expect(() => p.aeadOpen(key, nonce.subarray(1), sealed, NOTHING)).toThrow()
    })

    test(`equal to noble's own for texts and data of every kind of length, in any order (seed ${SEED})`, () => {
      const random = seeded(SEED)
      const lengths = [0, 1, 15, 16, 17, 63, 64, 65, 300, 4000, 4095, 4096, 4097, 9000, 65_536]
      for (const length of lengths) {
        for (const dataLength of [0, 1, 16, 80, 4096, 5000]) {
          const text = random(length)
          const data = random(dataLength)
          const [ownKey, ownNonce] = [random(32), random(24)]
          const made = p.aeadSeal(ownKey, ownNonce, text, data)
          expect(hex(made), `${length} and ${dataLength}`).toBe(
            hex(xchacha20poly1305(ownKey, ownNonce, data).encrypt(text)),
          )
          expect(p.aeadOpen(ownKey, ownNonce, made, data)).toEqual(text)
          expect(p.aeadOpen(ownKey, random(24), made, data)).toBeUndefined()
        }
      }
    })

    test('takes views at any offset, and neither text is a view of memory that the next call writes', () => {
      const shifted = (bytes: Uint8Array) => concat(unhex('ff'), bytes).subarray(1)
      const made = p.aeadSeal(shifted(key), shifted(nonce), shifted(plaintext), shifted(associatedData))
      const opened = p.aeadOpen(shifted(key), shifted(nonce), shifted(sealed), shifted(associatedData))
      p.aeadSeal(unhex('99'.repeat(32)), nonce, new Uint8Array(300), associatedData)
      expect(hex(made)).toBe(hex(sealed))
      expect(opened).toEqual(plaintext)
    })
  })

  describe('ML-KEM-768', () => {
    const seed = Uint8Array.from({ length: 64 }, (_, n) => n)

    test('both adapters open what either sealed', () => {
      const publicKey = p.kemPublicKey(seed)
      expect(publicKey).toEqual(noble.kemPublicKey(seed))
      for (const other of [noble, nodejs]) {
        const sent = p.kemEncapsulate(publicKey, unhex('07'.repeat(32)))
        expect(sent?.ciphertext.length).toBe(1088)
        expect(other.kemDecapsulate(seed, sent?.ciphertext ?? NOTHING)).toEqual(sent?.sharedSecret)
      }
    })

    test('a forged ciphertext gives another secret, the same on both (implicit rejection)', () => {
      const sent = p.kemEncapsulate(p.kemPublicKey(seed), unhex('07'.repeat(32)))
      const forged = sent?.ciphertext.slice() ?? NOTHING
      forged[5] = (forged[5] ?? 0) ^ 1
      const secret = p.kemDecapsulate(seed, forged)
      expect(secret).not.toEqual(sent?.sharedSecret)
      expect(secret).toEqual(noble.kemDecapsulate(seed, forged))
    })

    test('keys beyond the modulus and wrong lengths are refused, our own throw', () => {
      const publicKey = p.kemPublicKey(seed)
      const beyond = publicKey.slice()
      beyond.set([0xff, 0xff, 0xff])
      for (const bad of [beyond, publicKey.subarray(1), concat(publicKey, unhex('00')), NOTHING]) {
        expect(p.kemEncapsulate(bad, new Uint8Array(32))).toBeUndefined()
      }
      expect(p.kemDecapsulate(seed, new Uint8Array(1087))).toBeUndefined()
      expect(() => p.kemDecapsulate(new Uint8Array(63), new Uint8Array(1088))).toThrow()
      expect(() => p.kemPublicKey(new Uint8Array(32))).toThrow()
      expect(() => p.kemEncapsulate(publicKey, new Uint8Array(31))).toThrow()
    })
  })

  test('X-Wing, vector 1 of draft-connolly-cfrg-xwing-kem', () => {
    const seed = unhex('7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26')
    const encapsulation = unhex(
      '3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2',
    )
    const publicKey = xwingPublicKey(p, seed)
    expect(hex(publicKey.subarray(0, 36))).toBe(
      'e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5b19cfc3d',
    )
    let at = 0
    const random = (n: number) => {
      at += n
      return encapsulation.slice(at - n, at)
    }
    const sent = xwingEncapsulate(noble, random, publicKey)
    expect(hex(sent?.sharedSecret ?? NOTHING)).toBe('d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384')
    expect(xwingDecapsulate(p, seed, sent?.ciphertext ?? NOTHING)).toEqual(sent?.sharedSecret)
    const lowOrder = concat(sent?.ciphertext.subarray(0, 1088) ?? NOTHING, new Uint8Array(32))
    expect(xwingDecapsulate(p, seed, lowOrder)).toBeUndefined()
    expect(xwingDecapsulate(p, seed, lowOrder.subarray(1))).toBeUndefined()
    expect(xwingEncapsulate(p, seeded(1), concat(publicKey.subarray(0, 1184), new Uint8Array(32)))).toBeUndefined()
  })

  test(`equal to the reference on random input (seed ${SEED})`, () => {
    const random = seeded(SEED)
    for (let round = 0; round < 40; round++) {
      const key = random(below(random, 130))
      const data = random(below(random, 6000))
      const secret = random(32)
      expect(p.sha256(data)).toEqual(noble.sha256(data))
      expect(p.sha3(data)).toEqual(noble.sha3(data))
      expect(p.hmac(key, data)).toEqual(noble.hmac(key, data))
      expect(p.x25519PublicKey(secret)).toEqual(noble.x25519PublicKey(secret))
      expect(p.x25519(secret, data.subarray(0, 32))).toEqual(noble.x25519(secret, data.subarray(0, 32)))
      expect(p.ed25519PublicKey(secret)).toEqual(noble.ed25519PublicKey(secret))
      expect(p.sign(secret, data)).toEqual(noble.sign(secret, data))
      expect(p.verify(secret, data, random(64))).toEqual(false)
      expect(p.kemPublicKey(concat(secret, secret))).toEqual(noble.kemPublicKey(concat(secret, secret)))
    }
  })

  test('gives plain arrays of their own, and leaves what it was given as it was', () => {
    const data = utf8('data')
    const key = unhex('11'.repeat(32))
    const before = hex(concat(data, key))
    const results = [
      p.sha256(data),
      p.hmac(key, data),
      p.x25519PublicKey(key),
      p.sign(key, data),
      p.kemPublicKey(new Uint8Array(64)),
      p.aeadSeal(key, new Uint8Array(24), data, key),
      p.aeadOpen(key, new Uint8Array(24), p.aeadSeal(key, new Uint8Array(24), data, key), key) ?? NOTHING,
    ]
    for (const result of results) expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype)
    const copies = results.map(hex)
    p.hmac(unhex('22'.repeat(32)), utf8('other'))
    expect(results.map(hex)).toEqual(copies)
    expect(hex(concat(data, key))).toBe(before)
  })
})

describe('what may be a key at all', () => {
  test('the list of low-order points is the set of points that noble refuses', () => {
    for (const point of LOW_ORDER_DH) {
      expect(isDhKey(point), hex(point)).toBe(false)
      expect(noble.x25519(unhex('42'.repeat(32)), point)).toBeUndefined()
    }
    for (let u = 2n; u < 40n; u++) {
      expect(isDhKey(little(u))).toBe(true)
      expect(noble.x25519(unhex('42'.repeat(32)), little(u))).toBeDefined()
    }
    for (const length of [0, 31, 33]) expect(isDhKey(new Uint8Array(length).fill(9))).toBe(false)
  })

  test('a signing key is a canonical point that is not of small order', () => {
    expect(isSigningKey(noble.ed25519PublicKey(unhex('42'.repeat(32))))).toBe(true)
    for (const point of TORSION) expect(isSigningKey(point.toBytes())).toBe(false)
    expect(isSigningKey(little(2n))).toBe(false)
    expect(isSigningKey(little(P + 3n))).toBe(false)
    expect(isSigningKey(new Uint8Array(31))).toBe(false)
  })
})
