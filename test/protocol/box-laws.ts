/**
 * What holds of boxes: their keys and tokens, who proves what to whom, and what contacts say to each other about them.
 */
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import type { BoxPeers, BoxPurpose, BoxRole, BoxVisit, Content, Random } from '../../src/protocol/index.ts'
import { concat } from '../../src/protocol/index.ts'
import type { Plain } from '../../src/protocol/wire/codec.ts'
import { encode } from '../../src/protocol/wire/codec.ts'
import { commonBytes } from './common-bytes.ts'
import { granted, IDENTITY, kept, type Law, throws } from './mail.ts'
import { person } from './people.ts'
import { hex, seeded } from './seeded.ts'
import { law, same } from './session-pair.ts'

export const KEY_LAWS: readonly Law[] = [
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

export const PROOF_LAWS: readonly Law[] = [
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

export const MAIL_CONTENT_LAWS: readonly Law[] = [
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
  {
    name: 'a box is told once in a list, with what it takes to use it',
    check(code, seed) {
      const random = seeded(seed)
      const carrier = person(random, p)
      const boxes = Array.from({ length: 6 }, () => granted(kept(random, carrier), carrier.keys.id, 0, 2))
      const plain = boxes.map((each) => [
        each.box,
        each.key,
        each.carrierKey,
        each.tag,
        code.encodeGrant(each.grant),
        concat(...each.tokens),
      ])
      const decodes = (each: readonly Plain[]) => code.decodeContents(encode([[15, 1, each]])) !== undefined
      const encodes = (each: typeof boxes) =>
        !throws(() => code.encodeContents([{ kind: 'boxes', version: 1, boxes: each }]))
      law(decodes(plain.slice(0, 5)) && encodes(boxes.slice(0, 5)), 'five are refused')
      law(!decodes(plain) && !encodes(boxes), 'six are taken')
      law(
        !decodes([...plain.slice(0, 2), ...plain.slice(1, 2)]) &&
          !encodes([...boxes.slice(0, 2), ...boxes.slice(1, 2)]),
        'one that stands twice is taken',
      )
      const [first = []] = plain
      const changed = (at: number, value: Plain) => [first.map((field, n) => (n === at ? value : field))]
      for (const at of [0, 1, 2, 3])
        for (const length of [0, 15, 31, 33]) law(!decodes(changed(at, random(length))), 'a length is wrong')
      law(
        decodes(changed(5, random(128 * 16))) && decodes(changed(5, new Uint8Array(0))),
        'tokens within the bound are refused',
      )
      law(
        !decodes(changed(5, random(129 * 16))) && !decodes(changed(5, random(17))),
        'tokens beyond the bound are taken',
      )
      law(
        !decodes(changed(4, code.encodeShortGrant({ ...boxes[0]!.grant, names: boxes[0]!.grant.names.slice(0, 29) }))),
        'a short grant is taken',
      )
    },
  },
]
