/**
 * Byte strings, ranges, padding and the committing AEAD.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ranges } from '../../src/protocol/index.ts'
import {
  add,
  compare,
  concat,
  equal,
  fromBase32,
  fromBase64Url,
  fromUtf8,
  has,
  noble as p,
  padFrame,
  size,
  subtract,
  toBase32,
  toBase64Url,
  union,
  unpadFrame,
  utf8,
} from '../../src/protocol/index.ts'
import { open, SEAL_OVERHEAD, seal } from '../../src/protocol/crypto/aead.ts'
import { FRAME_BYTES } from '../../src/protocol/limits.ts'
import { joined, uint16, uint32 } from '../../src/protocol/wire/codec.ts'
import { PADDED_FRAME_BYTES } from '../../src/protocol/wire/padding.ts'
import { hex, seeded, seedOfRun } from './seeded.ts'

const SEED = seedOfRun(13)
const random = seeded(SEED)

describe('byte strings', () => {
  test('base32 and base64url are those of RFC 4648 §10', () => {
    expect(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((each) => toBase32(utf8(each)))).toEqual([
      '',
      'my',
      'mzxq',
      'mzxw6',
      'mzxw6yq',
      'mzxw6ytb',
      'mzxw6ytboi',
    ])
    expect(toBase64Url(Uint8Array.of(0xfb, 0xff, 0xfe))).toBe('-__-')
    expect(['f', 'fo', 'foo'].map((each) => toBase64Url(utf8(each)))).toEqual(['Zg', 'Zm8', 'Zm9v'])
  })

  test.each([
    [fromBase32, ['MY', 'mz', 'm', 'my=', 'm y', 'm1', 'mzx', 'mzxw6y']],
    [fromBase64Url, ['Zh', 'Z', 'Zg==', 'Z g', 'Zm8+', 'Zm9']],
  ])('%o is strict', (decoder, texts) => {
    for (const text of texts) expect(decoder(text), text).toBeUndefined()
  })

  test('round trips', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(fromBase32(toBase32(bytes))).toEqual(bytes)
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes)
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
      }),
      { seed: SEED },
    )
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\uFEFFA')
  })

  test('order and equality', () => {
    const bytes = fc.uint8Array({ maxLength: 6 })
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(Math.sign(compare(a, b))).toBe(Buffer.compare(a, b))
        expect(equal(a, b)).toBe(compare(a, b) === 0)
      }),
      { seed: SEED },
    )
  })

  test('joined parts tell where they end; numbers are big-endian', () => {
    expect(hex(joined(utf8('ab'), utf8('c')))).not.toBe(hex(joined(utf8('a'), utf8('bc'))))
    expect([hex(uint32(0x01020304)), hex(uint16(0x0102))]).toEqual(['01020304', '0102'])
  })
})

describe('ranges', () => {
  const counters = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 6 })), {
    maxLength: 12,
  })
  const built = (steps: readonly (readonly [number, number])[]) =>
    steps.reduce<Ranges>((set, [from, length]) => add(set, from, from + length), [])
  const model = (steps: readonly (readonly [number, number])[]) =>
    new Set(steps.flatMap(([from, length]) => Array.from({ length: length + 1 }, (_, n) => from + n)))
  const listed = (ranges: Ranges) => [...Array(60).keys()].filter((n) => has(ranges, n))
  const sorted = (set: Iterable<number>) => [...set].sort((a, b) => a - b)

  test('are sets', () => {
    fc.assert(
      fc.property(counters, counters, (left, right) => {
        const [a, b] = [built(left), built(right)]
        const [A, B] = [model(left), model(right)]
        for (const set of [a, b, union(a, b), subtract(a, b)]) {
          set.forEach(([from, to], n) => {
            expect(from).toBeLessThanOrEqual(to)
            if (n > 0) expect(from).toBeGreaterThan((set[n - 1]?.[1] ?? 0) + 1)
          })
        }
        expect(listed(a)).toEqual(sorted(A))
        expect(size(a)).toBe(A.size)
        expect(listed(union(a, b))).toEqual(sorted(new Set([...A, ...B])))
        expect(listed(subtract(a, b))).toEqual(sorted([...A].filter((n) => !B.has(n))))
        expect(union(a, b)).toEqual(union(b, a))
      }),
      { seed: SEED, numRuns: 1000 },
    )
  })
})

describe('padded frames', () => {
  test('have one of few sizes', () => {
    const sizes = new Set<number>()
    for (let length = 1; length <= FRAME_BYTES; length += 7) {
      const padded = padFrame(new Uint8Array(length))
      sizes.add(padded.length)
      expect(padded.length).toBeLessThanOrEqual(
        length + 4 <= 4096 ? Math.max(1024, 2 * (length + 4)) : 1.12 * (length + 4),
      )
    }
    expect([...sizes].sort((a, b) => a - b).slice(0, 4)).toEqual([1024, 2048, 4096, 4352])
    expect(sizes.size).toBeLessThan(100)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(PADDED_FRAME_BYTES)
    expect(padFrame(new Uint8Array(FRAME_BYTES)).length).toBe(PADDED_FRAME_BYTES)
  })

  test.each([1, 1020, 1021, 2044, 2045, 4092, 4093, 5000, FRAME_BYTES])('a frame of %i bytes comes back', (length) => {
    const frame = random(length)
    expect(unpadFrame(padFrame(frame))).toEqual(frame)
  })

  test('another size, another padding and impossible lengths are refused', () => {
    const padded = padFrame(random(100))
    expect(unpadFrame(concat(padded, new Uint8Array(1024)))).toBeUndefined()
    expect(unpadFrame(padded.subarray(0, 104))).toBeUndefined()
    for (const at of [104, 1023]) expect(unpadFrame(padded.with(at, 1))).toBeUndefined()
    for (const length of [0, 2000, 0xffffffff])
      expect(unpadFrame(concat(uint32(length), new Uint8Array(1020)))).toBeUndefined()
    expect(() => padFrame(new Uint8Array(0))).toThrow(RangeError)
    expect(() => padFrame(new Uint8Array(FRAME_BYTES + 1))).toThrow(RangeError)
  })
})

describe('the committing AEAD', () => {
  const [key, label, data] = [random(32), utf8('tulnic/one/1'), utf8('clear')]
  const sealed = seal(p, random, key, label, utf8('hello'), data)

  test('opens under its key, label and data only', () => {
    expect(sealed).toHaveLength(5 + SEAL_OVERHEAD)
    expect(open(p, key, label, sealed, data)).toEqual(utf8('hello'))
    expect(open(p, random(32), label, sealed, data)).toBeUndefined()
    expect(open(p, key, utf8('tulnic/two/1'), sealed, data)).toBeUndefined()
    expect(open(p, key, label, sealed, utf8('cleat'))).toBeUndefined()
  })

  test('every byte counts, the commitment too', () => {
    for (let at = 0; at < sealed.length; at++)
      expect(open(p, key, label, sealed.with(at, (sealed[at] ?? 0) ^ 1), data)).toBeUndefined()
    for (let length = 0; length < SEAL_OVERHEAD; length++)
      expect(open(p, key, label, sealed.subarray(0, length), data)).toBeUndefined()
  })

  test('equal keys do not show: two sealings of the same have nothing in common', () => {
    const again = seal(p, random, key, label, utf8('hello'), data)
    expect(hex(again.subarray(0, 32))).not.toBe(hex(sealed.subarray(0, 32)))
    expect(hex(again.subarray(56))).not.toBe(hex(sealed.subarray(56)))
  })
})
