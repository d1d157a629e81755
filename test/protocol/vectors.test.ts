/**
 * Golden bytes: what this version writes is what the first one wrote, and what the first one wrote is still read.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { wireVectors } from '../../scripts/make-vectors.ts'
import {
  accountFromEntropy,
  accountId,
  accountKeyOf,
  checkHelloProof,
  type Content,
  decodeBundle,
  decodeContents,
  decodeDeviceLog,
  decodeHelloAnswer,
  decodeHelloOpening,
  decodeInvite,
  entropyOf,
  isEquivocation,
  parseAccountId,
  textDigest,
  unpadFrame,
  utf8,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { open } from '../../src/protocol/crypto/aead.ts'
import { xwingDecapsulate } from '../../src/protocol/crypto/xwing.ts'
import { hex, unhex } from './seeded.ts'

const stored: Record<string, string> = JSON.parse(
  readFileSync(new URL('../vectors/wire.json', import.meta.url), 'utf8'),
)
const text = (name: string) => stored[name] ?? ''
const bytes = (name: string) => unhex(text(name))

test('every vector is made again, byte for byte', () => {
  expect(wireVectors()).toEqual(stored)
})

describe('the stored bytes are still read', () => {
  const account = accountKeyOf(parseAccountId(text('account id'))!)

  test('account', () => {
    expect(hex(entropyOf(text('phrase'))!)).toBe(text('entropy'))
    expect(accountId(accountFromEntropy(p, bytes('entropy')).key)).toBe(text('account id'))
  })

  test('device logs', () => {
    expect(decodeDeviceLog(p, account, bytes('device log, one entry'))?.devices[0]?.id).toBe(text('device id'))
    const log = decodeDeviceLog(p, account, bytes('device log, every kind'))
    expect([log?.entries, log?.devices.length, hex(log!.head)]).toEqual([5, 2, text('device log head')])
    expect(isEquivocation(p, account, bytes('equivocation'))).toBe(true)
  })

  test('bundle and invites', () => {
    const bundle = decodeBundle(p, bytes('bundle'))
    expect(hex(bundle!.hash)).toBe(text('bundle hash'))
    const invite = decodeInvite(text('invite, one use'))
    expect(invite?.addresses).toHaveLength(4)
    expect(invite?.bundleHash).toEqual(bundle?.hash.subarray(0, 16))
    expect(decodeInvite(text('invite, several uses'))?.oneTimeKey).toBeNull()
  })

  test('contents', () => {
    expect(decodeContents(bytes('contents'))?.map(({ kind }) => kind)).toEqual([
      'text',
      'text',
      'receipt',
      'profile',
      'addresses',
      'secret',
      'devices',
      'repair',
    ])
    const [first] = decodeContents(bytes('contents'))!
    const digest = textDigest(p, first as Extract<Content, { kind: 'text' }>)
    expect(hex(digest)).toBe(text('text digest'))
    expect(decodeContents(bytes('receipt and differing'))).toEqual([
      { kind: 'receipt', received: [[1, 9]], shown: [] },
      { kind: 'differing', counters: [[4, 5]] },
    ])
    expect(decodeContents(bytes('compare and digests'))).toEqual([
      { kind: 'compare', from: 4, to: 259 },
      { kind: 'digests', from: 7, digests: [digest, null, new Uint8Array(16)] },
    ])
  })

  test('hello', () => {
    const { devices } = decodeDeviceLog(p, account, bytes('device log, one entry'))!
    const ends = [utf8('peer-a'), utf8('peer-b')] as const
    const { proof, tag } = decodeHelloAnswer(bytes('hello answer'))!
    expect(
      checkHelloProof(p, bytes('contact secret'), devices, 'listener', ...ends, bytes('hello nonces'), proof),
    ).toBe(text('device id'))
    expect(hex(tag)).toBe(text('hello tag'))
    expect(decodeHelloOpening(bytes('hello opening'))?.day).toBe(20_454)
  })

  test('padded frame, sealed text, X-Wing', () => {
    expect(unpadFrame(bytes('padded frame'))).toEqual(utf8('frame'))
    expect(open(p, bytes('sealed key'), utf8('label'), bytes('sealed'), utf8('data'))).toEqual(utf8('plaintext'))
    expect(hex(xwingDecapsulate(p, bytes('seal seed'), bytes('xwing ciphertext'))!)).toBe(text('xwing shared secret'))
  })
})
