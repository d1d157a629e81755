/**
 * Audiences: members find the owner whatever both clocks do within an hour; servers learn nothing that lasts longer than a day.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Audience,
  checkRecord,
  concat,
  createAudience,
  createGrant,
  decodeGrant,
  encodeGrant,
  epochOf,
  epochsToPublish,
  isRolledBack,
  type KnownSlot,
  learnSlots,
  openRecord,
  type RecordPosition,
  RENDEZVOUS_RECORD_BYTES,
  type RendezvousContent,
  readKey,
  SLOTS_GRANTED,
  SLOTS_IN_RECORD,
  SLOTS_KNOWN,
  sealRecord,
  sealSlot,
  selectRecord,
  slotKeys,
  slotOf,
  slotsToRead,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import type { Plain } from '../../src/protocol/wire/codec.ts'
import { encode } from '../../src/protocol/wire/codec.ts'
import { commonBytes, WINDOW } from './common-bytes.ts'
import { NOW } from './people.ts'
import { hex, seeded, seedOfRun } from './seeded.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const SEED = seedOfRun(20260302)
const random = seeded(SEED)
const audience = createAudience(random)
const { secret } = audience
const key = readKey(p, secret)
const today = epochOf(NOW, audience.phase)
const content: RendezvousContent = {
  peerId: random(38),
  addresses: [random(8), random(20), random(67)],
  device: random(16),
  carrierHints: random(20),
}
const seal = (epoch: number, seq = 1, nowMs = NOW, whose = secret) =>
  sealRecord(p, random, whose, epoch, { seq, nowMs }, content)
const open = (epoch: number, value: Uint8Array, readWith = key) =>
  openRecord(p, readWith, slotKeys(p, secret, epoch).name, value)
const grantedBy = (whose: Audience, nowMs = NOW) => createGrant(p, whose, nowMs)

/** The moment at which an epoch of this phase begins. */
const beginOf = (epoch: number, phase: number) => epoch * DAY + phase * 1000

describe('a record', () => {
  test('has 1024 bytes, is kept by servers, and tells members where the device is and the names of two weeks', () => {
    const { kind, name, value } = seal(today)
    expect([kind, value.length]).toEqual(['rv1', RENDEZVOUS_RECORD_BYTES])
    expect(checkRecord(p, 'rv1', name, value, NOW)?.seq).toBe(1)
    const names = Array.from({ length: SLOTS_IN_RECORD }, (_, at) => slotKeys(p, secret, today + 1 + at).name)
    expect(open(today, value)).toEqual({ ...content, seq: 1, names })
  })

  test('holds any content within the bounds, as many addresses as have room, in their order', () => {
    const bytes = (most: number, least = 0) => fc.uint8Array({ minLength: least, maxLength: most })
    fc.assert(
      fc.property(
        fc.array(bytes(140), { maxLength: 14 }),
        bytes(64),
        fc.integer({ min: 1, max: 2 ** 48 }),
        (addresses, carrierHints, seq) => {
          const told = { ...content, addresses, carrierHints }
          const { value, name } = sealRecord(p, random, secret, today, { seq, nowMs: NOW }, told)
          const opened = openRecord(p, key, name, value)
          expect(opened).toMatchObject({ carrierHints, seq })
          const kept = (opened?.addresses ?? []).map(hex)
          const allowed = addresses.filter(({ length }) => length >= 1 && length <= 128).map(hex)
          let at = 0
          for (const each of allowed) if (at < kept.length && each === kept[at]) at++
          expect(at).toBe(kept.length)
          if (allowed.join('').length / 2 <= 200) expect(kept).toEqual(allowed.slice(0, 10))
        },
      ),
      { seed: SEED, numRuns: 60 },
    )
  })

  test('has room for ten IPv6 addresses, or four relayed ones, beside full carrier hints', () => {
    const kept = (count: number, length: number) => {
      const told = {
        ...content,
        carrierHints: random(64),
        addresses: Array.from({ length: count }, () => random(length)),
      }
      return open(today, sealRecord(p, random, secret, today, { seq: 1, nowMs: NOW }, told).value)?.addresses.length
    }
    expect([kept(12, 22), kept(12, 63)]).toEqual([10, 4])
  })

  test('is filled to its last byte, and an address that is one byte too long is left out', () => {
    const kept = Array.from({ length: 128 }, (_, at) => {
      const addresses = [random(100), random(100), random(at + 1)]
      const told = { ...content, carrierHints: new Uint8Array(0), addresses }
      return open(today, sealRecord(p, random, secret, today, { seq: 1, nowMs: NOW }, told).value)?.addresses.length
    })
    const most = kept.lastIndexOf(3)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(127)
    expect(kept.slice(0, most + 1).every((count) => count === 3)).toBe(true)
    expect(kept.slice(most + 1).every((count) => count === 2)).toBe(true)
  })

  test.each<[string, Partial<RendezvousContent>]>([
    ['a PeerID of 37 bytes', { peerId: random(37) }],
    ['a device of 17 bytes', { device: random(17) }],
    ['hints of 65 bytes', { carrierHints: random(65) }],
  ])('with %s is our own mistake', (_, change) => {
    expect(() => sealRecord(p, random, secret, today, { seq: 1, nowMs: NOW }, { ...content, ...change })).toThrow(
      RangeError,
    )
  })

  const fields = [content.peerId, [...content.addresses], content.device, content.carrierHints, random(448)] as const
  const changed = (at: number, value: Plain) => fields.map((field, n): Plain => (n === at ? value : field))
  test.each<[string, Plain]>([
    [
      'eleven addresses',
      changed(
        1,
        Array.from({ length: 11 }, () => random(2)),
      ),
    ],
    ['an address of 129 bytes', changed(1, [random(129)])],
    ['an empty address', changed(1, [new Uint8Array(0)])],
    ['an address that is a text', changed(1, ['/ip4/1.2.3.4/tcp/1'])],
    ['a PeerID of 39 bytes', changed(0, random(39))],
    ['a short device', changed(2, random(15))],
    ['hints of 65 bytes', changed(3, random(65))],
    ['13 names', changed(4, random(416))],
    ['15 names', changed(4, random(480))],
    ['half a name more', changed(4, random(464))],
    ['one field less', fields.slice(0, 4)],
    ['one field more', [...fields, 0]],
  ])('with %s is refused, even from its owner', (_, plain) => {
    const keys = slotKeys(p, secret, today)
    const { value, name } = sealSlot(p, random, 'rv1', keys, key, { seq: 1, nowMs: NOW }, encode(plain))
    expect(checkRecord(p, 'rv1', name, value, NOW)).toBeDefined()
    expect(openRecord(p, key, name, value)).toBeUndefined()
  })
})

describe('who writes and who reads', () => {
  const { name, value } = seal(today)

  test('nobody but the owner forges a record: neither a server nor a member who has the read key and the names', () => {
    const member = slotOf(p, random(32))
    const forged = sealSlot(p, random, 'rv1', member, key, { seq: 9, nowMs: NOW }, new Uint8Array(0)).value
    const pasted = concat(value.subarray(0, 32), forged.subarray(32))
    for (const each of [forged, pasted]) {
      expect(checkRecord(p, 'rv1', name, each, NOW)).toBeUndefined()
      expect(openRecord(p, key, name, each)).toBeUndefined()
    }
    expect(hex(slotOf(p, key).name)).not.toBe(hex(name))
  })

  test('a record opens in its own slot only: another day of the same audience is refused', () => {
    const tomorrow = seal(today + 1)
    expect(open(today, tomorrow.value)).toBeUndefined()
    expect(open(today + 1, value)).toBeUndefined()
    expect(checkRecord(p, 'rv1', name, tomorrow.value, NOW)).toBeUndefined()
    expect(open(today + 1, tomorrow.value)).toBeDefined()
  })

  test('whoever is not of the audience reads nothing, not with another key of the same owner', () => {
    for (const other of [random(32), readKey(p, random(32)), secret, slotKeys(p, secret, today).seed])
      expect(openRecord(p, other, name, value)).toBeUndefined()
  })
})

describe('a reader that saw a record', () => {
  const positions = fc.record({ epoch: fc.nat(5), seq: fc.integer({ min: 1, max: 5 }) })

  test('refuses a record that is rolled back, within a day and over days, and takes the same one again', () => {
    const seen = { epoch: today, seq: 4 }
    const at = (epoch: number, seq: number) => isRolledBack(seen, { epoch, seq })
    expect([at(today, 3), at(today - 1, 9), at(today, 1)]).toEqual([true, true, true])
    expect([at(today, 4), at(today, 5), at(today + 1, 1)]).toEqual([false, false, false])
    expect(isRolledBack(null, { epoch: 0, seq: 1 })).toBe(false)
  })

  test('never goes back, whatever it is shown in whatever order', () => {
    fc.assert(
      fc.property(fc.array(positions, { maxLength: 30 }), (shown) => {
        let seen: RecordPosition | null = null
        for (const found of shown) {
          const before: RecordPosition | null = seen
          if (!isRolledBack(seen, found)) seen = found
          if (before !== null && seen !== null)
            expect(seen.epoch * 10 + seen.seq).toBeGreaterThanOrEqual(before.epoch * 10 + before.seq)
        }
      }),
      { seed: SEED },
    )
  })

  test('and a server that has both keeps the newer', () => {
    const [old, recent] = [seal(today, 1).value, seal(today, 2).value]
    expect([selectRecord([old, recent]), selectRecord([recent, old])]).toEqual([1, 0])
  })
})

/** Where a record is clear numbers: everything else is a key, a hash, a ciphertext or a signature. */
const NUMBERS = [32, 48] as const

/** What two records have in common, their numbers left out. */
const shared = (a: Uint8Array, b: Uint8Array) => {
  const parts = (record: Uint8Array) => [record.subarray(0, NUMBERS[0]), record.subarray(NUMBERS[1])]
  return commonBytes(parts(a), parts(b))
}

describe('what a server can tell of the records that it keeps', () => {
  const week = Array.from({ length: 7 }, (_, day) => ({
    ...seal(today + day, 1, NOW + day * DAY),
    nowMs: NOW + day * DAY,
  }))

  test('the days of one audience, with one content, have no five bytes in common', () => {
    for (const [at, one] of week.entries())
      for (const other of week.slice(at + 1)) {
        expect(shared(one.value, other.value)).toEqual([])
        expect(hex(one.name)).not.toBe(hex(other.name))
      }
  })

  test('the control: that comparison finds the key of two records in one slot, and a nonce that is used twice', () => {
    expect(shared(seal(today, 1).value, seal(today, 2).value).length).toBe(32 - WINDOW + 1)
    const stuck = seeded(1)(64)
    const once = () => sealRecord(p, (n) => stuck.slice(0, n), secret, today, { seq: 1, nowMs: NOW }, content).value
    const other = sealRecord(p, (n) => stuck.slice(0, n), secret, today + 1, { seq: 1, nowMs: NOW }, content).value
    expect(shared(once(), other).length).toBeGreaterThan(32)
  })

  test('the numbers in clear depend on the hour and on the count of the day alone, not on whose record it is', () => {
    const numbers = (value: Uint8Array) => hex(value.subarray(...NUMBERS))
    fc.assert(
      fc.property(
        fc.nat(6),
        fc.integer({ min: 1, max: HOUR }),
        fc.integer({ min: 1, max: HOUR }),
        (day, one, other) => {
          const stranger = createAudience(random)
          const time = NOW + day * DAY
          const theirs = seal(epochOf(time, stranger.phase), 1, time + other, stranger.secret)
          const ours = seal(epochOf(time, audience.phase), 1, time + one)
          expect(numbers(ours.value)).toBe(numbers(theirs.value))
        },
      ),
      { seed: SEED, numRuns: 40 },
    )
  })

  test('nothing of the content is in clear, and all but the numbers is evenly spread', () => {
    const secrets = [content.peerId, content.device, content.carrierHints, ...content.addresses].map(hex)
    const names = Array.from({ length: 20 }, (_, at) => hex(slotKeys(p, secret, today + at).name))
    const counts = new Array<number>(256).fill(0)
    let bytes = 0
    for (const { value } of week) {
      const text = hex(value)
      for (const each of [...secrets, ...names, hex(key), hex(secret)]) expect(text.includes(each)).toBe(false)
      for (const byte of concat(value.subarray(0, NUMBERS[0]), value.subarray(NUMBERS[1]))) {
        counts[byte] = (counts[byte] ?? 0) + 1
        bytes++
      }
    }
    const expected = bytes / 256
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 255 degrees of freedom: a mean of 255, a standard deviation of 22.6; seven of them are left on each side.
    expect(chiSquare).toBeGreaterThan(97)
    expect(chiSquare).toBeLessThan(413)
  })
})

describe('epochs', () => {
  const moments = fc.record({
    phase: fc.integer({ min: 0, max: 86_399 }),
    now: fc.integer({ min: NOW - 400 * DAY, max: NOW + 4000 * DAY }),
    skew: fc.integer({ min: -HOUR, max: HOUR }),
  })

  test('follow one another at the phase of their audience', () => {
    fc.assert(
      fc.property(moments, ({ phase, now }) => {
        const epoch = epochOf(now, phase)
        expect(beginOf(epoch, phase)).toBeLessThanOrEqual(now)
        expect(beginOf(epoch + 1, phase)).toBeGreaterThan(now)
        expect(epochOf(beginOf(epoch + 1, phase) - 1, phase)).toBe(epoch)
      }),
      { seed: SEED },
    )
  })

  test('no clock makes them throw', () => {
    for (const now of [-DAY, 0, 1, 8.64e15, 2 ** 53]) {
      const whose = { secret, phase: 86_399 }
      const { epochs, until } = epochsToPublish(p, whose, now)
      expect(epochs.length).toBeGreaterThan(0)
      expect(until).toBeGreaterThan(now)
      for (const epoch of epochs) expect(slotKeys(p, secret, epoch).name).toHaveLength(32)
      expect(slotsToRead([], 0, now)).toEqual([])
      expect(createGrant(p, whose, now).names).toHaveLength(SLOTS_GRANTED)
    }
  })

  test('a number that is no epoch is our own mistake', () => {
    for (const epoch of [-1, 0.5, Number.NaN, 2 ** 32]) expect(() => slotKeys(p, secret, epoch)).toThrow(RangeError)
  })

  test('a reader looks at the current slot, and at its neighbours only within an hour of the change', () => {
    const known = Array.from({ length: 9 }, (_, at) => ({ epoch: today - 4 + at, name: random(32) }))
    const looks = (now: number) => slotsToRead(known, audience.phase, now).map(({ epoch }) => epoch - today)
    const begin = beginOf(today, audience.phase)
    expect(looks(begin)).toEqual([0, -1])
    expect(looks(begin + HOUR - 1)).toEqual([0, -1])
    expect(looks(begin + HOUR)).toEqual([0])
    expect(looks(begin + 12 * HOUR)).toEqual([0])
    expect(looks(begin + DAY - HOUR - 1)).toEqual([0])
    expect(looks(begin + DAY - HOUR)).toEqual([0, 1])
    expect(slotsToRead(known.slice(0, 2), audience.phase, begin)).toEqual([])
  })

  test('whenever a member looks, with a clock wrong by up to an hour, the owner publishes one of the slots it looks at', () => {
    fc.assert(
      fc.property(moments, ({ phase, now, skew }) => {
        const whose = { secret, phase }
        const epoch = epochOf(now, phase)
        const known = [-2, -1, 0, 1, 2].map((step) => ({ epoch: epoch + step, name: random(32) }))
        const { epochs } = epochsToPublish(p, whose, now)
        expect(slotsToRead(known, phase, now + skew).some((slot) => epochs.includes(slot.epoch))).toBe(true)
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  test('what the owner publishes changes when it said, and the change tells the phase to an hour only', () => {
    const leads = new Set<number>()
    for (let day = 0; day < 40; day++) {
      const begin = beginOf(today + day, audience.phase)
      const at = (now: number) => epochsToPublish(p, audience, now)
      expect(at(begin).epochs).toEqual([today + day, today + day - 1])
      expect(at(begin).until).toBe(begin + HOUR)
      const { epochs, until } = at(begin + HOUR)
      expect(epochs).toEqual([today + day])
      expect(at(until - 1).epochs).toEqual(epochs)
      expect(at(until)).toEqual({ epochs: [today + day, today + day + 1], until: begin + DAY })
      const lead = begin + DAY - until
      expect(lead).toBeLessThan(HOUR)
      leads.add(Math.floor(lead / (HOUR / 4)))
    }
    expect(leads.size).toBe(4)
  })

  test('phases are drawn from the whole day', () => {
    const phases = Array.from({ length: 200 }, () => createAudience(random).phase)
    expect(new Set(phases.map((phase) => Math.floor(phase / 3600))).size).toBe(24)
    expect(Math.max(...phases)).toBeLessThan(86_400)
  })
})

describe('names', () => {
  const grant = grantedBy(audience)
  const epochs = (known: readonly KnownSlot[]) => known.map(({ epoch }) => epoch - today)

  test('thirty are granted, and the grant comes back as it was', () => {
    expect(decodeGrant(encodeGrant(grant))).toEqual(grant)
    expect(grant).toMatchObject({ phase: audience.phase, firstEpoch: today, readKey: key })
    expect(grant.names.map(hex)).toEqual(
      Array.from({ length: SLOTS_GRANTED }, (_, at) => hex(slotKeys(p, secret, today + at).name)),
    )
  })

  test('a grant holds no secret: nothing in it signs for a slot', () => {
    const bytes = encodeGrant(grant)
    const seeds = Array.from({ length: SLOTS_GRANTED }, (_, at) => slotKeys(p, secret, today + at).seed)
    for (const each of [secret, ...seeds]) expect(hex(bytes).includes(hex(each))).toBe(false)
  })

  test.each<[string, Plain]>([
    ['29 names', [key, 0, 1, random(928)]],
    ['31 names', [key, 0, 1, random(992)]],
    ['a phase of a whole day', [key, 86_400, 1, random(960)]],
    ['an epoch before the first', [key, 0, -1, random(960)]],
    ['an epoch beyond the last', [key, 0, 1_000_001, random(960)]],
    ['a key of 31 bytes', [key.subarray(1), 0, 1, random(960)]],
    ['one field more', [key, 0, 1, random(960), 0]],
  ])('a grant with %s is refused', (_, plain) => {
    expect(decodeGrant(encode(plain))).toBeUndefined()
  })

  test('a grant of our own that is none throws', () => {
    expect(() => encodeGrant({ ...grant, phase: -1 })).toThrow(RangeError)
    expect(() => encodeGrant({ ...grant, names: grant.names.slice(1) })).toThrow(RangeError)
  })

  test('each record carries on where the grant ends, so that who reads once in two weeks never loses the owner', () => {
    let known = learnSlots([], grant.firstEpoch, grant.names)
    for (let day = 0; day < 400; day += 13) {
      const now = NOW + day * DAY
      const [slot] = slotsToRead(known, audience.phase, now)
      const opened = slot && openRecord(p, key, slot.name, seal(slot.epoch, 1, now).value)
      expect(opened, `day ${day}`).toBeDefined()
      if (slot && opened) known = learnSlots(known, slot.epoch + 1, opened.names)
    }
    expect(known.length).toBeLessThanOrEqual(SLOTS_KNOWN)
  })

  test('are bounded, ordered, of one for each epoch, and one that is known stays, whatever is told', () => {
    const told = fc.record({
      first: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 1_000_000 })),
      count: fc.integer({ min: 0, max: SLOTS_GRANTED }),
    })
    fc.assert(
      fc.property(fc.array(told, { maxLength: 12 }), (tellings) => {
        let known: readonly KnownSlot[] = []
        for (const { first, count } of tellings) {
          const before = known
          known = learnSlots(
            known,
            first,
            Array.from({ length: count }, () => random(32)),
          )
          expect(known.length).toBeLessThanOrEqual(SLOTS_KNOWN)
          expect(known.map(({ epoch }) => epoch)).toEqual(
            [...new Set(known.map(({ epoch }) => epoch))].sort((a, b) => a - b),
          )
          for (const slot of known) {
            const stood = before.find(({ epoch }) => epoch === slot.epoch)
            if (stood !== undefined) expect(slot).toEqual(stood)
          }
          if (before.length + count <= SLOTS_KNOWN)
            expect(before.every(({ epoch }) => known.some((slot) => slot.epoch === epoch))).toBe(true)
          const last = first + count - 1
          if (count > 0 && last <= 1_000_000) expect(known.some(({ epoch }) => epoch === last)).toBe(true)
        }
      }),
      { seed: SEED, numRuns: 100 },
    )
  })

  test('an owner whose clock was years ahead for a day is found again', () => {
    let known = learnSlots([], grant.firstEpoch, grant.names)
    for (const now of [NOW + 70 * 365 * DAY, NOW + 71 * 365 * DAY, NOW + DAY]) {
      const next = grantedBy(audience, now)
      known = learnSlots(known, next.firstEpoch, next.names)
    }
    expect(epochs(slotsToRead(known, audience.phase, NOW + DAY))).toContain(1)
    expect(epochs(known)).toEqual(expect.arrayContaining(Array.from({ length: SLOTS_GRANTED }, (_, at) => 1 + at)))
  })
})
