/**
 * Bundles and invites: what they hold, their sizes, and what is refused.
 */
import { describe, expect, test } from 'vitest'
import {
  appendDevice,
  bundleAnswerMac,
  concat,
  createBundle,
  decodeBundle,
  decodeContents,
  decodeHints,
  decodeInvite,
  deviceIdBytes,
  deviceKeys,
  encodeContents,
  encodeHints,
  encodeInvite,
  fromBase64Url,
  inviteKey,
  inviteProof,
  isAddress,
  toBase64Url,
  utf8,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import {
  ADDRESS_CHARACTERS,
  BUNDLE_BYTES,
  DEVICE_LOG_BYTES,
  DEVICE_LOG_ENTRIES,
  INVITE_BYTES,
} from '../../src/protocol/limits.ts'
import type { Plain } from '../../src/protocol/wire/codec.ts'
import { encode } from '../../src/protocol/wire/codec.ts'
import { NOW, person, secrets } from './people.ts'
import { hex, seeded } from './seeded.ts'

const random = seeded(4)
const alice = person(random, p)
const mallory = person(random, p)
const invite = {
  account: alice.account.key,
  logHead: alice.log.head.subarray(0, 16),
  secret: random(32),
  oneTimeKey: p.x25519PublicKey(random(32)),
  bundleHash: alice.bundle.hash.subarray(0, 16),
  expiresAt: NOW,
  addresses: ['/ip4/192.168.1.7/tcp/4001', '/ip6/fe80::1:0:0:2/tcp/4001', '/ip4/127.0.0.1/tcp/65535/ws'],
}
const link = encodeInvite(invite)
const binary = (text: string) => fromBase64Url(text.slice('tulnic:'.length))!

describe('invite', () => {
  test('comes back as it was, with and without a one-time key', () => {
    expect(decodeInvite(link)).toEqual(invite)
    const shared = { ...invite, oneTimeKey: null, addresses: [] }
    expect(decodeInvite(encodeInvite(shared))).toEqual(shared)
  })

  test(`has at most ${INVITE_BYTES} bytes, however many addresses there are; the first ones stay`, () => {
    const addresses = Array.from({ length: 40 }, (_, n) => `/ip4/10.0.0.${n}/tcp/4001`)
    const many = encodeInvite({ ...invite, addresses })
    expect(binary(many).length).toBeLessThanOrEqual(INVITE_BYTES)
    expect(decodeInvite(many)?.addresses).toEqual(addresses.slice(0, 13))
    const six = Array.from({ length: 9 }, (_, n) => `/ip6/2001:db8::${n + 1}/tcp/4001`)
    expect(decodeInvite(encodeInvite({ ...invite, addresses: six }))?.addresses).toEqual(six.slice(0, 4))
  })

  test.each([
    ['spaces', `  ${link}\n`],
    ['quotes', `"${link}"`],
    ['a sentence', `Add me: ${link}. See you!`],
    ['angle brackets', `<${link}>`],
    ['markdown', `[me](${link})`],
    ['a shouted scheme', link.replace('tulnic:', 'TULNIC:')],
    ['a broken one before it', `tulnic:abc ${link.slice(0, 200)} ${link}`],
  ])('is found within %s', (_, text) => {
    expect(decodeInvite(text)?.secret).toEqual(invite.secret)
  })

  test.each([
    ['nothing', ''],
    ['no link', 'hello'],
    ['another scheme', link.replace('tulnic:', 'https:')],
    ['a cut link', link.slice(0, -1)],
    ['a lengthened link', `${link}A`],
    ['a letter exchanged', link.replace(/.{20}$/, (end) => (end[0] === 'A' ? 'B' : 'A') + end.slice(1))],
    ['a link in the wrong case', link.toLowerCase()],
    ['a megabyte before it', `${'x'.repeat(1_000_000)}${link}`],
  ])('is not found in %s', (_, text) => {
    expect(decodeInvite(text)).toBeUndefined()
  })

  test('no single damaged byte goes unnoticed', () => {
    const bytes = binary(link)
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      expect(decodeInvite(`tulnic:${toBase64Url(damaged)}`)).toBeUndefined()
    }
  })

  test('what an attacker can make with a right check is refused as well', () => {
    const remade = (change: (bytes: Uint8Array) => Uint8Array) => {
      const body = change(binary(link).slice(0, -4))
      return decodeInvite(
        `tulnic:${toBase64Url(concat(body, p.sha256(concat(LABELS.inviteCheck, body)).subarray(0, 4)))}`,
      )
    }
    const set = (at: number, bytes: Uint8Array) => (body: Uint8Array) => {
      body.set(bytes, at)
      return body
    }
    expect(remade((body) => body)).toEqual(invite)
    expect(remade(set(0, Uint8Array.of(2)))).toBeUndefined()
    expect(remade(set(1, Uint8Array.of(3)))).toBeUndefined()
    expect(remade(set(2, new Uint8Array(32)))).toBeUndefined()
    expect(remade(set(102, new Uint8Array(32)))).toBeUndefined()
    expect(remade(set(134, Uint8Array.of(9)))).toBeUndefined()
    expect(remade((body) => concat(body, Uint8Array.of(1, 10, 0)))).toBeUndefined()
    expect(remade((body) => concat(body, Uint8Array.of(1, 10, 0, 0, 1, 0, 0)))).toBeUndefined()
    // a multiple-use link has 32 bytes to spare, which must not become more addresses
    const shared = binary(encodeInvite({ ...invite, oneTimeKey: null, addresses: [] })).slice(0, -4)
    const stuffed = concat(shared, encodeHints(Array(14).fill('/ip4/10.0.0.1/tcp/1'), 1000))
    expect(remade(() => stuffed)).toBeUndefined()
  })

  test('misuse throws', () => {
    for (const expiresAt of [NOW + 1, -1000, 2 ** 32 * 1000, Number.NaN])
      expect(() => encodeInvite({ ...invite, expiresAt })).toThrow(RangeError)
    for (const part of ['logHead', 'secret', 'oneTimeKey', 'bundleHash'] as const) {
      expect(() => encodeInvite({ ...invite, [part]: new Uint8Array(7) })).toThrow(RangeError)
    }
  })

  test('its key, proofs and answers hang on the secret and on both ends in their order', () => {
    const [a, b] = [utf8('peer-a'), utf8('peer-b')]
    expect(inviteKey(p, invite.secret)).toHaveLength(16)
    const proofs = [
      inviteProof(p, invite.secret, a, b),
      inviteProof(p, invite.secret, b, a),
      inviteProof(p, random(32), a, b),
      inviteProof(p, invite.secret, utf8('peer-ap'), utf8('eer-b')),
      bundleAnswerMac(p, invite.secret, 'used', new Uint8Array(0), a, b),
      bundleAnswerMac(p, invite.secret, 'expired', new Uint8Array(0), a, b),
      bundleAnswerMac(p, invite.secret, 'bundle', alice.bundle.bytes, a, b),
      bundleAnswerMac(p, invite.secret, 'bundle', alice.bundle.bytes, b, a),
    ]
    expect(new Set(proofs.map(hex)).size).toBe(proofs.length)
  })
})

const PEER = '12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu'

describe('addresses', () => {
  const relay = '12D3KooWBtp1AcgweFSArD7dbKWYpAr8MZR1tofwNwLFLjeNGLWa'
  const peer = '12D3KooWSd2zi8ieyfbxNJeyFsJgY68Y11v95fb3wP9uaqpinouJ'
  const widest = '/ip6/2001:1db8:1001:1001:1001:1001:1001:1001/tcp/65535/ws'

  test('relayed ones may be dialed, which name both ends and nothing else', () => {
    const relayed = ['/ip4/192.0.2.7/tcp/4001', widest].map((at) => `${at}/p2p/${relay}/p2p-circuit/p2p/${peer}`)
    for (const address of relayed) expect(isAddress(address), address).toBe(true)
    const not = [
      `/ip4/192.0.2.7/tcp/4001/p2p/${relay}`,
      `/ip4/192.0.2.7/tcp/4001/p2p/${relay}/p2p-circuit`,
      `/ip4/192.0.2.7/tcp/4001/p2p-circuit/p2p/${peer}`,
      `/ip4/192.0.2.7/udp/4001/p2p/${relay}/p2p-circuit/p2p/${peer}`,
      `/ip4/192.0.2.7/tcp/4001/tls/ws/p2p/${relay}/p2p-circuit/p2p/${peer}`,
      `/ip4/192.0.2.7/tcp/4001/p2p/${relay}/p2p-circuit/webrtc/p2p/${peer}`,
      `/ip4/192.0.2.7/tcp/4001/p2p/${relay}/p2p-circuit/p2p/${peer}/p2p-circuit/p2p/${peer}`,
      `/ip4/192.0.2.7/tcp/4001/p2p/${relay.slice(1)}/p2p-circuit/p2p/${peer}`,
      `/ip4/192.0.2.7/tcp/4001/p2p/${relay}/p2p-circuit/p2p/${peer}x`,
      `/dns4/a.b/tcp/4001/p2p/${relay}/p2p-circuit/p2p/${peer}`,
    ]
    for (const address of not) expect(isAddress(address), address).toBe(false)
    const contents = [{ kind: 'addresses', version: 1, addresses: relayed }] as const
    expect(decodeContents(encodeContents(contents))).toEqual(contents)
  })

  test.each([
    '/ip4/192.0.2.7/tcp/4001',
    '/ip4/0.0.0.0/udp/1/quic-v1',
    '/ip6/::/tcp/1',
    '/ip6/::1/tcp/65535/ws',
    '/ip6/2001:db8:0:0:1:0:0:1/tcp/443/tls/ws',
    `/ip4/192.0.2.7/tcp/4001/p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
    `/ip6/2001:db8:1111:2222:3333:4444:5555:6666/tcp/65535/ws/p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
    '/ip4/1.2.3.4/udp/9/webrtc-direct/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g',
  ])('%s may be dialed', (address) => {
    expect(isAddress(address)).toBe(true)
  })

  test.each([
    '',
    '/dns4/example.org/tcp/443',
    '/dnsaddr/example.org',
    '/ip4/example.org/tcp/1',
    '/ip4/256.1.1.1/tcp/1',
    '/ip4/01.1.1.1/tcp/1',
    '/ip4/1.1.1/tcp/1',
    '/ip4/1.1.1.1/tcp/0',
    '/ip4/1.1.1.1/tcp/65536',
    '/ip4/1.1.1.1/tcp/1/',
    '/ip4/1.1.1.1/tcp/1/p2p/12D3KooWAbc',
    '/ip4/1.1.1.1/tcp/1/p2p-circuit/p2p/12D3KooWAbc',
    `/ip4/1.1.1.1/tcp/1/p2p/${PEER}`,
    `/ip4/1.1.1.1/tcp/1/p2p/${PEER}/p2p-circuit`,
    `/dns4/example.org/tcp/1/p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
    `/p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
    `/ip4/1.1.1.1/tcp/1/p2p/${PEER}/p2p-circuit/p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
    `/ip4/1.1.1.1/tcp/1/p2p/${PEER}/p2p-circuit/p2p/${PEER}\n`,
    `/ip4/1.1.1.1/tcp/1/${'x/'.repeat(80)}p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
    '/ip6/:::1/tcp/1',
    '/ip6/1::2::3/tcp/1',
    '/ip6/1:2:3:4:5:6:7:8:9/tcp/1',
    '/ip6/12345::/tcp/1',
    '/ip6/::ffff:1.2.3.4/tcp/1',
    '/ip6/::1%eth0/tcp/1',
    '/unix/tmp/socket',
    `/ip4/1.1.1.1/tcp/1/${'x'.repeat(ADDRESS_CHARACTERS)}`,
    '/ip4/1.1.1.1/tcp/1\n',
    '/ip4/1.1.1.1/tcp/1/ws/../x',
  ])('%j may not', (address) => {
    expect(isAddress(address)).toBe(false)
  })

  test.each([
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:db8::0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0000:0001:0001:0001:0001:0001', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['fe80:0:0:0:1:2:3:4', 'fe80::1:2:3:4'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('IPv6 %s comes back as RFC 5952 writes it: %s', (given, canonical) => {
    expect(decodeHints(encodeHints([`/ip6/${given}/tcp/9`], 92))).toEqual([`/ip6/${canonical}/tcp/9`])
  })

  test('the first address through a relay has its place, behind the others', () => {
    const peer = (last: string): string => `12D3KooWSd2zi8ieyfbxNJeyFsJgY68Y11v95fb3wP9uaqpinou${last}`
    const relayed = (ip: string): string => `${ip}/tcp/4001/p2p/${peer('J')}/p2p-circuit/p2p/${peer('K')}`
    const near = Array.from({ length: 20 }, (_, i) => `/ip4/192.168.1.${i}/tcp/9`)
    const [four, six] = [
      relayed('/ip4/5.5.5.1'),
      `/ip6/2001:db8::1/tcp/443/ws/p2p/${peer('J')}/p2p-circuit/p2p/${peer('K')}`,
    ]
    expect(decodeHints(encodeHints([...near, four, six], 92))).toEqual([...near.slice(0, 3), four])
    expect(decodeHints(encodeHints([six, ...near], 92))).toEqual([near[0], six])
    for (let cut = 1; cut < 71; cut++) expect(decodeHints(encodeHints([four], 92).subarray(0, cut))).toBeUndefined()
  })

  test('what has no hint is left out', () => {
    expect(encodeHints(['/ip4/1.2.3.4/udp/9/quic-v1', '/dns4/x/tcp/1', 'nonsense'], 92)).toHaveLength(0)
  })
})

describe('bundle', () => {
  const body = (): Plain[] => [
    1,
    alice.log.account,
    alice.log.bytes,
    deviceIdBytes(alice.keys.id),
    alice.bundle.signedPrekey,
    alice.bundle.kemKey,
    alice.bundle.sealKey,
    NOW,
  ]
  const signed = (fields: Plain[], seed = alice.device.signingSeed) => {
    const encoded = encode(fields)
    return encode([encoded, p.sign(seed, concat(LABELS.bundle, encoded))])
  }
  const changed = (at: number, value: Plain) => {
    const fields = body()
    fields[at] = value
    return signed(fields)
  }

  test('comes back as it was, whatever its age, in less than a DHT record', () => {
    expect(decodeBundle(p, alice.bundle.bytes)).toEqual(alice.bundle)
    expect(decodeBundle(p, signed(body()))).toEqual(alice.bundle)
    expect(alice.bundle.bytes.length).toBeLessThan(3072)
    const old = createBundle(p, random, { log: alice.log, device: alice.device, createdAt: 0 }).bundle
    expect(decodeBundle(p, old.bytes)?.createdAt).toBe(0)
  })

  test('with the fullest log it still fits its bound', () => {
    let log = alice.log
    for (let n = 1; n < DEVICE_LOG_ENTRIES; n++)
      log = appendDevice(p, alice.account, log, deviceKeys(p, secrets(random)), NOW)
    const { bundle } = createBundle(p, random, { log, device: alice.device, createdAt: NOW })
    expect(decodeBundle(p, bundle.bytes)?.log.entries).toBe(DEVICE_LOG_ENTRIES)
    expect(bundle.bytes.length + DEVICE_LOG_BYTES - log.bytes.length).toBeLessThanOrEqual(BUNDLE_BYTES)
  })

  const beyondModulus = alice.bundle.kemKey.slice().fill(0xff, 0, 3)
  test.each<[string, () => Uint8Array]>([
    ['signed by another device', () => signed(body(), mallory.device.signingSeed)],
    ['signed by the account', () => signed(body(), alice.account.seed)],
    ['another account over the log', () => changed(1, mallory.account.key)],
    ["another account's log", () => changed(2, mallory.log.bytes)],
    ['a device that is not in the log', () => changed(3, deviceIdBytes(mallory.keys.id))],
    ['a signed prekey of low order', () => changed(4, new Uint8Array(32))],
    ['a KEM key beyond the modulus', () => changed(5, beyondModulus)],
    ['a seal key beyond the modulus', () => changed(6, concat(beyondModulus, alice.bundle.sealKey.subarray(1184)))],
    ['a seal key of low order', () => changed(6, concat(alice.bundle.kemKey, new Uint8Array(32)))],
    ['a short KEM key', () => changed(5, alice.bundle.kemKey.subarray(1))],
    ['another version', () => changed(0, 2)],
    ['one field more', () => signed([...body(), 0])],
    ['too many bytes', () => changed(2, new Uint8Array(BUNDLE_BYTES))],
  ])('%s is refused', (_, make) => {
    expect(decodeBundle(p, make())).toBeUndefined()
  })

  test('a device that is not live cannot make one', () => {
    expect(() => createBundle(p, random, { log: alice.log, device: mallory.device, createdAt: NOW })).toThrow(
      RangeError,
    )
  })
})
