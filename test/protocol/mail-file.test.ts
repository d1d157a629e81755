/**
 * Files of mail and of invites: what a file brings, and what is left of one that was damaged.
 */
import { describe, expect, test } from 'vitest'
import {
  BUNDLE_BYTES,
  concat,
  decodeInviteFile,
  decodeMailFile,
  ENVELOPE_ROOM,
  encodeInvite,
  encodeInviteFile,
  encodeMailFile,
  envelopeId,
  INVITE_FILE_CHARACTERS,
  type InviteFile,
  MAIL_FILE_BYTES,
  MAIL_FILE_ENVELOPES,
  sealEnvelope,
  utf8,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { invited, kept } from './mail.ts'
import { NOW, person } from './people.ts'
import { hex, seeded, seedOfRun } from './seeded.ts'

const random = seeded(seedOfRun(20261103))
const [alice, carol] = [person(random, p), person(random, p)]
const envelope = (length: number) =>
  sealEnvelope(p, random, random(32), { box: random(16), life: 30, token: random(16) }, [random(length)])

/** The beginning of a file of mail, and zeros: one byte too many of them. */
const MAIL_OF_64_MIB = (() => {
  const bytes = new Uint8Array(MAIL_FILE_BYTES + 1)
  bytes.set(utf8('tulnic mail 1\n'))
  return bytes
})()

describe('a file of mail', () => {
  test.each([0, 1, 7])('brings %i envelopes', (count) => {
    const envelopes = Array.from({ length: count }, (_, at) => envelope(1 + 900 * at))
    const read = decodeMailFile(p, encodeMailFile(p, envelopes))
    expect(read?.whole).toBe(true)
    expect(read?.envelopes.map(hex)).toEqual(envelopes.map(hex))
  })

  test('that is read twice brings the same envelopes, by their names', () => {
    const file = encodeMailFile(p, [envelope(10), envelope(20)])
    const ids = () => decodeMailFile(p, file)?.envelopes.map((each) => hex(envelopeId(p, each)))
    expect(ids()).toEqual(ids())
    expect(new Set([...(ids() ?? []), ...(ids() ?? [])]).size).toBe(2)
  })

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['a picture', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, ...random(400))],
    ['an envelope alone', envelope(10)],
    ['a text', utf8('tulnic mail\nhello')],
    ['another version', concat(utf8('tulnic mail 2\n'), random(32))],
    ['the beginning of the beginning', utf8('tulnic mail 1')],
    ['64 MiB and a byte', MAIL_OF_64_MIB],
  ])('is told from %s', (_, bytes) => {
    expect(decodeMailFile(p, bytes)).toBeUndefined()
  })

  test('of 64 MiB is read', () => {
    expect(decodeMailFile(p, MAIL_OF_64_MIB.subarray(0, MAIL_FILE_BYTES))).toEqual({ envelopes: [], whole: false })
  })

  test('holds 5000 envelopes and no more; of one with more, 5000 are read', () => {
    const one = envelope(10)
    const full = encodeMailFile(p, Array(MAIL_FILE_ENVELOPES).fill(one))
    expect(decodeMailFile(p, full)).toMatchObject({ whole: true, envelopes: { length: MAIL_FILE_ENVELOPES } })
    expect(() => encodeMailFile(p, Array(MAIL_FILE_ENVELOPES + 1).fill(one))).toThrow(RangeError)
    const body = concat(full.subarray(0, -32), full.subarray(14, 14 + 20 + 1024))
    const more = concat(body, p.sha256(body))
    expect(decodeMailFile(p, more)).toMatchObject({ whole: false, envelopes: { length: MAIL_FILE_ENVELOPES } })
  })

  test('that would be larger than 64 MiB, or hold what is no envelope, is our own mistake', () => {
    const large = envelope(ENVELOPE_ROOM)
    expect(() => encodeMailFile(p, Array(1000).fill(large))).toThrow(RangeError)
    expect(() => encodeMailFile(p, [large, random(1024)])).toThrow(RangeError)
    expect(() => encodeMailFile(p, [new Uint8Array(0)])).toThrow(RangeError)
  })

  test('may lie anywhere in a larger buffer', () => {
    const file = encodeMailFile(p, [envelope(10)])
    const shifted = new Uint8Array(file.length + 3)
    shifted.set(file, 3)
    expect(decodeMailFile(p, shifted.subarray(3))).toMatchObject({ whole: true, envelopes: { length: 1 } })
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

  test('is small: what people mail and carry', () => {
    expect(encodeInviteFile({ link, bundle: alice.bundle.bytes, mail }).length).toBeLessThan(6000)
    const most = encodeInviteFile({
      link,
      bundle: random(BUNDLE_BYTES),
      mail: [mail[0]!, invited(kept(random, carol), 30)],
    })
    expect(most.length).toBeLessThanOrEqual(INVITE_FILE_CHARACTERS)
    expect(most.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'tulnic',
      'link',
      'bundle',
      'mail',
      'check',
      '',
    ])
  })

  test.each<[string, Partial<InviteFile>]>([
    ['a link that is none', { link: 'tulnic:AAAA' }],
    ['a link with more around it', { link: `see ${link}` }],
    ['an empty bundle', { bundle: new Uint8Array(0) }],
    ['a bundle beyond 6 KiB', { bundle: random(BUNDLE_BYTES + 1) }],
    ['three boxes', { mail: [...mail, invited(kept(random, carol), 1)] }],
    ['a box twice', { mail: [mail[0]!, mail[0]!] }],
    ['a box whose carrier has no names', { mail: [invited(kept(random, carol), 0)] }],
    ['a box of 15 bytes', { mail: [{ ...mail[0]!, box: random(15) }] }],
  ])('with %s is our own mistake', (_, change) => {
    expect(() => encodeInviteFile({ link, bundle: alice.bundle.bytes, mail, ...change })).toThrow(RangeError)
  })
})
