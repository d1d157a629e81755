/**
 * Golden bytes of mail: what this version writes is what the first one wrote, and that is still read.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  accountKeyOf,
  boxKey,
  boxToken,
  carrierTag,
  checkBox,
  decodeBundle,
  decodeContents,
  decodeInvite,
  decodeInviteFile,
  decodeMailPiece,
  type DeviceId,
  envelopeId,
  handBox,
  openEnvelope,
  openInviteRecord,
  parseAccountId,
  readEnvelope,
  toBase32,
  tokenHash,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { mailVectors } from './make-mail-vectors.ts'
import { hex, unhex } from './seeded.ts'

const stored: Record<string, string> = JSON.parse(
  readFileSync(new URL('../vectors/mail.json', import.meta.url), 'utf8'),
)
const text = (name: string) => stored[name] ?? ''
const bytes = (name: string) => unhex(text(name))
const [sender, recipient] = [text("sender's device") as DeviceId, text("recipient's device") as DeviceId]

test('every vector is made again, byte for byte', () => {
  expect(mailVectors()).toEqual(stored)
})

test('the stored envelope and file of mail are still read', () => {
  const envelope = bytes('envelope')
  const key = boxKey(p, bytes('box secret'), sender)
  const [token = ''] = text('tokens').split(' ')
  expect(readEnvelope(envelope)).toEqual({ box: bytes('box'), life: 14, token: unhex(token) })
  expect(openEnvelope(p, key, envelope)?.map(hex).join(' ')).toBe(text('frames'))
  expect(hex(envelopeId(p, envelope))).toBe(text('id of the envelope'))
  expect(decodeMailPiece(p, bytes('piece of a file of mail'))).toEqual({ envelopes: [envelope], whole: true })
})

test('the stored secrets, tokens and proofs are still good', () => {
  const tokens = [0, 1, 258].map((index) => boxToken(p, bytes('box secret'), index))
  expect(tokens.map((token) => hex(tokenHash(p, token))).join(' ')).toBe(text('hashes of tokens'))
  const carrier = accountKeyOf(parseAccountId(toBase32(bytes('account of the carrier')))!)
  expect(hex(carrierTag(p, bytes('box'), carrier))).toBe(text('tag of the carrier'))
  const { box, key } = handBox(p, bytes('contact secret'), sender, recipient)
  expect(`${hex(box)} ${hex(key)}`).toBe(text('hand box'))
  const proves = (who: string, signed: string, signature: string) =>
    checkBox(p, bytes(who), bytes(signed), bytes(signature))
  expect(proves('carrier key', 'carrier signs, to leave', "carrier's signature")).toBe(true)
  expect(proves('owner key', 'owner signs, to fetch', "owner's signature")).toBe(true)
})

test('the stored contents are still read', () => {
  const [carry, none] = decodeContents(bytes('carry'))!
  const hashes = text('hashes of tokens').split(' ').sort().map(unhex)
  expect(carry).toEqual({
    kind: 'carry',
    version: 258,
    request: { box: bytes('box'), ownerKey: bytes('owner key'), hashes },
  })
  expect(none).toEqual({ kind: 'carry', version: 259, request: null })
  const answers = decodeContents(bytes('carrying'))?.map((each) => (each.kind === 'carrying' ? each.answer : each))
  expect(answers).toMatchObject(['full', 'off', { carrierKey: bytes('carrier key') }])
  const [boxes] = decodeContents(bytes('boxes'))!
  const [first = '', second = ''] = text('tokens').split(' ')
  expect(boxes).toMatchObject({
    kind: 'boxes',
    version: 4,
    boxes: [{ box: bytes('box'), key: bytes('box key'), tokens: [unhex(first), unhex(second)] }],
  })
  expect(decodeContents(bytes('stored'))).toMatchObject([{ kind: 'stored', ids: [{ length: 16 }, { length: 16 }] }])
})

test('the stored record and file of an invite are still read', () => {
  const opened = openInviteRecord(p, bytes('invite secret'), bytes('invite record with boxes'))!
  expect(opened.boxes.map(({ grant }) => grant.names.length)).toEqual([30, 3])
  const file = decodeInviteFile(text('file of an invite'))!
  expect(file.mail).toEqual(opened.boxes)
  expect(file.bundle).toEqual(opened.bundle)
  expect(decodeInvite(file.link)?.bundleHash).toEqual(decodeBundle(p, opened.bundle)?.hash.subarray(0, 16))
})
