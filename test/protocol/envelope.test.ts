/**
 * Envelopes: what a carrier reads of them, who opens them, and what nobody can make of them.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  boxKey,
  concat,
  deviceIdBytes,
  ENVELOPE_LIFE_DAYS,
  ENVELOPE_MOST_BYTES,
  ENVELOPE_ROOM,
  envelopeId,
  FRAME_BYTES,
  FRAMES_IN_ENVELOPE,
  openEnvelope,
  readEnvelope,
  SEAL_OVERHEAD,
  sealEnvelope,
  utf8,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { paddedSize } from '../../src/protocol/wire/buckets.ts'
import { commonBytes } from './common-bytes.ts'
import { person } from './people.ts'
import { hex, seeded, seedOfRun } from './seeded.ts'

const SEED = seedOfRun(20261101)
const random = seeded(SEED)
const key = random(32)
const clear = { box: random(16), life: 14, token: random(16) }
const seal = (frames: readonly Uint8Array[], head = clear, under = key) => sealEnvelope(p, random, under, head, frames)
const open = (bytes: Uint8Array, under = key) => openEnvelope(p, under, bytes)

describe('an envelope', () => {
  test.each<[string, number[]]>([
    ['one byte', [1]],
    ['the frames of a small one', [300, 400]],
    ['the largest frame', [FRAME_BYTES]],
    ['as many as are in flight', Array(FRAMES_IN_ENVELOPE).fill(ENVELOPE_ROOM / FRAMES_IN_ENVELOPE)],
  ])('brings %s', (_, lengths) => {
    const frames = lengths.map((length) => random(length))
    const bytes = seal(frames)
    expect(bytes.length).toBeLessThanOrEqual(ENVELOPE_MOST_BYTES)
    expect(readEnvelope(bytes)).toEqual(clear)
    expect(open(bytes)?.map(hex)).toEqual(frames.map(hex))
    expect(open(bytes, random(32))).toBeUndefined()
  })

  test('has the bounds of life that it says', () => {
    for (const life of [1, ENVELOPE_LIFE_DAYS])
      expect(readEnvelope(seal([random(9)], { ...clear, life }))?.life).toBe(life)
    for (const life of [0, ENVELOPE_LIFE_DAYS + 1, 1.5, Number.NaN])
      expect(() => seal([random(9)], { ...clear, life })).toThrow(RangeError)
  })

  test.each<[string, () => unknown]>([
    ['no frames', () => seal([])],
    ['an empty frame', () => seal([random(9), new Uint8Array(0)])],
    ['more frames than are in flight', () => seal(Array(FRAMES_IN_ENVELOPE + 1).fill(random(1)))],
    ['a frame that is too large', () => seal([random(FRAME_BYTES + 1)])],
    ['frames that are too large together', () => seal([random(ENVELOPE_ROOM), random(1)])],
    ['a box of 15 bytes', () => seal([random(9)], { ...clear, box: random(15) })],
    ['a token of 17 bytes', () => seal([random(9)], { ...clear, token: random(17) })],
    ['a key of 31 bytes', () => seal([random(9)], clear, random(31))],
  ])('%s is our own mistake', (_, action) => {
    expect(action).toThrow(RangeError)
  })

  test('has a name of its own', () => {
    const [one, other] = [seal([random(9)]), seal([random(9)])]
    expect(envelopeId(p, one)).toHaveLength(16)
    expect(hex(envelopeId(p, one))).toBe(hex(envelopeId(p, one.slice())))
    expect(hex(envelopeId(p, one))).not.toBe(hex(envelopeId(p, other)))
    expect(hex(envelopeId(p, concat(one, Uint8Array.of(0))))).not.toBe(hex(envelopeId(p, one)))
  })

  test('gives frames that stay as they are when the bytes change', () => {
    const frame = random(30)
    const bytes = seal([frame])
    const [opened, read] = [open(bytes), readEnvelope(bytes)]
    bytes.fill(0)
    expect(opened?.map(hex)).toEqual([hex(frame)])
    expect(read).toEqual(clear)
  })
})

describe('a carrier sees', () => {
  const most = 1024 - 34 - SEAL_OVERHEAD - 2 - 4

  test('one of few sizes, whatever is in it', () => {
    const sizes = (lengths: readonly number[]) => seal(lengths.map((length) => random(length))).length
    expect([sizes([1]), sizes([most]), sizes([most + 1]), sizes([most - 5, 1]), sizes([most - 4, 1])]).toEqual([
      1024, 1024, 2048, 1024, 2048,
    ])
    fc.assert(
      fc.property(fc.integer({ min: 1, max: FRAME_BYTES }), (length) => {
        const size = sizes([length])
        expect(size).toBe(paddedSize(size))
        expect(size).toBeLessThanOrEqual(Math.max(1024, length < 4096 ? 2 * (length + 112) : 1.12 * (length + 112)))
      }),
      { seed: SEED, numRuns: 60 },
    )
  })

  test('nothing of frames, key or sender, and bytes that are evenly spread', () => {
    const sender = person(random, p)
    const secret = random(32)
    const under = boxKey(p, secret, sender.keys.id)
    const frames = [utf8('a text that everybody knows, again and again'), sender.bundle.bytes.subarray(0, 500)]
    const known = [...frames, under, secret, deviceIdBytes(sender.keys.id), sender.account.key]
    const counts = new Array<number>(256).fill(0)
    const envelopes = Array.from({ length: 20 }, () => seal(frames, { ...clear, token: random(16) }, under))
    for (const bytes of envelopes) {
      expect(commonBytes([bytes], known)).toEqual([])
      for (const byte of bytes.subarray(18)) counts[byte] = (counts[byte] ?? 0) + 1
    }
    const expected = (20 * (1024 - 18)) / 256
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 255 degrees of freedom: a mean of 255, a standard deviation of 22.6; seven of them are left on each side.
    expect(chiSquare).toBeGreaterThan(97)
    expect(chiSquare).toBeLessThan(413)
  })
})
