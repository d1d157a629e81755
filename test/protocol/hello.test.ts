/**
 * Hello: contacts find each other, strangers learn nothing, and nothing can be played elsewhere.
 */
import { describe, expect, test } from 'vitest'
import {
  checkHelloProof,
  helloProof,
  helloTag,
  PROOF_BYTES,
  revokeDevice,
  appendDevice,
  utf8,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { person } from './people.ts'
import { hex, seeded } from './seeded.ts'

const random = seeded(6)
const alice = person(random, p)
const mallory = person(random, p)
const secret = random(32)
const nonces = random(64)
const [dialer, listener, third] = [utf8('peer-dialer'), utf8('peer-listener'), utf8('peer-third')]
const us = { secret, device: alice.device, deviceId: alice.keys.id }
const devices = alice.log.devices
const proof = helloProof(p, random, us, 'dialer', dialer, listener, nonces)

describe('tag', () => {
  test('both sides derive the same, and another for each day, role, end, order and secret', () => {
    const tag = helloTag(p, secret, 20_000, 'dialer', dialer, listener)
    expect(tag).toHaveLength(16)
    expect(helloTag(p, secret.slice(), 20_000, 'dialer', dialer, listener)).toEqual(tag)
    const others = [
      helloTag(p, secret, 20_001, 'dialer', dialer, listener),
      helloTag(p, secret, 20_000, 'listener', dialer, listener),
      helloTag(p, secret, 20_000, 'dialer', listener, dialer),
      helloTag(p, secret, 20_000, 'dialer', dialer, third),
      helloTag(p, random(32), 20_000, 'dialer', dialer, listener),
      helloTag(p, secret, 20_000, 'dialer', utf8('peer-dialerp'), utf8('eer-listener')),
    ].map(hex)
    expect(new Set([hex(tag), ...others]).size).toBe(7)
  })
})

describe('proof', () => {
  test('names the device, and has always one size', () => {
    expect(proof).toHaveLength(PROOF_BYTES)
    expect(checkHelloProof(p, secret, devices, 'dialer', dialer, listener, nonces, proof)).toBe(alice.keys.id)
  })

  test.each<[string, () => unknown]>([
    ['played to a third peer', () => checkHelloProof(p, secret, devices, 'dialer', dialer, third, nonces, proof)],
    ['played by a third peer', () => checkHelloProof(p, secret, devices, 'dialer', third, listener, nonces, proof)],
    [
      'reflected in the other role',
      () => checkHelloProof(p, secret, devices, 'listener', dialer, listener, nonces, proof),
    ],
    [
      'reflected with the ends exchanged',
      () => checkHelloProof(p, secret, devices, 'dialer', listener, dialer, nonces, proof),
    ],
    ['played again later', () => checkHelloProof(p, secret, devices, 'dialer', dialer, listener, random(64), proof)],
    ['under another secret', () => checkHelloProof(p, random(32), devices, 'dialer', dialer, listener, nonces, proof)],
    [
      'of a device that is not in the log',
      () => checkHelloProof(p, secret, mallory.log.devices, 'dialer', dialer, listener, nonces, proof),
    ],
    [
      'random bytes',
      () => checkHelloProof(p, secret, devices, 'dialer', dialer, listener, nonces, random(PROOF_BYTES)),
    ],
  ])('is refused: %s', (_, check) => {
    expect(check()).toBeUndefined()
  })

  test('a stolen contact secret alone impersonates nobody', () => {
    const forged = helloProof(
      p,
      random,
      { secret, device: mallory.device, deviceId: alice.keys.id },
      'dialer',
      dialer,
      listener,
      nonces,
    )
    expect(checkHelloProof(p, secret, devices, 'dialer', dialer, listener, nonces, forged)).toBeUndefined()
    const own = helloProof(
      p,
      random,
      { secret, device: mallory.device, deviceId: mallory.keys.id },
      'dialer',
      dialer,
      listener,
      nonces,
    )
    expect(checkHelloProof(p, secret, devices, 'dialer', dialer, listener, nonces, own)).toBeUndefined()
  })

  test('a revoked device is refused', () => {
    const log = revokeDevice(
      p,
      alice.account,
      appendDevice(p, alice.account, alice.log, mallory.keys, 0),
      alice.keys.id,
      0,
    )
    expect(checkHelloProof(p, secret, log.devices, 'dialer', dialer, listener, nonces, proof)).toBeUndefined()
  })

  test('two proofs of the same have no byte range in common that would show it', () => {
    const again = helloProof(p, random, us, 'dialer', dialer, listener, nonces)
    const shared = [...Array(PROOF_BYTES - 8).keys()].filter(
      (at) => hex(again.subarray(at, at + 8)) === hex(proof.subarray(at, at + 8)),
    )
    expect(shared).toEqual([])
  })
})
