/**
 * Files of mail and of invites: what a file brings, and what is left of one that was damaged.
 */
import { describe, expect, test } from 'vitest'
import {
  decodeInviteFile,
  decodeMailFile,
  encodeInvite,
  encodeInviteFile,
  encodeMailFile,
  sealEnvelope,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { invited, kept } from './mail.ts'
import { NOW, person } from './people.ts'
import { hex, seeded, seedOfRun } from './seeded.ts'

const random = seeded(seedOfRun(20261103))
const [alice, carol] = [person(random, p), person(random, p)]
const envelope = (length: number) =>
  sealEnvelope(p, random, random(32), { box: random(16), life: 30, token: random(16) }, [random(length)])

describe('a file of mail', () => {
  test.each([0, 1, 7])('brings %i envelopes', (count) => {
    const envelopes = Array.from({ length: count }, (_, at) => envelope(1 + 900 * at))
    const read = decodeMailFile(p, encodeMailFile(p, envelopes))
    expect(read?.whole).toBe(true)
    expect(read?.envelopes.map(hex)).toEqual(envelopes.map(hex))
  })
})

describe('a file of an invite', () => {
  const link = encodeInvite({
    account: alice.account.key,
    logHead: alice.log.head.subarray(0, 16),
    secret: random(32),
    oneTimeKey: null,
    bundleHash: alice.bundle.hash.subarray(0, 16),
    expiresAt: NOW,
    addresses: ['/ip4/192.168.1.7/tcp/4001'],
  })
  const mail = [invited(kept(random, carol), 30), invited(kept(random, carol), 1)]

  test('brings the link, the bundle and the boxes', () => {
    for (const file of [
      { link, bundle: alice.bundle.bytes, mail },
      { link, bundle: null, mail: [] },
      { link, bundle: null, mail },
      { link, bundle: alice.bundle.bytes, mail: [] },
    ])
      expect(decodeInviteFile(encodeInviteFile(file))).toEqual(file)
  })
})
