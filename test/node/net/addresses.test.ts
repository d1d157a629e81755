import { expect, test } from 'vitest'
import { inDialOrder, isNear, ownAddresses, parseAddress } from '../../../src/node/net/addresses.ts'
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

test('an address is an IP address and a TCP port', () => {
  expect(address('/ip4/10.0.0.1/tcp/5').ip).toEqual(Uint8Array.of(10, 0, 0, 1))
  expect(address('/ip6/2001:0db8:0:0::1/tcp/5').text).toBe('/ip6/2001:db8::1/tcp/5')
  const peer = '12D3KooWSd2zi8ieyfbxNJeyFsJgY68Y11v95fb3wP9uaqpinouJ'
  expect(address(`/ip4/10.0.0.1/tcp/5/p2p/${peer}`)).toMatchObject({ text: '/ip4/10.0.0.1/tcp/5', peer })
  const not = [
    '',
    '/',
    'x',
    '/ip4/10.0.0.1',
    '/ip4/10.0.0.1/tcp/0',
    '/ip4/10.0.0.1/tcp/70000',
    '/ip4/256.0.0.1/tcp/1',
    '/dns4/a.b/tcp/1',
  ]
  const nor = ['/ip4/1.2.3.4/tcp/1/ws', '/ip4/1.2.3.4/udp/1', `/ip4/1.2.3.4/tcp/1/p2p/${peer}/p2p-circuit`]
  for (const text of [...not, ...nor]) expect(parseAddress(text), text).toBeUndefined()
})
