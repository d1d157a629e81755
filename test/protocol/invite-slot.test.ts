/**
 * Invites in the DHT: every bundle that we may hand out fits with ten addresses, and only the link opens the slot.
 */
import { describe, expect, test } from 'vitest'
import {
  appendDevice,
  checkRecord,
  createBundle,
  decodeBundle,
  deviceKeys,
  encodeShortGrant,
  type InviteBox,
  inviteSlot,
  openInviteRecord,
  openSlot,
  sealInviteRecord,
  sealSlot,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { derive } from '../../src/protocol/crypto/hkdf.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { BUNDLE_BYTES, DEVICE_LOG_ENTRIES, INVITE_RECORD_BYTES } from '../../src/protocol/limits.ts'
import type { Plain } from '../../src/protocol/wire/codec.ts'
import { encode } from '../../src/protocol/wire/codec.ts'
import { IDENTITY, invited, kept } from './mail.ts'
import { NOW, person, secrets } from './people.ts'
import { hex, seeded } from './seeded.ts'

const random = seeded(9)
const alice = person(random, p)
const secret = random(32)
/** Ten IPv6 addresses with /ws: the longest that need no relay and no certificate. */
const addresses = Array.from({ length: 10 }, () => random(22))
const version = { seq: 1, nowMs: NOW }
const sealed = (bundle: Uint8Array, told = addresses, boxes: readonly InviteBox[] = []) =>
  sealInviteRecord(p, random, secret, version, { bundle, addresses: told, boxes })
const someBox = invited(kept(random, alice), 2)
const plainBox: readonly Plain[] = [someBox.box, someBox.carrierKey, someBox.tag, encodeShortGrant(someBox.grant)]

describe('the record of an invite', () => {
  test('brings the bundle and the addresses to whoever has the link', () => {
    const { kind, name, value } = sealed(alice.bundle.bytes)
    expect([kind, hex(name), value.length]).toEqual(['iv1', hex(inviteSlot(p, secret).name), INVITE_RECORD_BYTES])
    expect(checkRecord(p, 'iv1', name, value, NOW)?.seq).toBe(1)
    const opened = openInviteRecord(p, secret, value)
    expect(opened).toEqual({ seq: 1, bundle: alice.bundle.bytes, addresses, boxes: [] })
    expect(decodeBundle(p, opened!.bundle)?.hash).toEqual(alice.bundle.hash)
  })

  test('has room for the bundle of a device log that is full, and for the largest that a reader would take, with ten addresses', () => {
    let log = alice.log
    while (log.entries < DEVICE_LOG_ENTRIES)
      log = appendDevice(p, alice.account, log, deviceKeys(p, secrets(random)), NOW)
    const full = createBundle(p, random, { log, device: alice.device, createdAt: NOW }).bundle.bytes
    for (const bundle of [full, random(BUNDLE_BYTES)])
      expect(openInviteRecord(p, secret, sealed(bundle).value)).toEqual({ seq: 1, bundle, addresses, boxes: [] })
  })

  test('leaves out addresses that have no room, are too many, too long or empty', () => {
    const relayed = Array.from({ length: 12 }, () => random(67))
    const kept = (bundle: Uint8Array, told: Uint8Array[]) =>
      openInviteRecord(p, secret, sealed(bundle, told).value)?.addresses
    expect(kept(alice.bundle.bytes, relayed)).toEqual(relayed.slice(0, 10))
    const short = random(9)
    expect(kept(random(BUNDLE_BYTES), [...relayed, short])).toEqual([...relayed.slice(0, 4), short])
    expect(kept(alice.bundle.bytes, [new Uint8Array(0), random(129), relayed[0]!])).toEqual([relayed[0]])
  })

  test('brings two boxes with 30 names beside the bundle of one device and ten relayed addresses', () => {
    const relayed = Array.from({ length: 10 }, () => random(67))
    const boxes = [invited(kept(random, alice), 30), invited(kept(random, alice), 30)]
    const { value } = sealed(alice.bundle.bytes, relayed, boxes)
    expect(openInviteRecord(p, secret, value)).toEqual({
      seq: 1,
      bundle: alice.bundle.bytes,
      addresses: relayed,
      boxes,
    })
  })

  test('is nothing to another link, in another slot or under another key', () => {
    const { value } = sealed(alice.bundle.bytes)
    expect(openInviteRecord(p, random(32), value)).toBeUndefined()
    const keys = inviteSlot(p, secret)
    const elsewhere = sealSlot(p, random, 'iv1', keys, random(32), version, encode([alice.bundle.bytes, []]))
    expect(openInviteRecord(p, secret, elsewhere.value)).toBeUndefined()
    const open = (readWith: Uint8Array) => openSlot(p, 'iv1', readWith, keys.name, value)
    for (const other of [random(32), new Uint8Array(32), secret, keys.seed]) expect(open(other)).toBeUndefined()
    expect(open(derive(p, secret, LABELS.inviteSlotKey, 32))).toBeDefined()
    expect(hex(inviteSlot(p, random(32)).name)).not.toBe(hex(keys.name))
  })

  test('leaves out the second box, then the first, where the bundle is long; a later one that fits is taken', () => {
    const boxes = [invited(kept(random, alice), 30), invited(kept(random, alice), 30)]
    const told = (length: number, each = boxes) =>
      openInviteRecord(p, secret, sealed(random(length), addresses, each).value)?.boxes
    expect([told(3000), told(4500), told(BUNDLE_BYTES)]).toEqual([boxes, boxes.slice(0, 1), []])
    const few = invited(kept(random, alice), 1)
    expect(told(5700, [boxes[0]!, few])).toEqual([few])
  })

  test('without boxes is the record that it was before there were any', () => {
    const twice = (boxes: readonly InviteBox[]) =>
      sealInviteRecord(p, seeded(3), secret, version, { bundle: alice.bundle.bytes, addresses, boxes }).value
    const keys = inviteSlot(p, secret)
    const plain = encode([alice.bundle.bytes, addresses])
    const before = sealSlot(p, seeded(3), 'iv1', keys, derive(p, secret, LABELS.inviteSlotKey, 32), version, plain)
    expect(hex(twice([]))).toBe(hex(before.value))
    expect(hex(twice([invited(kept(random, alice), 1)]))).not.toBe(hex(before.value))
  })

  test('boxes that are none are our own mistake', () => {
    const [one] = [invited(kept(random, alice), 3)]
    for (const bad of [
      [one, one],
      [one, invited(kept(random, alice), 3), invited(kept(random, alice), 3)],
      [{ ...one, tag: random(15) }],
      [{ ...one, carrierKey: new Uint8Array(32) }],
      [invited(kept(random, alice), 0)],
    ])
      expect(() => sealed(alice.bundle.bytes, addresses, bad)).toThrow(RangeError)
  })

  test('a size that no bundle has is our own mistake', () => {
    expect(() => sealed(new Uint8Array(0))).toThrow(RangeError)
    expect(() => sealed(new Uint8Array(BUNDLE_BYTES + 1))).toThrow(RangeError)
  })

  test.each<[string, Plain]>([
    ['eleven addresses', [random(9), Array.from({ length: 11 }, () => random(8))]],
    ['an address of 129 bytes', [random(9), [random(129)]]],
    ['an empty address', [random(9), [new Uint8Array(0)]]],
    ['no bundle', [new Uint8Array(0), []]],
    ['a bundle beyond 6 KiB', [random(BUNDLE_BYTES + 1), []]],
    ['one field more', [random(9), [], 0]],
    ['a list of no boxes', [random(9), [], []]],
    ['boxes that are none', [random(9), [], [random(9)]]],
    ['two fields more', [random(9), [], [plainBox], 0]],
    ['a box twice', [random(9), [], [plainBox, plainBox]]],
    [
      'three boxes',
      [random(9), [], [plainBox, [random(16), ...plainBox.slice(1)], [random(16), ...plainBox.slice(1)]]],
    ],
    ['a carrier key that fits every proof', [random(9), [], [[random(16), IDENTITY, ...plainBox.slice(2)]]]],
    ['no list', 1],
  ])('%s is refused, from whoever has the link', (_, content) => {
    const recordKey = derive(p, secret, LABELS.inviteSlotKey, 32)
    const { value } = sealSlot(p, random, 'iv1', inviteSlot(p, secret), recordKey, version, encode(content))
    expect(openInviteRecord(p, secret, value)).toBeUndefined()
  })
})
