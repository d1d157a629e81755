import { expect, test } from 'vitest'
import { DhtRecords, type RecordLimits } from '../../../src/node/net/dht/records.ts'
import { nodejs } from '../../../src/node/platform/nodejs-primitives.ts'
import { type Owner, owner, recordOf } from './dht-world.ts'
import { random } from './world.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 10, 22)

function world(limits: Partial<RecordLimits> = {}) {
  const clock = { now: START }
  const all = { records: 1000, recordBytes: 10_000_000, recordsOfPrefix: 100, recordLifeMs: 48 * HOUR, ...limits }
  const records = new DhtRecords(nodejs, all, () => clock.now)
  const put = (slot: Owner, prefix: string, seq = 1, made = clock.now): boolean => {
    const { kind, name, value } = recordOf(slot, seq, made)
    return records.put(kind, name, value, prefix)
  }
  const has = ({ kind, keys }: Owner): boolean => records.get(kind, keys.name) !== undefined
  return { clock, records, put, has }
}

const owners = (count: number): Owner[] => Array.from({ length: count }, () => owner())

test('a newer record takes the place of an older one, and never the other way', () => {
  const { records, put } = world()
  const slot = owner()
  const newer = recordOf(slot, 5, START)
  expect(put(slot, 'a', 4)).toBe(true)
  expect(records.put('rv1', newer.name, newer.value, 'b')).toBe(true)
  expect(put(slot, 'a', 4)).toBe(false)
  expect(put(slot, 'a', 1)).toBe(false)
  expect(records.get('rv1', newer.name)).toEqual(newer.value)
  expect([records.count, records.bytes]).toEqual([1, 1024])
})

test('what is no record of that slot is not kept', () => {
  const { records } = world()
  const { name, value } = recordOf(owner(), 1, START)
  const spoiled = value.slice()
  spoiled[500]! ^= 1
  expect(records.put('rv1', name, spoiled, 'a')).toBe(false)
  expect(records.put('rv1', random(32), value, 'a')).toBe(false)
  expect(records.put('iv1', name, value, 'a')).toBe(false)
  expect(records.put('rv1', name, new Uint8Array(), 'a')).toBe(false)
  expect(records.put('rv1', name, random(100_000), 'a')).toBe(false)
  expect(records.count).toBe(0)
})

test('a record ends when it says so, and 48 hours after it was put for the last time', () => {
  const { clock, put, has } = world({ recordLifeMs: 10 * HOUR })
  const [once, again] = [owner(), owner()]
  put(once, 'a')
  put(again, 'a')
  clock.now += 9 * HOUR
  expect(put(again, 'a', 2)).toBe(true)
  clock.now += 2 * HOUR
  expect([has(once), has(again)]).toEqual([false, true])
  const old = world()
  const slot = owner()
  expect(old.put(slot, 'a', 1, START - 47 * HOUR)).toBe(true)
  old.clock.now += 2 * HOUR
  expect(old.has(slot)).toBe(false)
})

test('one prefix has its share, and who is there stays', () => {
  const { records, put, has, clock } = world({ recordsOfPrefix: 10 })
  const first = owners(10)
  for (const slot of first) expect(put(slot, 'a')).toBe(true)
  clock.now += HOUR
  for (const slot of owners(50)) expect(put(slot, 'a')).toBe(false)
  expect(put(owner(), 'b')).toBe(true)
  expect(first.every(has)).toBe(true)
  expect(records.count).toBe(11)
})

test('a place is free again when a record of the prefix has ended', () => {
  const { clock, put } = world({ recordsOfPrefix: 2, recordLifeMs: HOUR })
  put(owner(), 'a')
  put(owner(), 'a')
  expect(put(owner(), 'a')).toBe(false)
  clock.now += 2 * HOUR
  expect(put(owner(), 'a')).toBe(true)
})

test('a flood from a hundred prefixes pushes out none of who has fewer, and stays within count and bytes', () => {
  const { records, put, has, clock } = world({ records: 1000, recordBytes: 900 * 1024, recordsOfPrefix: 100 })
  const honest = owners(5)
  for (const slot of honest) put(slot, 'honest')
  clock.now += HOUR
  for (let i = 0; i < 1500; i++) put(owner(), `sybil ${i % 100}`)
  expect(honest.every(has)).toBe(true)
  expect(records.count).toBe(900)
  expect(records.bytes).toBe(900 * 1024)
  // And who comes late finds a place, too.
  const late = owners(5)
  for (const slot of late) expect(put(slot, 'late')).toBe(true)
  expect(late.every(has)).toBe(true)
  expect(records.count).toBe(900)
})

test('what a flood from more prefixes than that does: said in the file, and so it is', () => {
  const { put, has, clock } = world({ records: 50, recordsOfPrefix: 10 })
  const honest = owners(5)
  for (const slot of honest) put(slot, 'honest')
  clock.now += HOUR
  for (let i = 0; i < 500; i++) put(owner(), `sybil ${i}`)
  // 49 prefixes with one record each leave an honest one with five no more than one.
  expect(honest.filter(has)).toHaveLength(1)
})

test('a copy takes nothing over: a record is charged to the prefix that has fewer', () => {
  const { records, put, has } = world({ records: 20, recordsOfPrefix: 15 })
  const slot = owner()
  // The first to end, and so the first to go where it is charged to who has most.
  const { kind, name, value } = recordOf(slot, 1, START - 10 * HOUR)
  for (const one of owners(10)) put(one, 'sybil')
  expect(records.put(kind, name, value, 'sybil')).toBe(true)
  expect(records.put(kind, name, value, 'honest')).toBe(true)
  expect(records.put(kind, name, value, 'sybil')).toBe(true)
  for (const [i, one] of owners(60).entries()) put(one, `other ${i % 4}`)
  expect(has(slot)).toBe(true)
})
