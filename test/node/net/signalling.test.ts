import { expect, test } from 'vitest'
import { Sieve } from '../../../src/node/net/relay/signalling.ts'
import { concat, fromUtf8, utf8 } from '../../../src/protocol/index.ts'
import { random } from './world.ts'

const varint = (n: number): Uint8Array => (n > 0x7f ? Uint8Array.of((n & 0x7f) | 0x80, n >> 7) : Uint8Array.of(n))
const sized = (bytes: Uint8Array): Uint8Array => concat(varint(bytes.length), bytes)

/** A message as libp2p writes it. */
const message = (kind: number, text: string): Uint8Array =>
  sized(concat(Uint8Array.of(0x08, kind, 0x12), sized(utf8(text))))
const candidate = (line: string): Uint8Array =>
  message(2, JSON.stringify({ candidate: line, sdpMid: '0', sdpMLineIndex: null, usernameFragment: null }))

/** The text of the one message that passed; `null`: it did not. */
function passed(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined) throw new Error('the stream was ended')
  if (bytes.length === 0) return null
  const head = bytes[0] !== undefined && bytes[0] > 0x7f ? 2 : 1
  const inner = bytes.subarray(head + 3)
  return fromUtf8(inner.subarray(inner[0] !== undefined && inner[0] > 0x7f ? 2 : 1)) ?? null
}
const lineOf = (bytes: Uint8Array | undefined): string | null => {
  const text = passed(bytes)
  return text === null ? null : JSON.parse(text).candidate
}

test.each([
  ['a=candidate:1 1 UDP 2114977791 192.0.2.2 49611 typ host', 'candidate:1 1 UDP 2114977791 192.0.2.2 49611 typ host'],
  [
    'candidate:3 1 udp 1678769407 198.51.100.7 5 typ srflx raddr router.example rport 0 ufrag x',
    'candidate:3 1 UDP 1678769407 198.51.100.7 5 typ srflx',
  ],
  ['candidate:2 1 UDP 9 2001:db8::7 65535 typ host', 'candidate:2 1 UDP 9 2001:db8::7 65535 typ host'],
  ['candidate:2 1 UDP 9 192.168.9.9 7 typ prflx', 'candidate:2 1 UDP 9 192.168.9.9 7 typ prflx'],
])('%s passes as nothing but its parts', (line, made) => {
  expect(lineOf(new Sieve().take(candidate(line)))).toBe(made)
})

test.each([
  'candidate:1 1 UDP 9 name.example 7 typ host',
  'candidate:1 1 UDP 9 0a1b2c3d.local 7 typ host',
  'candidate:1 1 UDP 9 face 7 typ host',
  'candidate:1 1 UDP 9 1.2 7 typ host',
  'candidate:1 1 UDP 9 0x7f.1 7 typ host',
  'candidate:1 1 UDP 9 1.2.3.4.5 7 typ host',
  'candidate:1 1 UDP 9 192.0.2.2 domain typ host',
  'candidate:1 1 UDP 9 192.0.2.2 0 typ host',
  'candidate:1 1 UDP 9 192.0.2.2 65536 typ host',
  'candidate:1 1 TCP 9 192.0.2.2 7 typ host tcptype passive',
  'candidate:1 1 UDP 9 192.0.2.2 7 typ host\r\na=candidate:1 1 UDP 9 name.example 7 typ host',
  'candidate:1 1 UDP 9 127.0.0.1 7 typ host',
  'candidate:1 1 UDP 9 0.0.0.0 7 typ host',
  'candidate:1 1 UDP 9 224.0.0.251 5353 typ host',
  'candidate:1 1 UDP 9 255.255.255.255 7 typ host',
  'candidate:1 1 UDP 9 ::1 7 typ host',
  'candidate:1 1 UDP 9 ::ffff:127.0.0.1 7 typ host',
  'candidate:1 1 UDP 9 ff02::1 7 typ host',
  'candidate:1 1 UDP 9 fe80::1%eth0 7 typ host',
  '',
])('%j does not pass', (line) => {
  expect(lineOf(new Sieve().take(candidate(line)))).toBeNull()
})

const SDP = [
  'v=0',
  'o=rtc 4155623432 0 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=msid-semantic:WMS *',
  'a=ice-options:ice2,trickle',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=sendrecv',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
  'a=setup:actpass',
  'a=ice-ufrag:bGZs',
  'a=ice-pwd:Rogk7DmrHykFeLoNfc9AsK',
]

test('a description passes whole; names in it, and lines of other kinds, do not', () => {
  const whole = `${SDP.join('\r\n')}\r\n`
  for (const kind of [0, 1]) expect(passed(new Sieve().take(message(kind, whole)))).toBe(whole)
  const more = [
    ...SDP,
    'a=candidate:1 1 UDP 9 192.0.2.2 7 typ host',
    'a=candidate:1 1 UDP 9 name.example 7 typ host',
    ' a=candidate:1 1 UDP 9 name.example 7 typ host',
    'A=candidate:1 1 UDP 9 name.example 7 typ host',
    'a=candidate :1 1 UDP 9 name.example 7 typ host',
    'c=IN IP4 name.example',
    'o=rtc 1 1 IN IP4 name.example',
    'a=remote-candidates:1 name.example 7',
    'a=rtcp:7 IN IP4 name.example',
    'm=audio 7 RTP/AVP 0',
  ].join('\n')
  expect(passed(new Sieve().take(message(0, more)))).toBe(`${whole}a=candidate:1 1 UDP 9 192.0.2.2 7 typ host\r\n`)
})

test('the end of the candidates passes, other JSON does not', () => {
  expect(passed(new Sieve().take(message(2, 'null')))).toBe('null')
  expect(passed(new Sieve().take(message(2, '""')))).toBe('""')
  for (const text of ['{', '7', '[]', '{"candidate":7}', '"name.example"'])
    expect(passed(new Sieve().take(message(2, text)))).toBeNull()
})

test('in whatever pieces it comes, the same passes', () => {
  const all = concat(message(0, SDP.join('\r\n')), candidate('candidate:1 1 UDP 9 192.0.2.2 7 typ host'))
  const whole = new Sieve().take(all) ?? new Uint8Array()
  expect(whole.length).toBeGreaterThan(500)
  for (const length of [1, 2, 3, 100, 499]) {
    const sieve = new Sieve()
    const pieces: Uint8Array[] = []
    for (let at = 0; at < all.length; at += length) pieces.push(sieve.take(all.subarray(at, at + length)) ?? random(1))
    expect(concat(...pieces)).toEqual(whole)
  }
})

test('sixteen candidates pass, in descriptions and after them together', () => {
  const line = (n: number): string => `candidate:1 1 UDP 9 192.0.2.${n} 7 typ host`
  const sieve = new Sieve()
  const description = Array.from({ length: 10 }, (_, n) => `a=${line(n + 1)}`).join('\r\n')
  expect(passed(sieve.take(message(0, description)))?.split('\r\n')).toHaveLength(11)
  const after = Array.from({ length: 10 }, (_, n) => lineOf(sieve.take(candidate(line(n + 11)))))
  expect(after.filter((made) => made !== null)).toHaveLength(6)
})

test('what is no negotiation ends it for good', () => {
  const good = message(2, 'null')
  const wrong = [
    sized(Uint8Array.of(0x08, 3, 0x12, 0)),
    sized(Uint8Array.of(0x10, 2, 0x12, 0)),
    sized(Uint8Array.of(0x08, 2)),
    sized(concat(Uint8Array.of(0x08, 2, 0x12), sized(utf8('null')), Uint8Array.of(0x12, 0))),
    sized(Uint8Array.of(0x08, 2, 0x12, 1, 0xff)),
    Uint8Array.of(0xff, 0xff, 0xff, 0x7f),
    concat(varint(8193), new Uint8Array(8193)),
    concat(...Array.from({ length: 65 }, () => good)),
  ]
  for (const bytes of wrong) {
    const sieve = new Sieve()
    expect(sieve.take(bytes)).toBeUndefined()
    expect(sieve.take(good)).toBeUndefined()
  }
  for (let i = 0; i < 2000; i++) new Sieve().take(random(i % 300))
})
