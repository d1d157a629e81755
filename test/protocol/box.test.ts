/**
 * Boxes: keys and tokens, who proves what to whom, and what contacts say to each other about them.
 */
import { describe, expect, test } from 'vitest'
import {
  boxKey,
  boxToken,
  boxTranscript,
  carrierTag,
  checkBox,
  type Content,
  createGrant,
  decodeContents,
  encodeContents,
  handBox,
  inviteBoxKey,
  inviteHandBox,
  inviteToken,
  signBox,
  tokenHash,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { granted, kept } from './mail.ts'
import { NOW, person } from './people.ts'
import { hex, seeded, seedOfRun } from './seeded.ts'

const random = seeded(seedOfRun(20261102))
const [alice, bob, carol] = [person(random, p), person(random, p), person(random, p)]
const box = kept(random, carol)
const { secrets } = box
const visit = { box: secrets.box, nonces: { visitor: random(32), carrier: random(32) } }
const peers = { visitor: random(38), carrier: random(38) }

describe('what comes of the secrets', () => {
  test('is a key for each device, a token for each number, and a hash for each token', () => {
    const all = [
      boxKey(p, secrets.secret, alice.keys.id),
      boxKey(p, secrets.secret, bob.keys.id),
      boxToken(p, secrets.secret, 0),
      boxToken(p, secrets.secret, 1),
      tokenHash(p, boxToken(p, secrets.secret, 0)),
      inviteToken(p, secrets.secret, secrets.box, 0),
      inviteToken(p, secrets.secret, secrets.box, 3),
      inviteBoxKey(p, secrets.secret, secrets.box),
      carrierTag(p, secrets.box, carol.account.key),
      ...Object.values(handBox(p, secrets.secret, alice.keys.id, bob.keys.id)),
      ...Object.values(handBox(p, secrets.secret, bob.keys.id, alice.keys.id)),
      ...Object.values(inviteHandBox(p, secrets.secret)),
    ]
    expect(all.map(({ length }) => length)).toEqual([32, 32, 16, 16, 16, 16, 16, 32, 16, 16, 32, 16, 32, 16, 32])
    expect(new Set(all.map((each) => hex(each).slice(0, 32))).size).toBe(all.length)
  })

  test('numbers that are none are our own mistake', () => {
    for (const index of [-1, 0.5, 2 ** 32, Number.NaN])
      expect(() => boxToken(p, secrets.secret, index)).toThrow(RangeError)
    for (const index of [-1, 4, 0.5]) expect(() => inviteToken(p, random(32), secrets.box, index)).toThrow(RangeError)
  })
})

test('carrier and owner prove who they are', () => {
  const transcript = boxTranscript('carrier', 'leave', visit, peers)
  const signature = signBox(p, box.carrierSeed, transcript)
  expect(checkBox(p, box.carrierKey, transcript, signature)).toBe(true)
  expect(checkBox(p, p.ed25519PublicKey(secrets.ownerSeed), transcript, signature)).toBe(false)
})

describe('contents about mail', () => {
  const ownerKey = p.ed25519PublicKey(secrets.ownerSeed)
  const hashes = Array.from({ length: 9 }, (_, at) => tokenHash(p, boxToken(p, secrets.secret, at)))
  const sorted = hashes.toSorted((a, b) => Buffer.compare(a, b))
  const carrier = { carrierKey: box.carrierKey, grant: createGrant(p, box.audience, NOW) }
  const contents: readonly Content[] = [
    { kind: 'carry', version: 3, request: { box: secrets.box, ownerKey, hashes: sorted } },
    { kind: 'carry', version: 4, request: null },
    { kind: 'carrying', version: 3, box: secrets.box, answer: 'full' },
    { kind: 'carrying', version: 4, box: secrets.box, answer: 'off' },
    { kind: 'carrying', version: 5, box: secrets.box, answer: carrier },
    {
      kind: 'boxes',
      version: 6,
      boxes: [granted(box, alice.keys.id, 0, 5), granted(kept(random, bob), alice.keys.id, 0, 0)],
    },
    { kind: 'boxes', version: 7, boxes: [] },
    { kind: 'stored', ids: [random(16), random(16)] },
    { kind: 'stored', ids: [] },
  ]

  test('come back as they were; hashes in ascending order, in whatever order they were given', () => {
    expect(decodeContents(encodeContents(contents))).toEqual(contents)
    const shuffled: Content = { kind: 'carry', version: 3, request: { box: secrets.box, ownerKey, hashes } }
    expect(decodeContents(encodeContents([shuffled]))).toEqual(contents.slice(0, 1))
  })
})
