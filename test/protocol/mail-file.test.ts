/**
 * Files of mail and of invites: what a file brings, and what is left of one that was damaged.
 */
import { describe, expect, test } from 'vitest'
import {
  BUNDLE_BYTES,
  concat,
  decodeInviteFile,
  decodeMailPiece,
  ENVELOPE_ROOM,
  encodeInvite,
  encodeInviteFile,
  encodeMailPiece,
  envelopeId,
  INVITE_FILE_CHARACTERS,
  type InviteFile,
  MAIL_PIECE_BYTES,
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

/** The beginning of a piece, and zeros: one byte too many of them. */
const ONE_TOO_MANY = (() => {
  const bytes = new Uint8Array(MAIL_PIECE_BYTES + 1)
  bytes.set(utf8('tulnic mail 1\n'))
  return bytes
})()

describe('a piece of a file of mail', () => {
  test.each([0, 1, 7])('brings %i envelopes', (count) => {
    const envelopes = Array.from({ length: count }, (_, at) => envelope(1 + 900 * at))
    const read = decodeMailPiece(p, encodeMailPiece(p, envelopes))
    expect(read?.whole).toBe(true)
    expect(read?.envelopes.map(hex)).toEqual(envelopes.map(hex))
  })

  test('that is read twice brings the same envelopes, by their names', () => {
    const file = encodeMailPiece(p, [envelope(10), envelope(20)])
    const ids = () => decodeMailPiece(p, file)?.envelopes.map((each) => hex(envelopeId(p, each)))
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
    ['a byte too many', ONE_TOO_MANY],
  ])('is told from %s', (_, bytes) => {
    expect(decodeMailPiece(p, bytes)).toBeUndefined()
  })

  test('of the largest size is read', () => {
    expect(decodeMailPiece(p, ONE_TOO_MANY.subarray(0, MAIL_PIECE_BYTES))).toEqual({ envelopes: [], whole: false })
  })

  test('that is too large, or holds what is no envelope, is our own mistake', () => {
    const large = envelope(ENVELOPE_ROOM)
    const most = Math.floor(MAIL_PIECE_BYTES / (large.length + 20))
    expect(decodeMailPiece(p, encodeMailPiece(p, Array(most).fill(large)))).toMatchObject({ whole: true })
    expect(() => encodeMailPiece(p, Array(most + 1).fill(large))).toThrow(RangeError)
    expect(() => encodeMailPiece(p, [large, random(1024)])).toThrow(RangeError)
    expect(() => encodeMailPiece(p, [new Uint8Array(0)])).toThrow(RangeError)
  })

  test.each([
    ['cut off behind an envelope', (piece: Uint8Array) => piece.subarray(0, 18 + 20 + 1024)],
    ['with another piece behind it', (piece: Uint8Array) => concat(piece, piece)],
  ])('%s is not whole', (_, change) => {
    const read = decodeMailPiece(p, change(encodeMailPiece(p, [envelope(10), envelope(20)])))
    expect(read?.whole).toBe(false)
    expect(read?.envelopes.length).toBeGreaterThan(0)
  })

  test('may lie anywhere in a larger buffer', () => {
    const file = encodeMailPiece(p, [envelope(10)])
    const shifted = new Uint8Array(file.length + 3)
    shifted.set(file, 3)
    expect(decodeMailPiece(p, shifted.subarray(3))).toMatchObject({ whole: true, envelopes: { length: 1 } })
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
