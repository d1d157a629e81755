/**
 * Boxes: keys and tokens, who proves what to whom, and what contacts say to each other about them.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BOX_TOKENS,
  BOXES_OF_DEVICE,
  boxKey,
  boxToken,
  boxTranscript,
  carrierTag,
  checkBox,
  CONTENTS_BYTES,
  COUNTER_MOST,
  type Content,
  concat,
  createGrant,
  decodeContents,
  encodeContents,
  encodeGrant,
  encodeShortGrant,
  handBox,
  inviteBoxKey,
  inviteHandBox,
  inviteToken,
  noble,
  STORED_IDS,
  signBox,
  TOKEN_HASHES,
  tokenHash,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import type { Plain } from '../../src/protocol/wire/codec.ts'
import { encode, uint32 } from '../../src/protocol/wire/codec.ts'
import { granted, kept } from './mail.ts'
import { NOW, person } from './people.ts'
import { hex, seeded, seedOfRun } from './seeded.ts'

const SEED = seedOfRun(20261102)
const random = seeded(SEED)
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

test('any bytes are no proof, and nothing throws', () => {
  const any = fc.uint8Array({ maxLength: 100 })
  const of = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  fc.assert(
    fc.property(fc.oneof(any, of(32)), any, fc.oneof(any, of(64)), (key, transcript, signature) => {
      expect(checkBox(p, key, transcript, signature)).toBe(false)
      expect(checkBox(noble, key, transcript, signature)).toBe(false)
    }),
    { seed: SEED, numRuns: 200 },
  )
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

  const item = (...fields: Plain[]) => encode([fields])
  const grant = encodeGrant(carrier.grant)
  const shortGrant = encodeShortGrant({ ...carrier.grant, names: carrier.grant.names.slice(0, 29) })
  const joined = concat(...sorted)
  const key = carrier.carrierKey

  test('the control: the good form of what follows is taken', () => {
    for (const good of [
      item(13, 1, null),
      item(13, COUNTER_MOST, [secrets.box, ownerKey, joined]),
      item(13, 1, [secrets.box, ownerKey, concat(...ascending(TOKEN_HASHES))]),
      item(13, 1, [secrets.box, ownerKey, new Uint8Array(0)]),
      item(14, 1, secrets.box, 1),
      item(14, 1, secrets.box, 2),
      item(14, 1, secrets.box, [key, grant]),
      item(16, random(16 * STORED_IDS)),
    ])
      expect(decodeContents(good)).toHaveLength(1)
  })

  test.each<[string, Uint8Array]>([
    ['a request without a version', item(13, null)],
    ['a request of a version below 0', item(13, -1, null)],
    ['a version beyond its bound', item(13, COUNTER_MOST + 1, null)],
    ['a request with a field more', item(13, 1, null, 0)],
    ['a request with something more inside', item(13, 1, [secrets.box, ownerKey, joined, 0])],
    ['a request for a box of 15 bytes', item(13, 1, [random(15), ownerKey, joined])],
    ['a hash of 15 bytes', item(13, 1, [secrets.box, ownerKey, joined.subarray(1)])],
    ['too many hashes', item(13, 1, [secrets.box, ownerKey, concat(...ascending(TOKEN_HASHES + 1))])],
    ['a request that is off', item(13, 1, 2)],
    ['an answer of another number', item(14, 1, secrets.box, 3)],
    ['no answer', item(14, 1, secrets.box, null)],
    ['an answer without a grant', item(14, 1, secrets.box, [key])],
    ['an answer with a short grant', item(14, 1, secrets.box, [key, shortGrant])],
    ['an answer with half a grant', item(14, 1, secrets.box, [key, grant.subarray(0, 500)])],
    ['an answer for no box', item(14, 1, null, 1)],
    ['boxes that are none', item(15, 1, 7)],
    ['a box with a field less', item(15, 1, [[secrets.box, random(32), key, random(16), grant]])],
    ['ids of 15 bytes', item(16, random(15))],
    ['too many ids', item(16, random(16 * (STORED_IDS + 1)))],
    ['ids in a list', item(16, [random(16)])],
  ])('%s spoils the message', (_, encoded) => {
    expect(decodeContents(encoded)).toBeUndefined()
  })

  const request = { box: secrets.box, ownerKey, hashes }
  const [first] = [granted(box, alice.keys.id, 0, 1)]
  test.each<[string, Content]>([
    ['too many hashes', { kind: 'carry', version: 1, request: { ...request, hashes: ascending(TOKEN_HASHES + 1) } }],
    [
      'hashes of 8 and 24 bytes',
      { kind: 'carry', version: 1, request: { ...request, hashes: [random(8), random(24)] } },
    ],
    ['a key that is none', { kind: 'carry', version: 1, request: { ...request, ownerKey: random(31) } }],
    ['an answer for a box of 17 bytes', { kind: 'carrying', version: 1, box: random(17), answer: 'off' }],
    ['too many tokens', { kind: 'boxes', version: 1, boxes: [{ ...first, tokens: ascending(BOX_TOKENS + 1) }] }],
    ['tokens of 8 and 24 bytes', { kind: 'boxes', version: 1, boxes: [{ ...first, tokens: [random(8), random(24)] }] }],
    ['too many ids', { kind: 'stored', ids: ascending(STORED_IDS + 1) }],
    ['a version that is none', { kind: 'carry', version: 0.5, request: null }],
  ])('%s throws for the one who sends it', (_, content) => {
    expect(() => encodeContents([content])).toThrow(RangeError)
  })

  test('all that may be owed to one contact at once fits one message', () => {
    const boxes = Array.from({ length: BOXES_OF_DEVICE }, () =>
      granted(kept(random, bob), alice.keys.id, 0, BOX_TOKENS),
    )
    const most: readonly Content[] = [
      { kind: 'carry', version: COUNTER_MOST, request: { ...request, hashes: ascending(TOKEN_HASHES) } },
      { kind: 'carrying', version: COUNTER_MOST, box: secrets.box, answer: carrier },
      { kind: 'boxes', version: COUNTER_MOST, boxes },
      { kind: 'stored', ids: ascending(STORED_IDS) },
      { kind: 'grant', version: COUNTER_MOST, grant: carrier.grant },
    ]
    expect(encodeContents(most).length).toBeLessThanOrEqual(CONTENTS_BYTES)
    expect(encodeContents(most.slice(0, 1)).length).toBeGreaterThan(CONTENTS_BYTES / 2)
  })
})

/** So many different ones of 16 bytes, in ascending order. */
function ascending(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, at) => concat(uint32(at), new Uint8Array(12)))
}
