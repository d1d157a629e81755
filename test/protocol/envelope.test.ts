/**
 * Envelopes: what a carrier reads of them, who opens them, and what nobody can make of them.
 */
import { describe, expect, test } from 'vitest'
import {
  concat,
  ENVELOPE_LIFE_DAYS,
  ENVELOPE_MOST_BYTES,
  ENVELOPE_ROOM,
  envelopeId,
  FRAME_BYTES,
  FRAMES_IN_ENVELOPE,
  openEnvelope,
  readEnvelope,
  sealEnvelope,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
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

  test('has a name of its own', () => {
    const [one, other] = [seal([random(9)]), seal([random(9)])]
    expect(envelopeId(p, one)).toHaveLength(16)
    expect(hex(envelopeId(p, one))).toBe(hex(envelopeId(p, one.slice())))
    expect(hex(envelopeId(p, one))).not.toBe(hex(envelopeId(p, other)))
    expect(hex(envelopeId(p, concat(one, Uint8Array.of(0))))).not.toBe(hex(envelopeId(p, one)))
  })
})
