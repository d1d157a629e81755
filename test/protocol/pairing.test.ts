/**
 * Nearby pairing: honest exchanges agree, and each attack of the design is refused.
 */
import { describe, expect, test } from 'vitest'
import type { Compared, PairingEnds, Random } from '../../src/protocol/index.ts'
import {
  acceptPairing,
  answerPairing,
  beginPairing,
  concat,
  confirmPairing,
  deviceIdBytes,
  finishPairing,
  noble,
  openPairing,
  pairingRole,
  utf8,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { seal } from '../../src/protocol/crypto/aead.ts'
import { hkdf } from '../../src/protocol/crypto/hkdf.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { encode } from '../../src/protocol/wire/codec.ts'
import { person } from './people.ts'
import { seeded } from './seeded.ts'

const random = seeded(8)
const alice = person(random, p)
const bob = person(random, p)
const mallory = person(random, p)
const ends: PairingEnds = { local: utf8('peer-a'), remote: utf8('peer-b') }
const turned: PairingEnds = { local: ends.remote, remote: ends.local }
const empty = new Uint8Array(0)

/** A whole honest exchange up to the digits. */
function meet(draw: Random = random): { a: Compared; b: Compared } {
  const begun = beginPairing(p, draw, ends, 'Alice')
  const answered = answerPairing(p, draw, turned, 'Bob', begun.send)!
  const opened = openPairing(p, begun.state, answered.send)!
  return { a: opened.state, b: finishPairing(p, answered.state, opened.send)! }
}

const cardOfAlice = { log: alice.log, device: alice.device, bundle: empty, addresses: ['/ip4/10.0.0.1/tcp/1'] }
const cardOfBob = {
  log: bob.log,
  device: bob.device,
  bundle: bob.bundle.bytes,
  addresses: ['/ip4/10.0.0.2/tcp/2', '/dns4/bad/tcp/1'],
}

test('both see the same digits and the name that the other claims; cards tell who they are', () => {
  const { a, b } = meet()
  expect(a.digits).toMatch(/^\d{6}$/)
  expect(b.digits).toBe(a.digits)
  expect(b.secret).toEqual(a.secret)
  expect([a.claimedName, b.claimedName]).toEqual(['Bob', 'Alice'])
  const fromAlice = acceptPairing(p, b, confirmPairing(p, random, a, cardOfAlice))
  expect(fromAlice).toEqual({
    account: alice.account.key,
    log: alice.log,
    bundle: empty,
    addresses: cardOfAlice.addresses,
  })
  const fromBob = acceptPairing(p, a, confirmPairing(p, random, b, cardOfBob))
  expect(fromBob).toEqual({
    account: bob.account.key,
    log: bob.log,
    bundle: bob.bundle.bytes,
    addresses: ['/ip4/10.0.0.2/tcp/2'],
  })
})

test('a browser and a desktop agree', () => {
  const begun = beginPairing(noble, random, ends, 'Alice')
  const answered = answerPairing(p, random, turned, 'Bob', begun.send)!
  const opened = openPairing(noble, begun.state, answered.send)!
  expect(finishPairing(p, answered.state, opened.send)?.digits).toBe(opened.state.digits)
})

test('digits and secrets differ from one exchange to the next, and the digits use their whole range', () => {
  const draw = seeded(99)
  const met = Array.from({ length: 60 }, () => meet(draw).a)
  expect(new Set(met.map(({ secret }) => secret.join())).size).toBe(60)
  expect(new Set(met.map(({ digits }) => digits[0])).size).toBeGreaterThan(7)
  expect(new Set(met.map(({ digits }) => digits)).size).toBeGreaterThan(58)
})

test('the lower PeerID begins, whoever dialed', () => {
  expect([pairingRole(ends), pairingRole(turned)]).toEqual(['A', 'B'])
  expect(() => pairingRole({ local: ends.local, remote: ends.local })).toThrow(RangeError)
  expect(() => beginPairing(p, random, turned, 'Bob')).toThrow(RangeError)
  expect(() => answerPairing(p, random, ends, 'Alice', random(32))).toThrow(RangeError)
})

describe('attacks', () => {
  test('trial keys: an offer other than the committed one is refused, even if its digits would fit', () => {
    const begun = beginPairing(p, random, ends, 'Mallory')
    const answered = answerPairing(p, random, turned, 'Bob', begun.send)!
    const honest = openPairing(p, begun.state, answered.send)!
    expect(finishPairing(p, answered.state, honest.send)).toBeDefined()
    // Knowing Bob's offer, Mallory tries fresh keys until the digits are those she wants. No one of them is taken.
    for (let trial = 0; trial < 200; trial++) {
      const other = beginPairing(p, random, ends, 'Mallory')
      const opened = openPairing(p, other.state, answered.send)!
      expect(finishPairing(p, answered.state, opened.send)).toBeUndefined()
    }
  })

  test('one in the middle gets other digits on each side, and other secrets', () => {
    const middle = { left: utf8('peer-m1'), right: utf8('peer-a0') }
    const draw = seeded(77)
    let equalDigits = 0
    for (let round = 0; round < 100; round++) {
      const toAlice = { local: middle.left, remote: ends.local }
      const toBob = { local: middle.right, remote: ends.remote }
      const begun = beginPairing(p, draw, { local: ends.local, remote: middle.left }, 'Alice')
      const faked = answerPairing(p, draw, toAlice, 'Bob', begun.send)!
      const opened = openPairing(p, begun.state, faked.send)!
      const begunM = beginPairing(p, draw, toBob, 'Alice')
      const answered = answerPairing(p, draw, { local: ends.remote, remote: middle.right }, 'Bob', begunM.send)!
      const openedM = openPairing(p, begunM.state, answered.send)!
      const seenByBob = finishPairing(p, answered.state, openedM.send)!
      if (opened.state.digits === seenByBob.digits) equalDigits++
      expect(opened.state.secret).not.toEqual(seenByBob.secret)
    }
    expect(equalDigits).toBe(0)
  })

  test('passing the very same messages on between other PeerIDs changes the digits', () => {
    const begun = beginPairing(p, random, ends, 'Alice')
    const elsewhere = { local: ends.remote, remote: utf8('peer-0') }
    const answered = answerPairing(p, random, elsewhere, 'Bob', begun.send)!
    const opened = openPairing(p, begun.state, answered.send)!
    const finished = finishPairing(p, answered.state, opened.send)!
    expect(finished.secret).not.toEqual(opened.state.secret)
  })

  test('a low-order ephemeral key ends the exchange', () => {
    const begun = beginPairing(p, random, ends, 'Alice')
    expect(openPairing(p, begun.state, encode([random(32), new Uint8Array(32), 'Bob']))).toBeUndefined()
  })

  test('a card played back, into another exchange, or by who was not compared with, is refused', () => {
    const { a, b } = meet()
    const other = meet()
    const card = confirmPairing(p, random, b, cardOfBob)
    expect(acceptPairing(p, a, card)).toBeDefined()
    expect(acceptPairing(p, b, card)).toBeUndefined()
    expect(acceptPairing(p, other.a, card)).toBeUndefined()
  })

  test("somebody else's account cannot be given away as one's own", () => {
    const { a, b } = meet()
    const stolen = { log: alice.log, device: mallory.device, bundle: alice.bundle.bytes, addresses: [] }
    expect(acceptPairing(p, a, confirmPairing(p, random, b, stolen))).toBeUndefined()
    const foreignBundle = { ...cardOfBob, bundle: alice.bundle.bytes }
    expect(acceptPairing(p, a, confirmPairing(p, random, b, foreignBundle))).toBeUndefined()
  })

  test("a card that names somebody else's device is refused unless that device signed it", () => {
    const { a, b } = meet()
    const role = Uint8Array.of(2)
    const body = encode([alice.account.key, alice.log.bytes, deviceIdBytes(alice.keys.id), alice.bundle.bytes, []])
    const signedBy = (seed: Uint8Array) => {
      const signature = p.sign(seed, concat(LABELS.pairingSignature, role, b.transcript, body))
      const key = hkdf(p, b.transcript, b.key, concat(LABELS.pairingCardKey, role), 32)
      return seal(p, random, key, LABELS.pairingCard, encode([body, signature]), b.transcript)
    }
    expect(acceptPairing(p, a, signedBy(mallory.device.signingSeed))).toBeUndefined()
    expect(acceptPairing(p, a, signedBy(alice.device.signingSeed))?.account).toEqual(alice.account.key)
  })

  test('a name that deceives comes out clean', () => {
    const begun = beginPairing(p, random, ends, 'Alice')
    const { state } = openPairing(
      p,
      begun.state,
      encode([random(32), p.x25519PublicKey(random(32)), 'Bob\u202Etxt.exe\n']),
    )!
    expect(state.claimedName).toBe('Bobtxt.exe')
  })

  test('before the digits were compared nothing but a nonce, a key and the name is on the wire', () => {
    const begun = beginPairing(p, random, ends, 'Alice')
    const answered = answerPairing(p, random, turned, 'Bob', begun.send)!
    const { send } = openPairing(p, begun.state, answered.send)!
    expect([begun.send.length, answered.send.length, send.length]).toEqual([32, 73, 75])
  })
})

test('misuse throws', () => {
  const { a, b } = meet()
  const begun = beginPairing(p, random, ends, 'Alice')
  expect(() => confirmPairing(p, random, b, { ...cardOfBob, bundle: empty })).toThrow(RangeError)
  expect(() => confirmPairing(p, random, a, { ...cardOfAlice, bundle: bob.bundle.bytes })).toThrow(RangeError)
  expect(() => openPairing(p, a, begun.send)).toThrow(RangeError)
  expect(() => finishPairing(p, begun.state, begun.send)).toThrow(RangeError)
})
