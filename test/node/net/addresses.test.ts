import { expect, test } from 'vitest'
import {
  type Address,
  inDialOrder,
  isNear,
  ownAddresses,
  parseAddress,
  someOf,
} from '../../../src/node/net/addresses.ts'
import type { InterfaceAddress } from '../../../src/node/net/machine.ts'

const four = (address: string, prefix: number, internal = false): InterfaceAddress => ({
  address,
  prefix,
  internal,
  family: 4,
  name: address,
})
const six = (address: string, prefix: number, internal = false): InterfaceAddress => ({
  address,
  prefix,
  internal,
  family: 6,
  name: address,
})

const loopback = [four('127.0.0.1', 8, true), six('::1', 128, true)]
const home = [...loopback, four('192.168.7.20', 22), six('fe80::1', 64), six('fd00:7::2', 64), six('2001:db8:1::2', 64)]
const address = (text: string) => parseAddress(text)!

test('what is ours: widest reach first, nothing that only we understand, loopback when there is nothing else', () => {
  expect(ownAddresses([...home, four('169.254.1.1', 16), four('203.0.113.5', 24)], 7733)).toEqual([
    '/ip4/203.0.113.5/tcp/7733',
    '/ip6/2001:db8:1::2/tcp/7733',
    '/ip4/192.168.7.20/tcp/7733',
    '/ip6/fd00:7::2/tcp/7733',
    '/ip4/169.254.1.1/tcp/7733',
  ])
  expect(ownAddresses(loopback, 1)).toEqual(['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1'])
  expect(ownAddresses([], 1)).toEqual([])
})

test('near is this machine, the link, and the subnets of our interfaces, to the bit', () => {
  const yes = ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1', '/ip4/169.254.9.9/tcp/1', '/ip6/fe80::9/tcp/1']
  const subnets = [
    '/ip4/192.168.4.0/tcp/1',
    '/ip4/192.168.7.255/tcp/1',
    '/ip6/fd00:7::ffff/tcp/1',
    '/ip6/2001:db8:1::9/tcp/1',
  ]
  const no = [
    '/ip4/192.168.3.255/tcp/1',
    '/ip4/192.168.8.0/tcp/1',
    '/ip4/8.8.8.8/tcp/1',
    '/ip6/fd00:8::1/tcp/1',
    '/ip6/2001:db8:2::1/tcp/1',
  ]
  for (const text of [...yes, ...subnets]) expect(isNear(address(text), home), text).toBe(true)
  for (const text of no) expect(isNear(address(text), home), text).toBe(false)
  expect(isNear(address('/ip6/c0a8:0714::/tcp/1'), home), 'the bits of one family do not count for the other').toBe(
    false,
  )
})

test('the order of dialing: this network, this machine, the world, other private networks', () => {
  const order = ['/ip4/192.168.7.9/tcp/1', '/ip4/127.0.0.1/tcp/1', '/ip4/8.8.8.8/tcp/1', '/ip4/10.0.0.1/tcp/1']
  const shuffled = [order[3]!, order[2]!, order[1]!, order[0]!].map(address)
  expect(inDialOrder(shuffled, home).map(({ text }) => text)).toEqual(order)
})

const PEER = '12D3KooWSd2zi8ieyfbxNJeyFsJgY68Y11v95fb3wP9uaqpinouJ'
const RELAY = '12D3KooWBtp1AcgweFSArD7dbKWYpAr8MZR1tofwNwLFLjeNGLWa'
const HASH = 'uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g'

test('relayed ones come last, however near the relay is, and what needs less goes first', () => {
  const order = [
    '/ip4/192.168.7.9/tcp/1',
    '/ip4/192.168.7.9/tcp/1/ws',
    '/ip4/8.8.8.8/tcp/1',
    '/ip4/8.8.8.8/tcp/1/ws',
    `/ip4/8.8.8.8/udp/1/webrtc-direct/certhash/${HASH}`,
    '/ip4/10.0.0.1/tcp/1',
    `/ip4/192.168.7.9/tcp/1/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`,
    `/ip4/8.8.8.8/tcp/1/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`,
  ]
  expect(inDialOrder(order.toReversed().map(address), home).map(({ text }) => text)).toEqual(order)
})

test('many direct addresses leave places for relayed ones, and the other way round', () => {
  const direct = Array.from({ length: 12 }, (_, i) => address(`/ip4/8.8.8.8/tcp/${i + 1}`))
  const relayed = Array.from({ length: 12 }, (_, i) =>
    address(`/ip4/8.8.8.8/tcp/${i + 1}/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`),
  )
  const count = (all: readonly Address[]): number[] => [
    all.filter(({ relay }) => relay === null).length,
    all.filter(({ relay }) => relay !== null).length,
  ]
  expect(count(someOf([...direct, ...relayed], 10))).toEqual([6, 4])
  expect(count(someOf([...direct, ...relayed.slice(0, 1)], 10))).toEqual([9, 1])
  expect(count(someOf([...direct.slice(0, 1), ...relayed], 10))).toEqual([1, 9])
  expect(count(someOf(direct, 10))).toEqual([10, 0])
})

test('an address is an IP address with a transport, or a relay behind one', () => {
  expect(address('/ip4/10.0.0.1/tcp/5').ip).toEqual(Uint8Array.of(10, 0, 0, 1))
  expect(address('/ip6/2001:0db8:0:0::1/tcp/5').text).toBe('/ip6/2001:db8::1/tcp/5')
  const direct = [
    ['/ip4/10.0.0.1/tcp/5', 'tcp'],
    ['/ip6/2001:db8::1/tcp/5/ws', 'ws'],
    [`/ip4/10.0.0.1/udp/5/webrtc-direct/certhash/${HASH}`, 'webrtc-direct'],
    ['/ip4/10.0.0.1/udp/5/webrtc-direct', 'webrtc-direct'],
  ] as const
  for (const [text, transport] of direct) {
    const parsed = { text, transport, port: 5, relay: null }
    expect(parseAddress(text), text).toMatchObject({ ...parsed, peer: null })
    expect(parseAddress(`${text}/p2p/${PEER}`), text).toMatchObject({ ...parsed, peer: PEER })
  }
  for (const text of ['/ip4/10.0.0.1/tcp/5', '/ip6/2001:db8::1/tcp/5/ws']) {
    const relayed = `${text}/p2p/${RELAY}/p2p-circuit`
    const parsed = { transport: 'relayed', port: 5, relay: RELAY }
    expect(parseAddress(relayed), text).toMatchObject({ ...parsed, text: relayed, peer: null })
    const whole = `${relayed}/p2p/${PEER}`
    expect(parseAddress(whole), text).toMatchObject({ ...parsed, text: whole, peer: PEER })
  }
})

test('nothing else is one: no name, no relay behind a relay, no PeerID that is none', () => {
  const not = [
    '',
    '/',
    'x',
    '/ip4/10.0.0.1',
    '/ip4/10.0.0.1/tcp/0',
    '/ip4/10.0.0.1/tcp/70000',
    '/ip4/256.0.0.1/tcp/1',
    '/dns4/a.b/tcp/1',
    '/ip4/1.2.3.4/udp/1',
    '/ip4/1.2.3.4/udp/1/quic-v1',
    '/ip4/1.2.3.4/tcp/1/tls/ws',
    '/ip4/1.2.3.4/tcp/1/wss',
    '/ip4/1.2.3.4/tcp/1/webrtc-direct',
    '/ip4/1.2.3.4/tcp/1/p2p-circuit',
    '/p2p-circuit',
    `/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`,
    `/ip4/1.2.3.4/tcp/1/p2p/${RELAY}/p2p-circuit/p2p/${RELAY}`,
    `/ip4/1.2.3.4/tcp/1/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${PEER}`,
    `/ip4/1.2.3.4/tcp/1/p2p/${RELAY}/p2p-circuit/p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
    `/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/${HASH}/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`,
    `/ip4/1.2.3.4/tcp/1/p2p/${RELAY}/p2p/${PEER}`,
    `/dns4/a.b/tcp/1/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`,
    '/ip4/1.2.3.4/tcp/1/p2p/nobody',
    `/ip4/1.2.3.4/tcp/1/p2p/${PEER}${'/p2p-circuit'.repeat(100)}`,
  ]
  for (const text of not) expect(parseAddress(text), text).toBeUndefined()
})
