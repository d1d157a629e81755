/**
 * Slots of the DHT: what a server and a reader take for the owner's, and what they refuse, whoever made it.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkRecord,
  concat,
  dhtKey,
  INVITE_RECORD_BYTES,
  noble,
  openSlot,
  type Primitives,
  parseDhtKey,
  RENDEZVOUS_RECORD_BYTES,
  sealSlot,
  selectRecord,
  type SlotKeys,
  type SlotKind,
  slotName,
  slotOf,
  slotRoom,
  utf8,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { seal } from '../../src/protocol/crypto/aead.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { NOW } from './people.ts'
import { LOW_ORDER } from './points.ts'
import { hex, seeded, seedOfRun, unhex } from './seeded.ts'

const HOUR = 3_600_000
const SEED = seedOfRun(20260301)
const random = seeded(SEED)
const owner = slotOf(p, random(32))
const stranger = slotOf(p, random(32))
const key = random(32)
const content = utf8('where I am')
const sealed = (kind: SlotKind, keys = owner, seq = 3) =>
  sealSlot(p, random, kind, keys, key, { seq, nowMs: NOW }, content).value
const record = sealed('rv1')

/** The record with some bytes changed, and signed again by whoever owns `keys`. */
function resigned(keys: SlotKeys, change: (body: Uint8Array) => void, label: Uint8Array = LABELS.rendezvousSignature) {
  const body = record.slice(0, -64)
  change(body)
  return concat(body, p.sign(keys.seed, concat(label, body)))
}
const number = (at: number, value: bigint) => (body: Uint8Array) => new DataView(body.buffer).setBigUint64(at, value)
const seqOf = (value: bigint) => resigned(owner, number(32, value))
const endOf = (value: number) => resigned(owner, number(40, BigInt(value)))
/** What an owner without manners could sign: a record of 900 bytes. */
function shorter(): Uint8Array {
  const body = record.slice(0, 900 - 64)
  return concat(body, p.sign(owner.seed, concat(LABELS.rendezvousSignature, body)))
}
const check = (bytes: Uint8Array, name = owner.name, now = NOW) => checkRecord(p, 'rv1', name, bytes, now)
const open = (bytes: Uint8Array, name = owner.name) => openSlot(p, 'rv1', key, name, bytes)

describe('a record', () => {
  test.each<[SlotKind, number]>([
    ['rv1', RENDEZVOUS_RECORD_BYTES],
    ['iv1', INVITE_RECORD_BYTES],
  ])('%s has %i bytes, whatever it holds, and comes back', (kind, size) => {
    for (const length of [0, 1, 300, slotRoom(kind)]) {
      const bytes = random(length)
      const { value, name } = sealSlot(p, random, kind, owner, key, { seq: 1, nowMs: NOW }, bytes)
      expect([value.length, name]).toEqual([size, owner.name])
      expect(checkRecord(p, kind, owner.name, value, NOW)).toEqual({ seq: 1, notAfter: NOW + 48 * HOUR })
      expect(openSlot(p, kind, key, owner.name, value)).toEqual({ seq: 1, content: bytes })
    }
  })

  test('says that it ends two days after the next full hour, and no more of the clock that made it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: HOUR }), (after) => {
        const { value } = sealSlot(p, random, 'rv1', owner, key, { seq: 1, nowMs: NOW + after }, content)
        expect(check(value)?.notAfter).toBe(NOW + 49 * HOUR)
      }),
      { seed: SEED, numRuns: 20 },
    )
  })

  test('our own mistakes throw', () => {
    const make = (seq: number, length: number) => () =>
      sealSlot(p, random, 'rv1', owner, key, { seq, nowMs: NOW }, new Uint8Array(length))
    expect(make(0, 1)).toThrow(RangeError)
    expect(make(1.5, 1)).toThrow(RangeError)
    expect(make(2 ** 48 + 1, 1)).toThrow(RangeError)
    expect(make(1, slotRoom('rv1') + 1)).toThrow(RangeError)
    expect(make(2 ** 48, slotRoom('rv1'))).not.toThrow()
    expect(() => selectRecord([])).toThrow(RangeError)
  })
})

describe('is refused by servers and readers', () => {
  const strangers = sealed('rv1', stranger)
  test.each<[string, Uint8Array]>([
    ["a stranger's record in the owner's slot", strangers],
    ["a stranger's signature under the owner's key", resigned(stranger, () => {})],
    ["the owner's key in front of a stranger's record", concat(record.subarray(0, 32), strangers.subarray(32))],
    ["a stranger's key in front of the owner's record", resigned(stranger, (body) => body.set(stranger.publicKey))],
    ['one byte less', record.subarray(0, -1)],
    ['one byte more', concat(record, new Uint8Array(1))],
    ['half', record.subarray(0, 512)],
    ['a shorter one that the owner signed', shorter()],
    ['nothing', new Uint8Array(0)],
    ['the other kind', sealed('iv1')],
    ['the signature of the other kind', resigned(owner, () => {}, LABELS.inviteSlotSignature)],
    ['a signature without a label', resigned(owner, () => {}, new Uint8Array(0))],
    ['seq 0', seqOf(0n)],
    ['seq beyond 2^48', seqOf(2n ** 48n + 1n)],
    ['seq beyond all whole numbers', seqOf(2n ** 64n - 1n)],
    ['a signature with S + L in the place of S', malleated(record)],
  ])('%s', (_, bytes) => {
    expect(check(bytes)).toBeUndefined()
    expect(open(bytes)).toBeUndefined()
  })

  test('a byte that is not as it was sent, wherever it stands', () => {
    const ciphertext = { from: 130, to: RENDEZVOUS_RECORD_BYTES - 64 - 16 }
    for (let at = 0; at < record.length; at += at > ciphertext.from && at < ciphertext.to ? 7 : 1) {
      const changed = record.slice()
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      expect(check(changed), `byte ${at}`).toBeUndefined()
      if (at % 16 === 0) expect(open(changed), `byte ${at}`).toBeUndefined()
    }
  })

  test.each(['0100'.padEnd(64, '0'), `ee${'ff'.repeat(30)}7f`, ...LOW_ORDER.map(hex)])(
    'a key that every signature fits: %s',
    (text) => {
      const publicKey = unhex(text)
      const body = record.slice(0, -64)
      body.set(publicKey)
      const signature = concat(unhex('01'.padEnd(64, '0')), new Uint8Array(32))
      const name = slotName(p, publicKey)
      expect(check(concat(body, signature), name)).toBeUndefined()
      expect(open(concat(body, signature), name)).toBeUndefined()
    },
  )

  test('the control: looser rules would take such a key', () => {
    const loose: Primitives = { ...noble, verify: (k, message, signature) => ed25519.verify(signature, message, k) }
    const identity = unhex('01'.padEnd(64, '0'))
    const body = record.slice(0, -64)
    body.set(identity)
    const forged = concat(body, identity, new Uint8Array(32))
    expect(checkRecord(loose, 'rv1', slotName(p, identity), forged, NOW)?.seq).toBe(3)
    expect(checkRecord(noble, 'rv1', slotName(p, identity), forged, NOW)).toBeUndefined()
  })

  test('an end that is past, or more than 72 hours ahead; the last millisecond of each is taken', () => {
    expect(check(endOf(NOW - 1))).toBeUndefined()
    expect(check(endOf(NOW))?.notAfter).toBe(NOW)
    expect(check(endOf(NOW + 72 * HOUR))?.notAfter).toBe(NOW + 72 * HOUR)
    expect(check(endOf(NOW + 72 * HOUR + 1))).toBeUndefined()
    expect(check(record, owner.name, Number.NaN)).toBeUndefined()
  })
})

describe('the sealed part', () => {
  const under = (seq: number, sealKey: Uint8Array) =>
    sealSlot(p, random, 'rv1', owner, sealKey, { seq, nowMs: NOW }, content).value

  test('opens with its key alone', () => {
    expect(open(under(3, random(32)))).toBeUndefined()
    expect(open(under(3, key))?.content).toEqual(content)
  })

  test.each<[string, (body: Uint8Array) => void]>([
    ['seq', number(32, 4n)],
    ['end', number(40, BigInt(NOW + 50 * HOUR))],
  ])('belongs to its %s, even where the owner signed anew', (_, change) => {
    const moved = resigned(owner, change)
    expect(check(moved)).toBeDefined()
    expect(open(moved)).toBeUndefined()
  })

  test('belongs to its slot', () => {
    const moved = resigned(stranger, (body) => body.set(stranger.publicKey))
    expect(check(moved, stranger.name)).toBeDefined()
    expect(open(moved, stranger.name)).toBeUndefined()
  })

  test.each<[string, Uint8Array]>([
    ['a length beyond the record', concat(Uint8Array.of(0xff, 0xff), new Uint8Array(slotRoom('rv1')))],
    [
      'a length one beyond',
      concat(Uint8Array.of(slotRoom('rv1') >>> 8, (slotRoom('rv1') & 255) + 1), new Uint8Array(slotRoom('rv1'))),
    ],
    ['padding that is not zero', concat(Uint8Array.of(0, 1, 7), new Uint8Array(slotRoom('rv1') - 2), Uint8Array.of(1))],
  ])('is refused with %s, even from the owner', (_, plaintext) => {
    expect(plaintext.length).toBe(slotRoom('rv1') + 2)
    const clear = record.slice(0, 48)
    const body = concat(clear, seal(p, random, key, LABELS.rendezvousSeal, plaintext, clear))
    const signed = concat(body, p.sign(owner.seed, concat(LABELS.rendezvousSignature, body)))
    expect(check(signed)).toBeDefined()
    expect(open(signed)).toBeUndefined()
  })
})

test('judging a record costs at most one hash and one verification, whatever it is', () => {
  const counted = { hashes: 0, verifications: 0 }
  const counting: Primitives = {
    ...noble,
    sha256: (data) => {
      counted.hashes++
      return noble.sha256(data)
    },
    verify: (...parts) => {
      counted.verifications++
      return noble.verify(...parts)
    },
  }
  const costs = (bytes: Uint8Array, now = NOW) => {
    counted.hashes = counted.verifications = 0
    checkRecord(counting, 'rv1', owner.name, bytes, now)
    return [counted.hashes, counted.verifications]
  }
  expect(costs(record)).toEqual([1, 1])
  expect(costs(resigned(stranger, () => {}))).toEqual([1, 1])
  expect(costs(sealed('rv1', stranger))).toEqual([1, 0])
  expect(costs(record, NOW + 49 * HOUR)).toEqual([0, 0])
  expect(costs(new Uint8Array(10_000_000))).toEqual([0, 0])
})

describe('of several records', () => {
  const variants = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 6 })

  test('the highest seq counts, then the lowest bytes, in whatever order they came', () => {
    fc.assert(
      fc.property(variants, fc.infiniteStream(fc.nat()), (seqs, order) => {
        const records = seqs.map((seq) => sealed('rv1', owner, seq))
        const highest = Math.max(...seqs)
        const candidates = records.filter((_, at) => seqs[at] === highest).map(hex)
        const expected = candidates.sort()[0]
        const shuffled = records
          .map((each) => ({ each, lot: order.next().value ?? 0 }))
          .sort((a, b) => a.lot - b.lot)
          .map(({ each }) => each)
        for (const list of [records, shuffled, [...records].reverse()])
          expect(hex(list[selectRecord(list)] ?? new Uint8Array(0))).toBe(expected)
      }),
      { seed: SEED, numRuns: 30 },
    )
  })

  test('a damaged one never makes the selector throw, and a good one wins over what is cut', () => {
    expect(selectRecord([record.subarray(0, 20), record])).toBe(1)
    expect(selectRecord([new Uint8Array(0), new Uint8Array(0)])).toBe(0)
  })
})

describe('the key of a slot in the DHT', () => {
  test('is read as it was written', () => {
    for (const kind of ['rv1', 'iv1'] as const)
      expect(parseDhtKey(dhtKey(kind, owner.name))).toEqual({ kind, name: owner.name })
    expect(Buffer.from(dhtKey('rv1', owner.name)).toString()).toMatch(/^\/rv1\/[a-z2-7]{52}$/)
  })

  test.each(['/rv2/', '/pk/a', 'rv1//', '/RV1/'])('another beginning is none of ours: %s', (prefix) => {
    expect(parseDhtKey(concat(utf8(prefix), dhtKey('rv1', owner.name).subarray(5)))).toBeUndefined()
  })
})

/** The record with the other scalar that a verifier without the bound of RFC 8032 §5.1.7 would take as well. */
function malleated(bytes: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const changed = bytes.slice()
  const scalar = changed.subarray(-32)
  let value = BigInt(`0x${hex(scalar.slice().reverse())}`) + order
  for (let at = 0; at < 32; at++, value >>= 8n) scalar[at] = Number(value & 255n)
  return changed
}
