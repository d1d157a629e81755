/**
 * Writes test/vectors/mail.json: golden bytes of envelopes, boxes, what contacts say about them, and files.
 *
 *     node test/protocol/make-mail-vectors.ts
 *
 * Only for a new version of one of these formats: vectors that exist are kept for ever.
 */
import { writeFileSync } from 'node:fs'
import {
  boxKey,
  boxToken,
  boxTranscript,
  carrierTag,
  encodeContents,
  encodeInvite,
  encodeInviteFile,
  encodeMailPiece,
  encodeShortGrant,
  envelopeId,
  handBox,
  inviteBoxKey,
  inviteHandBox,
  inviteToken,
  noble as p,
  sealEnvelope,
  sealInviteRecord,
  signBox,
  tokenHash,
} from '../../src/protocol/index.ts'
import { granted, invited, kept } from './mail.ts'
import { NOW, person } from './people.ts'
import { hex, seeded } from './seeded.ts'

/** Every vector by name, in hex or as the text that it is; the same on each call. */
export function mailVectors(): Record<string, string> {
  const random = seeded(20261104)
  const [alice, bob, carol] = [person(random), person(random), person(random)]
  const box = kept(random, carol)
  const { secrets } = box
  const ownerKey = p.ed25519PublicKey(secrets.ownerSeed)
  const tokens = [0, 1, 258].map((index) => boxToken(p, secrets.secret, index))
  const [token = new Uint8Array(0)] = tokens
  const key = boxKey(p, secrets.secret, alice.keys.id)
  const frames = [random(300), random(40)]
  const envelope = sealEnvelope(p, random, key, { box: secrets.box, life: 14, token }, frames)
  const large = sealEnvelope(p, random, key, { box: secrets.box, life: 30, token: random(16) }, [random(5000)])
  const visit = { box: secrets.box, nonces: { visitor: random(32), carrier: random(32) } }
  const peers = { visitor: random(38), carrier: random(38) }
  const [left, fetched] = [
    boxTranscript('carrier', 'leave', visit, peers),
    boxTranscript('owner', 'fetch', visit, peers),
  ]
  const contactSecret = random(32)
  const hand = handBox(p, contactSecret, alice.keys.id, bob.keys.id)
  const inviteSecret = random(32)
  const inviteHand = inviteHandBox(p, inviteSecret)
  const grant = granted(box, alice.keys.id, 0, 2)
  const inviteBoxes = [invited(box, 30), invited(kept(random, alice), 3)]
  const record = sealInviteRecord(
    p,
    random,
    inviteSecret,
    { seq: 2, nowMs: NOW },
    { bundle: bob.bundle.bytes, addresses: [random(8)], boxes: inviteBoxes },
  )
  const link = encodeInvite({
    account: bob.account.key,
    logHead: bob.log.head.subarray(0, 16),
    secret: inviteSecret,
    oneTimeKey: null,
    bundleHash: bob.bundle.hash.subarray(0, 16),
    expiresAt: NOW,
    addresses: ['/ip4/192.168.1.7/tcp/4001'],
  })
  return {
    box: hex(secrets.box),
    'box secret': hex(secrets.secret),
    'owner key': hex(ownerKey),
    'carrier key': hex(box.carrierKey),
    "sender's device": alice.keys.id,
    "recipient's device": bob.keys.id,
    'box key': hex(key),
    tokens: tokens.map(hex).join(' '),
    'hashes of tokens': tokens.map((each) => hex(tokenHash(p, each))).join(' '),
    'account of the carrier': hex(carol.account.key),
    'tag of the carrier': hex(carrierTag(p, secrets.box, carol.account.key)),
    frames: frames.map(hex).join(' '),
    envelope: hex(envelope),
    'id of the envelope': hex(envelopeId(p, envelope)),
    'id of a large envelope': hex(envelopeId(p, large)),
    'carrier signs, to leave': hex(left),
    'owner signs, to fetch': hex(fetched),
    "carrier's signature": hex(signBox(p, box.carrierSeed, left)),
    "owner's signature": hex(signBox(p, secrets.ownerSeed, fetched)),
    'contact secret': hex(contactSecret),
    'hand box': `${hex(hand.box)} ${hex(hand.key)}`,
    'invite secret': hex(inviteSecret),
    "invite's hand box": `${hex(inviteHand.box)} ${hex(inviteHand.key)}`,
    "invite's token 3": hex(inviteToken(p, inviteSecret, secrets.box, 3)),
    "invite's box key": hex(inviteBoxKey(p, inviteSecret, secrets.box)),
    carry: hex(
      encodeContents([
        {
          kind: 'carry',
          version: 258,
          request: { box: secrets.box, ownerKey, hashes: tokens.map((each) => tokenHash(p, each)) },
        },
        { kind: 'carry', version: 259, request: null },
      ]),
    ),
    carrying: hex(
      encodeContents([
        { kind: 'carrying', version: 1, box: secrets.box, answer: 'full' },
        { kind: 'carrying', version: 2, box: secrets.box, answer: 'off' },
        { kind: 'carrying', version: 3, box: secrets.box, answer: grant },
      ]),
    ),
    boxes: hex(encodeContents([{ kind: 'boxes', version: 4, boxes: [grant] }])),
    stored: hex(encodeContents([{ kind: 'stored', ids: [random(16), random(16)] }])),
    'short grant': hex(encodeShortGrant({ ...grant.grant, names: grant.grant.names.slice(0, 2) })),
    'piece of a file of mail': hex(encodeMailPiece(p, [envelope])),
    'invite record with boxes': hex(record.value),
    'file of an invite': encodeInviteFile({ link, bundle: bob.bundle.bytes, mail: inviteBoxes }),
  }
}

if (import.meta.main) {
  const path = new URL('../vectors/mail.json', import.meta.url)
  writeFileSync(path, `${JSON.stringify(mailVectors(), null, 2)}\n`)
}
