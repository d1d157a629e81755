/**
 * Every decoder of peer bytes: any bytes give a value or `undefined`, never a throw; what is accepted has one encoding.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  acceptPairing,
  answerPairing,
  appendDevice,
  beginPairing,
  checkHelloProof,
  checkRecord,
  createAudience,
  createGrant,
  confirmPairing,
  type Content,
  concat,
  decodeBundle,
  decodeContents,
  decodeDeviceLog,
  decodeGrant,
  decodeHelloAnswer,
  decodeHelloOpening,
  decodeHints,
  decodeInvite,
  decodeInviteFile,
  decodeMailPiece,
  decodeShortGrant,
  deviceKeys,
  dhtKey,
  encodeContents,
  encodeGrant,
  encodeHelloAnswer,
  encodeHelloOpening,
  encodeHints,
  encodeInvite,
  encodeInviteFile,
  encodeMailPiece,
  encodeShortGrant,
  entropyOf,
  equivocationProof,
  finishPairing,
  fromBase32,
  fromBase64Url,
  fromUtf8,
  helloProof,
  inviteSlot,
  type InviteSlotContent,
  isEquivocation,
  openEnvelope,
  openInviteRecord,
  openPairing,
  openRecord,
  padFrame,
  parseAccountId,
  parseAccountKey,
  parseDhtKey,
  phraseOf,
  readEnvelope,
  readKey,
  revokeDevice,
  sealEnvelope,
  sealInviteRecord,
  sealRecord,
  sealSlot,
  slotKeys,
  slotRoom,
  toBase32,
  toBase64Url,
  unpadFrame,
  utf8,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { open, seal } from '../../src/protocol/crypto/aead.ts'
import { derive } from '../../src/protocol/crypto/hkdf.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { bytes, decode, encode, integer, list, literal, nullable, text, tuple } from '../../src/protocol/wire/codec.ts'
import { granted, invited, kept } from './mail.ts'
import { mutate } from './mutation.ts'
import { NOW, person, secrets } from './people.ts'
import { hex, seeded, seedOfRun } from './seeded.ts'

const SEED = seedOfRun(20260101)
const random = seeded(SEED)
const alice = person(random, p)
const bob = person(random, p)
const invite = {
  account: alice.account.key,
  logHead: alice.log.head.subarray(0, 16),
  secret: random(32),
  oneTimeKey: alice.keys.dh,
  bundleHash: alice.bundle.hash.subarray(0, 16),
  expiresAt: NOW,
  addresses: ['/ip4/192.168.1.7/tcp/4001', '/ip6/fe80::1/tcp/4001/ws'],
}
const longLog = revokeDevice(
  p,
  alice.account,
  appendDevice(p, alice.account, alice.log, deviceKeys(p, secrets(random)), NOW),
  alice.keys.id,
  NOW,
)
const otherLog = appendDevice(p, alice.account, alice.log, deviceKeys(p, secrets(random)), NOW)
const contents: readonly Content[] = [
  { kind: 'text', counter: 7, lamport: 9, sentAt: NOW, text: 'grüße 🌍', replyTo: random(16) },
  { kind: 'text', counter: 1, lamport: 0, sentAt: 0, text: '', replyTo: null },
  {
    kind: 'receipt',
    received: [
      [1, 40],
      [42, 97],
    ],
    shown: [],
  },
  { kind: 'profile', version: 3, name: 'Alice' },
  { kind: 'addresses', version: 2, addresses: ['/ip4/10.0.0.1/tcp/9'] },
  { kind: 'secret', generation: 1, secret: random(32) },
  { kind: 'devices', log: alice.log.bytes },
  { kind: 'repair' },
  { kind: 'grant', version: 1, grant: createGrant(p, createAudience(random), 1_800_000_000_000) },
  { kind: 'differing', counters: [[96, 97]] },
  { kind: 'compare', from: 90, to: 99 },
  { kind: 'digests', from: 90, digests: [random(16), null, random(16)] },
]
const ends = { local: utf8('peer-a'), remote: utf8('peer-b') }
const turned = { local: ends.remote, remote: ends.local }
const begun = beginPairing(p, random, ends, 'Alice')
const answered = answerPairing(p, random, turned, 'Bob', begun.send)!
const opened = openPairing(p, begun.state, answered.send)!
const finished = finishPairing(p, answered.state, opened.send)!
const card = confirmPairing(p, random, finished, {
  log: bob.log,
  device: bob.device,
  bundle: bob.bundle.bytes,
  addresses: [],
})
const nonces = random(64)
const us = { secret: random(32), device: alice.device, deviceId: alice.keys.id }
const proof = helloProof(p, random, us, 'dialer', ends.local, ends.remote, nonces)
const sealed = seal(p, random, us.secret, utf8('label'), utf8('plaintext'), utf8('data'))
const audience = createAudience(random)
const slot = slotKeys(p, audience.secret, 20_000)
const readWith = readKey(p, audience.secret)
const version = { seq: 7, nowMs: NOW }
const where = { peerId: random(38), addresses: [random(8), random(67)], device: random(16), carrierHints: random(9) }
const rendezvous = sealRecord(p, random, audience.secret, 20_000, version, where).value
const inviteKeys = inviteSlot(p, invite.secret)
const inviteRecordKey = derive(p, invite.secret, LABELS.inviteSlotKey, 32)
const inviteContent = { bundle: alice.bundle.bytes, addresses: [random(8)], boxes: [] }
const inviteRecord = sealInviteRecord(p, random, invite.secret, version, inviteContent).value

/** What an owner without manners could seal: the record that holds just these bytes. */
const holding = (b: Uint8Array) =>
  b.length <= slotRoom('rv1') ? sealSlot(p, random, 'rv1', slot, readWith, version, b).value : b
const inviteHolding = (b: Uint8Array) =>
  b.length <= slotRoom('iv1') ? sealSlot(p, random, 'iv1', inviteKeys, inviteRecordKey, version, b).value : b

const box = kept(random, bob)
const mailKey = random(32)
const mailClear = concat(Uint8Array.of(1), random(16), Uint8Array.of(14), random(16))
/** What a sender without manners could seal: the envelope of 1024 bytes that holds these, and zeros. */
const enveloping = (b: Uint8Array) => {
  const plaintext = new Uint8Array(1024 - 34 - 72)
  plaintext.set(b.subarray(0, plaintext.length))
  return concat(mailClear, seal(p, random, mailKey, LABELS.envelope, plaintext, mailClear))
}
const mailHead = { box: box.secrets.box, life: 14, token: random(16) }
const envelopes = [90, 1300].map((length) => sealEnvelope(p, random, mailKey, mailHead, [random(length), random(9)]))
const carrier = { carrierKey: box.carrierKey, grant: createGrant(p, audience, NOW) }
const request = { box: random(16), ownerKey: box.carrierKey, hashes: [new Uint8Array(16), random(16)] }
const mailContents: readonly Content[] = [
  { kind: 'carry', version: 1, request },
  { kind: 'carry', version: 2, request: null },
  { kind: 'carrying', version: 1, box: random(16), answer: 'full' },
  { kind: 'carrying', version: 1, box: random(16), answer: 'off' },
  { kind: 'carrying', version: 1, box: random(16), answer: carrier },
  { kind: 'boxes', version: 1, boxes: [granted(box, alice.keys.id, 0, 3)] },
  { kind: 'stored', ids: [random(16), random(16)] },
]
const inviteFile = { link: encodeInvite(invite), bundle: random(50), mail: [invited(box, 1)] }

/** Every decoder with good bytes for it; `again` encodes an accepted value anew. */
const decoders: readonly {
  name: string
  good: Uint8Array
  run: (bytes: Uint8Array) => unknown
  again?: (value: never) => Uint8Array
}[] = [
  {
    name: 'device log',
    good: longLog.bytes,
    run: (b) => decodeDeviceLog(p, alice.account.key, b),
    again: (v: { bytes: Uint8Array }) => v.bytes,
  },
  {
    name: 'bundle',
    good: alice.bundle.bytes,
    run: (b) => decodeBundle(p, b),
    again: (v: { bytes: Uint8Array }) => v.bytes,
  },
  {
    name: 'equivocation',
    good: equivocationProof(longLog, otherLog)!,
    run: (b) => isEquivocation(p, alice.account.key, b) || undefined,
  },
  { name: 'invite', good: utf8(encodeInvite(invite)), run: (b) => decodeInvite(String.fromCharCode(...b)) },
  {
    name: 'invite bytes',
    good: fromBase64Url(encodeInvite(invite).slice(7))!,
    run: (b) => decodeInvite(`tulnic:${toBase64Url(b)}`),
    again: (v) => fromBase64Url(encodeInvite(v).slice(7))!,
  },
  { name: 'contents', good: encodeContents(contents), run: (b) => decodeContents(b) },
  { name: 'hints', good: encodeHints(invite.addresses, 92), run: decodeHints, again: (v) => encodeHints(v, 1000) },
  {
    name: 'hello opening',
    good: encodeHelloOpening({ day: 20_000, nonce: random(32), tags: Array.from({ length: 32 }, () => random(16)) }),
    run: decodeHelloOpening,
    again: encodeHelloOpening,
  },
  {
    name: 'hello answer',
    good: encodeHelloAnswer({ nonce: random(32), tag: random(16), proof }),
    run: decodeHelloAnswer,
    again: encodeHelloAnswer,
  },
  {
    name: 'hello proof',
    good: proof,
    run: (b) => checkHelloProof(p, us.secret, alice.log.devices, 'dialer', ends.local, ends.remote, nonces, b),
    again: () => proof,
  },
  { name: 'pairing commitment', good: begun.send, run: (b) => answerPairing(p, random, turned, 'Bob', b) },
  { name: 'pairing answer', good: answered.send, run: (b) => openPairing(p, begun.state, b) },
  {
    name: 'pairing opening',
    good: opened.send,
    run: (b) => finishPairing(p, answered.state, b),
    again: () => opened.send,
  },
  { name: 'pairing card', good: card, run: (b) => acceptPairing(p, opened.state, b), again: () => card },
  { name: 'padded frame', good: padFrame(random(700)), run: unpadFrame, again: padFrame },
  { name: 'sealed', good: sealed, run: (b) => open(p, us.secret, utf8('label'), b, utf8('data')), again: () => sealed },
  { name: 'account key', good: alice.account.key, run: parseAccountKey, again: (v) => v },
  {
    name: 'account id',
    good: utf8(toBase32(alice.account.key)),
    run: (b) => parseAccountId(String.fromCharCode(...b)),
    again: (v: string) => utf8(v),
  },
  { name: 'phrase', good: utf8(phraseOf(us.secret)), run: (b) => entropyOf(String.fromCharCode(...b)) },
  {
    name: 'base32',
    good: utf8(toBase32(random(33))),
    run: (b) => fromBase32(String.fromCharCode(...b)),
    again: (v) => utf8(toBase32(v)),
  },
  {
    name: 'base64url',
    good: utf8(toBase64Url(random(34))),
    run: (b) => fromBase64Url(String.fromCharCode(...b)),
    again: (v) => utf8(toBase64Url(v)),
  },
  {
    name: 'slot',
    good: dhtKey('iv1', slot.name),
    run: parseDhtKey,
    again: (v: { kind: 'iv1'; name: Uint8Array }) => dhtKey(v.kind, v.name),
  },
  {
    name: 'rendezvous record',
    good: rendezvous,
    run: (b) => openRecord(p, readWith, slot.name, b),
    again: () => rendezvous,
  },
  {
    name: 'rendezvous record in a server',
    good: rendezvous,
    run: (b) => checkRecord(p, 'rv1', slot.name, b, NOW),
    again: () => rendezvous,
  },
  {
    name: 'content of a rendezvous record',
    good: encode([where.peerId, where.addresses, where.device, where.carrierHints, random(14 * 32)]),
    run: (b) => openRecord(p, readWith, slot.name, holding(b)),
    again: (v: typeof where & { names: readonly Uint8Array[] }) =>
      encode([v.peerId, v.addresses, v.device, v.carrierHints, concat(...v.names)]),
  },
  {
    name: 'grant',
    good: encodeGrant(createGrant(p, audience, NOW)),
    run: decodeGrant,
    again: encodeGrant,
  },
  {
    name: 'invite record',
    good: inviteRecord,
    run: (b) => openInviteRecord(p, invite.secret, b),
    again: () => inviteRecord,
  },
  {
    name: 'content of an invite record',
    good: encode([inviteContent.bundle, inviteContent.addresses]),
    run: (b) => openInviteRecord(p, invite.secret, inviteHolding(b)),
    again: (v: typeof inviteContent) => encode([v.bundle, v.addresses]),
  },
  {
    name: 'content of an invite record, with boxes',
    good: encode([
      inviteContent.bundle,
      [],
      [[box.secrets.box, box.carrierKey, box.tag, encodeShortGrant(invited(box, 2).grant)]],
    ]),
    run: (b) => openInviteRecord(p, invite.secret, inviteHolding(b)),
    again: (v: InviteSlotContent) => {
      const boxes = v.boxes.map((each) => [each.box, each.carrierKey, each.tag, encodeShortGrant(each.grant)])
      return encode(boxes.length === 0 ? [v.bundle, v.addresses] : [v.bundle, v.addresses, boxes])
    },
  },
  {
    name: 'short grant',
    good: encodeShortGrant(invited(box, 2).grant),
    run: decodeShortGrant,
    again: encodeShortGrant,
  },
  { name: 'envelope in a carrier', good: envelopes[0]!, run: readEnvelope },
  { name: 'envelope', good: envelopes[1]!, run: (b) => openEnvelope(p, mailKey, b), again: () => envelopes[1]! },
  {
    name: 'content of an envelope',
    good: concat(Uint8Array.of(0, 2, 0, 0, 0, 1, 7, 0, 0, 0, 2, 8, 9), new Uint8Array(905)),
    run: (b) => openEnvelope(p, mailKey, enveloping(b)) && b,
  },
  {
    name: 'contents about mail',
    good: encodeContents(mailContents),
    run: (b) => {
      const read = decodeContents(b)
      // A kind that became an unknown one is skipped: what was read is then not all that was there.
      return read?.length === mailContents.length ? read : undefined
    },
    again: encodeContents,
  },
  {
    name: 'piece of a file of mail',
    good: encodeMailPiece(p, envelopes),
    run: (b) => {
      const read = decodeMailPiece(p, b)
      return read?.whole === true ? read : undefined
    },
    again: (v: { envelopes: readonly Uint8Array[] }) => encodeMailPiece(p, v.envelopes),
  },
  { name: 'damaged piece of a file of mail', good: encodeMailPiece(p, envelopes), run: (b) => decodeMailPiece(p, b) },
  {
    name: 'file of an invite',
    good: utf8(encodeInviteFile(inviteFile)),
    run: (b) => decodeInviteFile(String.fromCharCode(...b)),
  },
  { name: 'UTF-8', good: utf8('grüße'), run: fromUtf8, again: utf8 },
]

describe.each(decoders)('$name', ({ good, run, again }) => {
  test('accepts what was made for it, once', () => {
    const value = run(good)
    expect(value).toBeDefined()
    if (again !== undefined) expect(hex(again(value as never))).toBe(hex(good))
  })

  test(`gives a value or undefined for damaged bytes, and no second encoding (seed ${SEED})`, () => {
    const damage = seeded(SEED + good.length)
    let refused = 0
    for (let round = 0; round < 300; round++) {
      const bytes = mutate(damage, good)
      const value = run(bytes)
      if (value === undefined) refused++
      else if (again !== undefined) expect(hex(again(value as never))).toBe(hex(bytes))
    }
    expect(refused).toBeGreaterThan(0)
  })

  test('gives a value or undefined for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const value = run(bytes)
        if (value !== undefined && again !== undefined) expect(hex(again(value as never))).toBe(hex(bytes))
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  test('gives undefined or a value for all cuts, and refuses 10 MB', () => {
    for (let length = 0; length < Math.min(good.length, 400); length++) run(good.subarray(0, length))
    const huge = new Uint8Array(10_000_000).fill(0x61)
    huge.set(good.subarray(0, 100))
    const small = String.fromCharCode(...good.subarray(0, 8)).startsWith('tulnic') || run === fromUtf8
    if (!small && good.length > 60) expect(runHuge(run, huge)).toBeUndefined()
  })
})

/** Decoders of text take a string, which `String.fromCharCode(...)` cannot make of 10 MB: they get 100 kB. */
function runHuge(run: (bytes: Uint8Array) => unknown, huge: Uint8Array): unknown {
  try {
    return run(huge)
  } catch (error) {
    if (error instanceof RangeError && error.message.includes('call stack')) return run(huge.subarray(0, 100_000))
    throw error
  }
}

describe('canonical CBOR', () => {
  const any = (item: unknown) => item
  test.each([
    ['an integer longer than needed', '1817', false],
    ['an integer longer than needed, 2 bytes', '190017', false],
    ['the shortest integer', '17', true],
    ['a negative integer', '20', true],
    ['2^53', '1b0020000000000000', false],
    ['a float', 'f93c00', false],
    ['a float 64 of a whole number', 'fb3ff0000000000000', false],
    ['NaN', 'f97e00', false],
    ['undefined', 'f7', false],
    ['a tag', 'c000', false],
    ['an array of unknown length', '9f01ff', false],
    ['bytes of unknown length', '5f4101ff', false],
    ['text of unknown length', '7f6161ff', false],
    ['a length longer than needed', '580101', false],
    ['text that is not UTF-8', '61ff', false],
    ['a surrogate in UTF-8', '63eda080', false],
    ['overlong UTF-8', '62c080', false],
    ['more than one item', '0101', false],
    ['nothing', '', false],
    ['an array that is cut', '8201', false],
    ['an array of 2^32 - 1', '9affffffff', false],
    ['bytes of 2^32 - 1', '5affffffff', false],
    ['a break', 'ff', false],
    ['null', 'f6', true],
    ['an empty array', '80', true],
  ])('%s', (_, encoded, accepted) => {
    expect(decode(new Uint8Array(Buffer.from(encoded, 'hex')), 100, any) !== undefined).toBe(accepted)
  })

  test('an abyss of arrays is refused, not fallen into', () => {
    expect(decode(new Uint8Array(60_000).fill(0x81), 100_000, any)).toBeUndefined()
    const deep = new Uint8Array(60_000).fill(0x81)
    deep[59_999] = 0x80
    // Either outcome is total; what counts is that neither throws.
    decode(deep, 100_000, any)
    expect(decodeContents(deep)).toBeUndefined()
  })

  test('round trip of every plain value', () => {
    const plain = fc.letrec((tie) => ({
      item: fc.oneof(
        { maxDepth: 4 },
        fc.maxSafeInteger(),
        fc.string({ unit: 'grapheme' }),
        fc.constant(null),
        fc.uint8Array({ maxLength: 40 }),
        fc.array(tie('item'), { maxLength: 5 }),
      ),
    })).item
    fc.assert(
      fc.property(plain, (value) => {
        expect(decode(encode(value as never), 1e6, any)).toEqual(value)
      }),
      { seed: SEED },
    )
  })

  test('decoders of items take what they say and nothing else', () => {
    const at = <T>(value: unknown, decoder: (item: unknown) => T | undefined) => decoder(value)
    expect([0, 1, 5, 6, 1.5, '1', null, 2n].map((item) => at(item, integer(1, 5)))).toEqual([
      undefined,
      1,
      5,
      ...Array(5).fill(undefined),
    ])
    expect([1, 2].map((item) => at(item, literal(2)))).toEqual([undefined, 2])
    expect(at(null, nullable(integer(0, 1)))).toBeNull()
    expect(at(2, nullable(integer(0, 1)))).toBeUndefined()
    expect(at('abc', text(2))).toBeUndefined()
    expect(at(new Uint8Array(3), bytes(2))).toBeUndefined()
    expect(at([1], bytes(1))).toBeUndefined()
    expect(at([1, 2], list(integer(0, 2), 0, 1))).toBeUndefined()
    expect(at([1, 9], list(integer(0, 2), 0, 2))).toBeUndefined()
    expect(at([1, 'a'], tuple(integer(0, 2), text(1)))).toEqual([1, 'a'])
    expect(at([1, 'a', 2], tuple(integer(0, 2), text(1)))).toBeUndefined()
    expect(at({ 0: 1, length: 1 }, tuple(integer(0, 2)))).toBeUndefined()
  })
})

test('decoded values do not change when the bytes they came from do', () => {
  const encoded = encodeContents(contents)
  const value = decodeContents(encoded)
  encoded.fill(0)
  expect(value).toEqual(contents)
  expect(concat(new Uint8Array(1))).toHaveLength(1)
})
