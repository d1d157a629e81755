/**
 * Golden bytes of every wire type, from seeded randomness: `node scripts/make-vectors.ts` writes `test/vectors/wire.json`.
 *
 * Holds: the file is written once for each version of the wire and then kept for ever; `vectors.test.ts` compares. To run
 * this again over changed code is to change the protocol.
 */
import { writeFileSync } from 'node:fs'
import { seal } from '../src/protocol/crypto/aead.ts'
import { derive } from '../src/protocol/crypto/hkdf.ts'
import { xwingEncapsulate } from '../src/protocol/crypto/xwing.ts'
import {
  accountFromEntropy,
  accountId,
  answerPairing,
  appendDevice,
  beginPairing,
  bundleAnswerMac,
  type Content,
  confirmPairing,
  conversationId,
  createBundle,
  createDeviceLog,
  deviceKeys,
  encodeContents,
  encodeHelloAnswer,
  encodeHelloOpening,
  encodeInvite,
  equivocationProof,
  finishPairing,
  helloProof,
  helloTag,
  inviteKey,
  inviteProof,
  messageId,
  noble as p,
  openPairing,
  padFrame,
  phraseOf,
  recoverDevices,
  revokeDevice,
  rotateDevice,
  safetyNumber,
  NOT_KNOWN,
  textDigest,
  utf8,
} from '../src/protocol/index.ts'
import { hex, seeded } from '../test/protocol/seeded.ts'

const NOW = Date.UTC(2026, 0, 1)

/** Every vector by name: texts as they are, bytes in hex. */
export function wireVectors(): Readonly<Record<string, string>> {
  const random = seeded(20260101)
  const person = () => {
    const entropy = random(32)
    const account = accountFromEntropy(p, entropy)
    const device = { signingSeed: random(32), dhSeed: random(32) }
    const keys = deviceKeys(p, device)
    const log = createDeviceLog(p, account, keys, NOW)
    const { bundle, secrets } = createBundle(p, random, { log, device, createdAt: NOW })
    return { entropy, account, device, keys, log, bundle, secrets }
  }
  const spare = () => deviceKeys(p, { signingSeed: random(32), dhSeed: random(32) })
  const alice = person()
  const bob = person()
  const [laptop, phone] = [spare(), spare()]

  const added = appendDevice(p, alice.account, alice.log, laptop, NOW + 1)
  const revoked = revokeDevice(p, alice.account, added, alice.keys.id, NOW + 2)
  const rotated = rotateDevice(p, alice.account, revoked, laptop.id, phone, NOW + 3)
  const recovered = recoverDevices(p, alice.account, rotated, [phone, spare()], NOW + 4)
  const other = appendDevice(p, alice.account, alice.log, phone, NOW)

  const invite = {
    account: alice.account.key,
    logHead: alice.log.head.subarray(0, 16),
    secret: random(32),
    oneTimeKey: p.x25519PublicKey(random(32)),
    bundleHash: alice.bundle.hash.subarray(0, 16),
    expiresAt: NOW,
    addresses: [
      '/ip4/192.168.1.7/tcp/4001',
      '/ip6/2001:db8::1:0:0:1/tcp/4001',
      '/ip4/127.0.0.1/tcp/9/ws',
      '/ip6/::1/tcp/9/ws',
    ],
  }
  const ends = { local: utf8('peer-a'), remote: utf8('peer-b') }
  const [dialer, listener] = [ends.local, ends.remote]

  const conversation = conversationId(p, alice.account.key, bob.account.key)
  const firstText = {
    kind: 'text',
    counter: 2,
    lamport: 5,
    sentAt: NOW,
    text: '\uFEFFgrüße 🌍',
    replyTo: messageId(p, conversation, bob.keys.id, 1),
  } as const
  const contents: readonly Content[] = [
    firstText,
    { kind: 'text', counter: 2 ** 40, lamport: 0, sentAt: 0, text: '', replyTo: null },
    {
      kind: 'receipt',
      received: [
        [1, 40],
        [42, 97],
      ],
      shown: [[1, 1]],
    },
    { kind: 'profile', version: 3, name: 'Zoë' },
    { kind: 'addresses', version: 2, addresses: ['/ip4/10.0.0.1/tcp/9'] },
    { kind: 'secret', generation: 1, secret: random(32) },
    { kind: 'devices', log: alice.log.bytes },
    { kind: 'repair' },
  ]

  const contactSecret = random(32)
  const nonces = random(64)
  const us = { secret: contactSecret, device: alice.device, deviceId: alice.keys.id }
  const proof = helloProof(p, random, us, 'listener', dialer, listener, nonces)
  const tag = helloTag(p, contactSecret, 20_454, 'dialer', dialer, listener)

  const begun = beginPairing(p, random, ends, 'Alice')
  const answered = made(answerPairing(p, random, { local: ends.remote, remote: ends.local }, 'Bob', begun.send))
  const opened = made(openPairing(p, begun.state, answered.send))
  const finished = made(finishPairing(p, answered.state, opened.send))
  const cardB = confirmPairing(p, random, finished, {
    log: bob.log,
    device: bob.device,
    bundle: bob.bundle.bytes,
    addresses: invite.addresses,
  })
  const cardA = confirmPairing(p, random, opened.state, {
    log: alice.log,
    device: alice.device,
    bundle: new Uint8Array(0),
    addresses: [],
  })

  const xwing = made(xwingEncapsulate(p, random, bob.bundle.sealKey))

  return {
    entropy: hex(alice.entropy),
    phrase: phraseOf(alice.entropy),
    'account id': accountId(alice.account.key),
    'second account id': accountId(bob.account.key),
    'device id': alice.keys.id,
    'safety number': safetyNumber(p, alice.account.key, bob.account.key),
    'device log, one entry': hex(alice.log.bytes),
    'device log, every kind': hex(recovered.bytes),
    'device log head': hex(recovered.head),
    equivocation: hex(made(equivocationProof(added, other))),
    bundle: hex(alice.bundle.bytes),
    'bundle hash': hex(alice.bundle.hash),
    'invite, one use': encodeInvite(invite),
    'invite, several uses': encodeInvite({ ...invite, oneTimeKey: null, addresses: [] }),
    'invite key': hex(inviteKey(p, invite.secret)),
    'invite proof': hex(inviteProof(p, invite.secret, dialer, listener)),
    'bundle answer mac': hex(bundleAnswerMac(p, invite.secret, 'bundle', alice.bundle.bytes, dialer, listener)),
    'conversation id': hex(conversation),
    'message id': hex(messageId(p, conversation, alice.keys.id, 258)),
    contents: hex(encodeContents(contents)),
    'text digest': hex(textDigest(p, firstText)),
    'receipt and differing': hex(
      encodeContents([
        { kind: 'receipt', received: [[1, 9]], shown: [] },
        { kind: 'differing', counters: [[4, 5]] },
      ]),
    ),
    'compare and digests': hex(
      encodeContents([
        { kind: 'compare', from: 4, to: 259 },
        { kind: 'digests', from: 7, digests: [textDigest(p, firstText), null, NOT_KNOWN] },
      ]),
    ),
    'contact secret': hex(contactSecret),
    'hello nonces': hex(nonces),
    'hello tag': hex(tag),
    'hello proof': hex(proof),
    'hello opening': hex(
      encodeHelloOpening({
        day: 20_454,
        nonce: nonces.subarray(0, 32),
        tags: Array.from({ length: 32 }, () => random(16)),
      }),
    ),
    'hello answer': hex(encodeHelloAnswer({ nonce: nonces.subarray(32), tag, proof })),
    'pairing commitment': hex(begun.send),
    'pairing answer': hex(answered.send),
    'pairing opening': hex(opened.send),
    'pairing digits': opened.state.digits,
    'pairing secret': hex(opened.state.secret),
    'pairing card of A': hex(cardA),
    'pairing card of B': hex(cardB),
    'padded frame': hex(padFrame(utf8('frame'))),
    'seal seed': hex(bob.secrets.sealSeed),
    'xwing ciphertext': hex(xwing.ciphertext),
    'xwing shared secret': hex(xwing.sharedSecret),
    'sealed key': hex(derive(p, contactSecret, utf8('vector'), 32)),
    sealed: hex(
      seal(p, random, derive(p, contactSecret, utf8('vector'), 32), utf8('label'), utf8('plaintext'), utf8('data')),
    ),
  }
}

function made<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a vector could not be made')
  return value
}

if (import.meta.main) {
  const path = new URL('../test/vectors/wire.json', import.meta.url)
  writeFileSync(path, `${JSON.stringify(wireVectors(), null, 2)}\n`)
}
