/**
 * What holds of mail whoever plays against it: a carrier, another sender, whoever has a file in hand, an owner without manners.
 *
 * Each law is run on the protocol itself, and on copies of it with a fault, which it must find.
 */
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import type { BoxPeers, BoxPurpose, BoxRole, BoxVisit, Content, Random } from '../../src/protocol/index.ts'
import { concat, utf8 } from '../../src/protocol/index.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { encode, uint16, uint32 } from '../../src/protocol/wire/codec.ts'
import { commonBytes } from './common-bytes.ts'
import { granted, kept } from './mail.ts'
import { person } from './people.ts'
import { hex, seeded, unhex } from './seeded.ts'
import { type Code, law, same } from './session-pair.ts'

export interface Law {
  readonly name: string
  check(code: Code, seed: number): void
}

const CLEAR_BYTES = 34
const BOX_AT = 1
const LIFE_AT = 17
const TOKEN_AT = 18
/** The canonical point of order 1: R = A and S = 0 is a signature of every message under looser rules than RFC 8032's. */
const IDENTITY = unhex('01'.padEnd(64, '0'))

const headOf = (random: Random) => ({ box: random(16), life: 14, token: random(16) })

/** The envelope with these bytes in the place of its own. */
function replaced(envelope: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const changed = envelope.slice()
  changed.set(bytes, at)
  return changed
}

/** The bytes with one bit turned. */
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return replaced(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (at % 8))))
}

/** An envelope of 1024 bytes whose owner of the key put this into it; zeros behind. */
function holding(code: Code, random: Random, key: Uint8Array, used: Uint8Array, size = 1024): Uint8Array {
  const { box, token } = headOf(random)
  const clear = concat(Uint8Array.of(1), box, Uint8Array.of(14), token)
  const plaintext = replaced(new Uint8Array(size - CLEAR_BYTES - 72), 0, used)
  return concat(clear, code.seal(p, random, key, LABELS.envelope, plaintext, clear))
}

const ENVELOPES: readonly Law[] = [
  {
    name: 'an envelope that was changed anywhere does not open',
    check(code, seed) {
      const random = seeded(seed)
      const key = random(32)
      const envelope = code.sealEnvelope(p, random, key, headOf(random), [random(40)])
      law(code.openEnvelope(p, key, envelope) !== undefined, 'what was sealed opens')
      for (let at = 0; at < envelope.length; at += at < 120 || at > 1000 ? 1 : 13)
        law(code.openEnvelope(p, key, flipped(envelope, at)) === undefined, `byte ${at} does not matter`)
    },
  },
  {
    name: 'an envelope is for one box, with one token, for one life',
    check(code, seed) {
      const random = seeded(seed)
      const key = random(32)
      const envelope = code.sealEnvelope(p, random, key, headOf(random), [random(40)])
      const opens = (moved: Uint8Array) => {
        law(code.readEnvelope(moved) !== undefined, 'a carrier takes it for an envelope')
        return code.openEnvelope(p, key, moved) !== undefined
      }
      law(!opens(replaced(envelope, BOX_AT, random(16))), 'it opens with another box on it')
      law(!opens(replaced(envelope, TOKEN_AT, random(16))), 'it opens with another token on it')
      for (const life of [1, 13, 15, 30])
        law(!opens(replaced(envelope, LIFE_AT, Uint8Array.of(life))), 'it opens with another life on it')
      for (let at = BOX_AT; at < CLEAR_BYTES; at++)
        law(at === LIFE_AT || !opens(flipped(envelope, at)), `it opens with another byte ${at} on it`)
    },
  },
  {
    name: 'an envelope opens under one key, and says which',
    check(code, seed) {
      const random = seeded(seed)
      const [key, other] = [random(32), random(32)]
      const envelope = code.sealEnvelope(p, random, key, headOf(random), [random(40)])
      law(code.openEnvelope(p, other, envelope) === undefined, 'another key opens it')
      const commitment = random(32)
      law(
        code.openEnvelope(p, key, replaced(envelope, CLEAR_BYTES, commitment)) === undefined,
        'no commitment is asked for',
      )
      const head = envelope.slice(CLEAR_BYTES, CLEAR_BYTES + 4)
      law(
        code.openEnvelope(p, key, replaced(envelope, CLEAR_BYTES, concat(head, random(28)))) === undefined,
        'a part of it is enough',
      )
    },
  },
  {
    name: 'two envelopes of one hand have in common what any two to that box have',
    check(code, seed) {
      const random = seeded(seed)
      const frames = [random(300), random(200)]
      const [one, other] = [headOf(random), headOf(random)]
      const key = random(32)
      const to = (head: typeof one, under = key) => [code.sealEnvelope(p, random, under, head, frames)]
      const outside = ([envelope = new Uint8Array(0)]: Uint8Array[]) => [envelope.subarray(LIFE_AT)]
      law(commonBytes(to(one), to(other, random(32))).length === 0, 'two boxes: something links them')
      law(commonBytes(to(one), to(other)).length === 0, 'two boxes and one key: something links them')
      const again = { ...one, token: random(16) }
      law(commonBytes(outside(to(one)), outside(to(again))).length === 0, 'one box: something but its name links them')
    },
  },
  {
    name: 'what is in an envelope has one form',
    check(code, seed) {
      const random = seeded(seed)
      const key = random(32)
      const frame = random(20)
      const framed = concat(uint32(20), frame)
      const opens = (used: Uint8Array, size?: number) =>
        code.openEnvelope(p, key, holding(code, random, key, used, size)) !== undefined
      law(opens(concat(uint16(1), framed)), 'the good form opens')
      law(opens(concat(uint16(2), framed, framed)), 'a frame that stands there twice opens')
      const bad: readonly (readonly [string, Uint8Array, number?])[] = [
        ['no frames', uint16(0)],
        ['more frames than there are', concat(uint16(2), framed)],
        ['something in the padding', concat(uint16(1), framed, framed)],
        [
          'something at the end of the padding',
          replaced(new Uint8Array(918), 0, concat(uint16(1), framed)).fill(1, 917),
        ],
        ['a larger size than it needs', concat(uint16(1), framed), 2048],
        ['an empty frame', concat(uint16(1), uint32(0))],
        ['an empty frame among others', concat(uint16(2), framed, uint32(0))],
        ['a frame that ends behind it', concat(uint16(1), uint32(913), frame)],
        ['a frame of 2^32 - 1 bytes', concat(uint16(1), uint32(2 ** 32 - 1), frame)],
        [
          '257 frames',
          concat(uint16(257), ...Array.from({ length: 257 }, () => concat(uint32(1), frame.subarray(0, 1)))),
          2048,
        ],
        ['65535 frames', uint16(65_535)],
      ]
      for (const [what, used, size] of bad) law(!opens(used, size), `${what}: opens`)
      const most = code.ENVELOPE_ROOM
      const many = (bytes: number) =>
        concat(
          uint16(2),
          uint32(most - 9),
          new Uint8Array(most - 9).fill(1),
          uint32(bytes),
          new Uint8Array(bytes).fill(1),
        )
      law(opens(many(9), 67_584), 'as much as has room: does not open')
      law(!opens(many(10), 67_584), 'one byte more than has room: opens')
    },
  },
]

const KEYS: readonly Law[] = [
  {
    name: 'keys and tokens of different uses have nothing in common',
    check(code, seed) {
      const random = seeded(seed)
      const [one, other] = [person(random, p).keys.id, person(random, p).keys.id]
      const [secret, second, box, anotherBox] = [random(32), random(32), random(16), random(16)]
      const tokens = [0, 1, 256, 65_536, 2 ** 32 - 1].map((index) => code.boxToken(p, secret, index))
      const hands = [
        code.handBox(p, secret, one, other),
        code.handBox(p, secret, other, one),
        code.handBox(p, second, one, other),
      ]
      const made = [
        secret,
        ...tokens,
        code.boxToken(p, second, 0),
        ...tokens.map((token) => code.tokenHash(p, token)),
        code.boxKey(p, secret, one),
        code.boxKey(p, secret, other),
        code.boxKey(p, second, one),
        ...[0, 1, 2, 3].map((index) => code.inviteToken(p, secret, box, index)),
        code.inviteToken(p, secret, anotherBox, 0),
        code.inviteBoxKey(p, secret, box),
        code.inviteBoxKey(p, secret, anotherBox),
        ...[...hands, code.inviteHandBox(p, secret), code.inviteHandBox(p, second)].flatMap(({ box: name, key }) => [
          name,
          key,
        ]),
      ]
      const beginnings = new Set(made.map((each) => hex(each.subarray(0, 16))))
      law(beginnings.size === made.length, 'two of them begin alike')
      const [hand] = hands
      law(hand !== undefined && same(hand.key, code.handBox(p, secret, one, other).key), 'both ends make the same')
    },
  },
  {
    name: 'who knows the account of a carrier knows it behind its tag, and two boxes of one carrier have nothing in common',
    check(code, seed) {
      const random = seeded(seed)
      const [carrier, another] = [person(random, p).account.key, person(random, p).account.key]
      const [box, second] = [random(16), random(16)]
      const tag = code.carrierTag(p, box, carrier)
      law(same(tag, code.carrierTag(p, box, carrier)), 'it is not known again')
      law(!same(tag, code.carrierTag(p, box, another)), 'it is taken for another carrier')
      law(!same(tag, code.carrierTag(p, second, carrier)), 'it shows that two boxes have one carrier')
      const guesses = [carrier, box, concat(box, carrier), concat(carrier, box)].map((each) => p.sha256(each))
      for (const each of [carrier, box, ...guesses])
        law(commonBytes([tag], [each]).length === 0, 'it tells what it hides')
    },
  },
]

/** One visit, and everything that another one may differ in. */
function visits(random: Random) {
  const visit = { box: random(16), nonces: { visitor: random(32), carrier: random(32) } }
  const peers = { visitor: random(38), carrier: random(38) }
  const { nonces } = visit
  const others: readonly (readonly [string, BoxRole, BoxPurpose, BoxVisit, BoxPeers])[] = [
    ['role', 'owner', 'fetch', visit, peers],
    ['purpose', 'carrier', 'leave', visit, peers],
    ['box', 'carrier', 'fetch', { ...visit, box: random(16) }, peers],
    ["visitor's nonce", 'carrier', 'fetch', { ...visit, nonces: { ...nonces, visitor: random(32) } }, peers],
    ["carrier's nonce", 'carrier', 'fetch', { ...visit, nonces: { ...nonces, carrier: random(32) } }, peers],
    ['visitor', 'carrier', 'fetch', visit, { ...peers, visitor: random(38) }],
    ['carrier', 'carrier', 'fetch', visit, { ...peers, carrier: random(38) }],
    [
      'order of nonces',
      'carrier',
      'fetch',
      { ...visit, nonces: { visitor: nonces.carrier, carrier: nonces.visitor } },
      peers,
    ],
    ['order of ends', 'carrier', 'fetch', visit, { visitor: peers.carrier, carrier: peers.visitor }],
    [
      'border between two parts',
      'carrier',
      'fetch',
      {
        ...visit,
        nonces: {
          visitor: nonces.visitor.subarray(0, 31),
          carrier: concat(nonces.visitor.subarray(31), nonces.carrier),
        },
      },
      peers,
    ],
  ]
  return { visit, peers, others }
}

const PROOFS: readonly Law[] = [
  {
    name: 'a proof is good for one role, purpose, box and pair of ends, for one visit',
    check(code, seed) {
      const random = seeded(seed)
      const { visit, peers, others } = visits(random)
      // One seed in both roles: what keeps them apart has to be in what is signed.
      const key = random(32)
      const transcript = code.boxTranscript('carrier', 'fetch', visit, peers)
      const signature = code.signBox(p, key, transcript)
      const isGood = (signed: Uint8Array) => code.checkBox(p, p.ed25519PublicKey(key), signed, signature)
      law(isGood(transcript), 'the proof itself is refused')
      for (const [what, ...parts] of others)
        law(!isGood(code.boxTranscript(...parts)), `it is good for another ${what}`)
    },
  },
  {
    name: 'a proof is made by who has the key, and no key fits every proof',
    check(code, seed) {
      const random = seeded(seed)
      const { visit, peers } = visits(random)
      const [carrier, impostor] = [random(32), random(32)]
      const transcript = code.boxTranscript('carrier', 'leave', visit, peers)
      const isGood = (signature: Uint8Array, key = p.ed25519PublicKey(carrier), with_ = p) =>
        code.checkBox(with_, key, transcript, signature)
      const good = code.signBox(p, carrier, transcript)
      law(isGood(good), 'the proof itself is refused')
      law(!isGood(code.signBox(p, impostor, transcript)), 'an impostor is believed')
      law(!isGood(good.subarray(0, 63)) && !isGood(concat(good, Uint8Array.of(0))), 'its length does not matter')
      law(!isGood(new Uint8Array(0)) && !isGood(new Uint8Array(64)), 'none is needed')
      for (const each of [p, code.noble])
        law(!isGood(concat(IDENTITY, new Uint8Array(32)), IDENTITY, each), 'a key of order 1 fits every proof')
    },
  },
]

const CONTENTS: readonly Law[] = [
  {
    name: 'a key that fits every proof is told to nobody, and believed from nobody',
    check(code, seed) {
      const random = seeded(seed)
      const carrier = person(random, p)
      const grant = granted(kept(random, carrier), carrier.keys.id, 0, 1)
      const encodedGrant = code.encodeGrant(grant.grant)
      const plain = (key: Uint8Array) => [
        encode([[13, 1, [grant.box, key, new Uint8Array(0)]]]),
        encode([[14, 1, grant.box, [key, encodedGrant]]]),
        encode([[15, 1, [[grant.box, grant.key, key, grant.tag, encodedGrant, new Uint8Array(0)]]]]),
      ]
      for (const good of plain(grant.carrierKey)) law(code.decodeContents(good) !== undefined, 'a good key is refused')
      for (const bad of [...plain(IDENTITY), ...plain(new Uint8Array(32)), ...plain(new Uint8Array(32).fill(0xff))])
        law(code.decodeContents(bad) === undefined, 'it is believed')
      law(
        throws(() => code.encodeContents([{ kind: 'boxes', version: 1, boxes: [{ ...grant, carrierKey: IDENTITY }] }])),
        'it is told',
      )
    },
  },
  {
    name: 'hashes of tokens travel in an order that tells nothing, each once',
    check(code, seed) {
      const random = seeded(seed)
      const [box, ownerKey] = [random(16), p.ed25519PublicKey(random(32))]
      const hashes = Array.from({ length: 40 }, () => random(16))
      const encoded = (each: readonly Uint8Array[]) =>
        code.encodeContents([{ kind: 'carry', version: 1, request: { box, ownerKey, hashes: each } } satisfies Content])
      law(same(encoded(hashes), encoded(hashes.toReversed())), 'the order in which they were made shows')
      const sorted = hashes.toSorted((a, b) => Buffer.compare(a, b))
      const decodes = (each: readonly Uint8Array[]) =>
        code.decodeContents(encode([[13, 1, [box, ownerKey, concat(...each)]]])) !== undefined
      law(decodes(sorted), 'the good order is refused')
      law(!decodes(sorted.toReversed()), 'another order is taken')
      law(!decodes([...sorted.slice(0, 5), ...sorted.slice(4)]), 'one that stands twice is taken')
      law(
        throws(() => encoded([...hashes, ...hashes.slice(0, 1)])),
        'one that stands twice is sent',
      )
    },
  },
]

const FILES: readonly Law[] = [
  {
    name: 'of a damaged file of mail all that is whole is given, and nothing else',
    check(code, seed) {
      const random = seeded(seed)
      const envelopes = [40, 50, 60].map((length) =>
        code.sealEnvelope(p, random, random(32), headOf(random), [random(length)]),
      )
      const file = code.encodeMailFile(p, envelopes)
      const known = new Set(envelopes.map(hex))
      const read = (bytes: Uint8Array) => {
        const found = code.decodeMailFile(p, bytes)
        for (const each of found?.envelopes ?? [])
          law(known.has(hex(each)), 'something is given that was not put there')
        return found
      }
      law(read(file)?.whole === true, 'what is whole is called damaged')
      law(read(file)?.envelopes.length === 3, 'what is whole is not given')
      const entry = 20 + 1024
      for (let at = 0; at < file.length; at += at < 60 ? 1 : 29) {
        const found = read(flipped(file, at))
        if (at < 14) law(found === undefined, `byte ${at}: it is no file of mail`)
        else law(found?.whole === false, `byte ${at}: it is called whole`)
        const isLength = (at - 14) % entry < 4
        if (at >= 14 && !isLength)
          law(found?.envelopes.length === (at < file.length - 32 ? 2 : 3), `byte ${at}: others are lost`)
      }
      for (let length = 0; length < file.length; length += 7) {
        const found = read(file.subarray(0, length))
        law(found?.whole !== true, `cut to ${length}: it is called whole`)
        law(
          (found?.envelopes.length ?? 0) === Math.max(0, Math.floor((length - 14) / entry)),
          `cut to ${length}: some are lost`,
        )
      }
      law(read(concat(file, Uint8Array.of(0)))?.whole === false, 'one byte more: it is called whole')
      law(read(concat(file, file))?.whole === false, 'twice in one: it is called whole')
      law(
        read(concat(file.subarray(0, 14 + entry), p.sha256(file.subarray(0, 14 + entry))))?.envelopes.length === 1,
        'a shorter file is read',
      )
      const foreign = concat(uint32(1024), random(16), new Uint8Array(1024))
      const made = concat(file.subarray(0, 14), foreign)
      law(read(concat(made, p.sha256(made)))?.whole === false, 'what is no envelope is called whole')
      const stranger = concat(uint32(9), code.envelopeId(p, utf8('not mail!')), utf8('not mail!'))
      const strangers = concat(file.subarray(0, 14), stranger)
      law(read(concat(strangers, p.sha256(strangers)))?.whole === false, 'what has the form of none is called whole')
    },
  },
]

export const LAWS: readonly Law[] = [...ENVELOPES, ...KEYS, ...PROOFS, ...CONTENTS, ...FILES]

function throws(action: () => unknown): boolean {
  try {
    action()
    return false
  } catch (error) {
    return error instanceof RangeError
  }
}
