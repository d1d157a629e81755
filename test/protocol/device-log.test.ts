/**
 * The device log: what it takes, what it refuses, and how two of them compare.
 */
import { describe, expect, test } from 'vitest'
import type { AccountKey, DeviceLog } from '../../src/protocol/index.ts'
import {
  appendDevice,
  compareDeviceLogs,
  concat,
  createDeviceLog,
  decodeDeviceLog,
  deviceIdBytes,
  deviceKeys,
  equivocationProof,
  isEquivocation,
  recoverDevices,
  revokeDevice,
  rotateDevice,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { DEVICE_COUNT, DEVICE_LOG_ENTRIES } from '../../src/protocol/limits.ts'
import type { Plain } from '../../src/protocol/wire/codec.ts'
import { encode } from '../../src/protocol/wire/codec.ts'
import { NOW, person, secrets } from './people.ts'
import { seeded } from './seeded.ts'

const random = seeded(3)
const alice = person(random, p)
const mallory = person(random, p)
const fresh = () => deviceKeys(p, secrets(random))
const [laptop, phone, tablet] = [fresh(), fresh(), fresh()]
const ids = (log: DeviceLog | undefined) => log?.devices.map(({ id }) => id).sort()
const read = (bytes: Uint8Array, account: AccountKey = alice.account.key) => decodeDeviceLog(p, account, bytes)

const one = alice.log
const two = appendDevice(p, alice.account, one, laptop, NOW + 1)
const three = revokeDevice(p, alice.account, two, alice.keys.id, NOW + 2)
const four = rotateDevice(p, alice.account, three, laptop.id, phone, NOW + 3)

test('devices come, go and change; a reader sees the same as the writer', () => {
  expect(ids(one)).toEqual([alice.keys.id])
  expect(ids(two)).toEqual([alice.keys.id, laptop.id].sort())
  expect(ids(three)).toEqual([laptop.id])
  expect(ids(four)).toEqual([phone.id])
  for (const log of [one, two, three, four]) expect(read(log.bytes)).toEqual(log)
  expect(four.entries).toBe(4)
})

test('a newer log is newer, an older one older, whatever the times in it say', () => {
  const backwards = appendDevice(p, alice.account, one, laptop, 0)
  expect(compareDeviceLogs(one, one)).toBe('same')
  expect(compareDeviceLogs(one, four)).toBe('newer')
  expect(compareDeviceLogs(four, one)).toBe('older')
  expect(compareDeviceLogs(one, backwards)).toBe('newer')
  expect(() => compareDeviceLogs(one, mallory.log)).toThrow(RangeError)
})

test('two tongues fork, and the proof convinces anybody of that account and of no other', () => {
  const other = appendDevice(p, alice.account, one, tablet, NOW)
  expect(compareDeviceLogs(two, other)).toBe('fork')
  expect(compareDeviceLogs(other, four)).toBe('fork')
  const proof = equivocationProof(four, other)!
  expect(isEquivocation(p, alice.account.key, proof)).toBe(true)
  expect(isEquivocation(p, mallory.account.key, proof)).toBe(false)
  expect(equivocationProof(one, four)).toBeUndefined()
})

test('one entry twice, or two of different places, prove nothing', () => {
  const [first, second] = two.chain.map((entry): Plain => [entry.body, entry.signature])
  expect(isEquivocation(p, alice.account.key, encode([first!, first!]))).toBe(false)
  expect(isEquivocation(p, alice.account.key, encode([first!, second!]))).toBe(false)
  const [, recovery] = recoverDevices(p, alice.account, one, [tablet], NOW).chain
  expect(isEquivocation(p, alice.account.key, encode([second!, [recovery!.body, recovery!.signature]]))).toBe(false)
})

describe('recovery', () => {
  const recovered = recoverDevices(p, alice.account, one, [tablet], NOW)

  test('supersedes what was not in its past, on both sides', () => {
    expect(ids(recovered)).toEqual([tablet.id])
    expect(read(recovered.bytes)).toEqual(recovered)
    expect(compareDeviceLogs(four, recovered)).toBe('newer')
    expect(compareDeviceLogs(recovered, four)).toBe('older')
    expect(equivocationProof(four, recovered)).toBeUndefined()
  })

  test('two recoveries of one past fork', () => {
    expect(compareDeviceLogs(recovered, recoverDevices(p, alice.account, one, [phone], NOW))).toBe('fork')
  })

  test('a recovery on top of a recovery wins over a longer first', () => {
    const longer = appendDevice(p, alice.account, recovered, phone, NOW)
    const second = recoverDevices(p, alice.account, recovered, [laptop], NOW)
    expect(compareDeviceLogs(longer, second)).toBe('newer')
    expect(compareDeviceLogs(second, longer)).toBe('older')
  })

  test('may keep a live device, and brings back none that was revoked', () => {
    expect(ids(recoverDevices(p, alice.account, three, [laptop], NOW))).toEqual([laptop.id])
    expect(() => recoverDevices(p, alice.account, three, [alice.keys], NOW)).toThrow(RangeError)
  })
})

describe('refused of oneself, by a throw', () => {
  test.each<[string, () => unknown]>([
    ['a device that is live', () => appendDevice(p, alice.account, two, laptop, NOW)],
    ['a device that was revoked', () => appendDevice(p, alice.account, three, alice.keys, NOW)],
    ['to revoke the only device', () => revokeDevice(p, alice.account, one, alice.keys.id, NOW)],
    ['to revoke an unknown device', () => revokeDevice(p, alice.account, two, tablet.id, NOW)],
    ['to rotate into a used device', () => rotateDevice(p, alice.account, three, laptop.id, alice.keys, NOW)],
    ['a recovery without devices', () => recoverDevices(p, alice.account, one, [], NOW)],
    ['a time that is none', () => appendDevice(p, alice.account, one, laptop, -1)],
  ])('%s', (_, act) => {
    expect(act).toThrow(RangeError)
  })

  test(`more than ${DEVICE_COUNT} devices or ${DEVICE_LOG_ENTRIES} entries`, () => {
    let log = one
    for (let n = 1; n < DEVICE_COUNT; n++) log = appendDevice(p, alice.account, log, fresh(), NOW)
    expect(log.devices).toHaveLength(DEVICE_COUNT)
    expect(read(log.bytes)?.devices).toHaveLength(DEVICE_COUNT)
    expect(() => appendDevice(p, alice.account, log, fresh(), NOW)).toThrow(RangeError)
    expect(() => revokeDevice(p, alice.account, log, laptop.id, NOW)).toThrow(RangeError)
  })
})

describe('refused of a remote', () => {
  const signed = (body: Plain, seed = alice.account.seed): Plain => {
    const encoded = encode(body)
    return [encoded, p.sign(seed, concat(LABELS.deviceLogEntry, encoded))]
  }
  const [first] = two.chain.map((entry): Plain => [entry.body, entry.signature])
  const add = (generation: number, sequence: number, previous: Uint8Array, device = laptop): Plain => [
    generation,
    sequence,
    previous,
    NOW,
    1,
    device.signing,
    device.dh,
    0,
  ]
  const empty = new Uint8Array(0)
  const head = one.head

  test('the control: what the others get wrong, right', () => {
    expect(
      read(
        encode([
          signed(add(0, 0, empty)),
          signed(add(0, 1, p.sha256(concat(LABELS.deviceLogHead, encode(add(0, 0, empty)))), phone)),
        ]),
      )?.entries,
    ).toBe(2)
    expect(read(encode([first!, signed(add(0, 1, head))]))?.entries).toBe(2)
  })

  test.each<[string, readonly Plain[]]>([
    ['no entry', []],
    ['an entry signed by another account', [first!, signed(add(0, 1, head), mallory.account.seed)]],
    ['an entry signed by the device', [first!, signed(add(0, 1, head), alice.device.signingSeed)]],
    ['a sequence that skips', [first!, signed(add(0, 2, head))]],
    ['a sequence that repeats', [first!, signed(add(0, 0, head))]],
    ['a generation that nobody recovered', [first!, signed(add(1, 1, head))]],
    ['another past', [first!, signed(add(0, 1, random(32)))]],
    ['no past', [first!, signed(add(0, 1, empty))]],
    ['a beginning with a past', [signed(add(0, 0, head))]],
    ['a beginning in the middle', [signed(add(0, 1, head))]],
    ['a beginning by recovery', [signed([1, 0, empty, NOW, 4, [[laptop.signing, laptop.dh, 0]]])]],
    ['a recovery in the same generation', [first!, signed([0, 1, head, NOW, 4, [[laptop.signing, laptop.dh, 0]]])]],
    ['a recovery that skips a generation', [first!, signed([2, 1, head, NOW, 4, [[laptop.signing, laptop.dh, 0]]])]],
    ['the only device revoked', [first!, signed([0, 1, head, NOW, 2, deviceIdBytes(alice.keys.id)])]],
    ['a device of low order', [first!, signed([0, 1, head, NOW, 1, laptop.signing, new Uint8Array(32), 0])]],
    ['a signing key of small order', [first!, signed([0, 1, head, NOW, 1, new Uint8Array(32), laptop.dh, 0])]],
    ['the same device twice', [first!, signed(add(0, 1, head, alice.keys))]],
    ['an unknown kind', [first!, signed([0, 1, head, NOW, 9, laptop.signing, laptop.dh, 0])]],
    ['one field too many', [first!, signed([0, 1, head, NOW, 1, laptop.signing, laptop.dh, 0, 0])]],
    ['a negative time', [first!, signed([0, 1, head, -1, 1, laptop.signing, laptop.dh, 0])]],
    ['two entries exchanged', [signed(add(0, 1, head)), first!]],
  ])('%s', (_, entries) => {
    expect(read(encode(entries))).toBeUndefined()
  })

  test('a good log of another account', () => {
    expect(read(mallory.log.bytes)).toBeUndefined()
  })
})

test('a log made by hand is the one that the functions make', () => {
  expect(createDeviceLog(p, alice.account, alice.keys, NOW)).toEqual(one)
})
