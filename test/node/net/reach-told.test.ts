import { describe, expect, test } from 'vitest'
import type { InterfaceAddress } from '../../../src/node/net/machine.ts'
import { Reachability } from '../../../src/node/net/reach/reachability.ts'
import { addressOfBytes, bytesOfAddress, mayBelieve, mayTell, prefixOf } from '../../../src/node/net/reach/told.ts'
import { parsed } from './dht-hostile.ts'
import { random } from './world.ts'

const interfaces: readonly InterfaceAddress[] = [
  { address: '127.0.0.1', family: 4, prefix: 8, internal: true, name: 'lo' },
  { address: '192.168.7.2', family: 4, prefix: 24, internal: false, name: 'lan0' },
  { address: '10.9.0.1', family: 4, prefix: 16, internal: false, name: 'lan1' },
  { address: 'fd00::1', family: 6, prefix: 64, internal: false, name: 'lan0' },
]
const tcp = (host: string) => parsed(`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/4001`)
const far = tcp('203.0.113.9')

test.for<[string, string, boolean, boolean]>([
  // address, who tells it, believed, believed with lanOnly
  ['198.51.100.1', '203.0.113.9', true, false],
  ['198.51.100.1', '192.168.7.9', true, false],
  ['192.168.7.77', '192.168.7.9', true, true],
  ['192.168.7.77', '203.0.113.9', false, false],
  ['192.168.7.77', '10.9.3.3', false, false],
  ['192.168.8.77', '192.168.7.9', false, false],
  ['10.9.200.1', '10.9.3.3', true, true],
  ['10.10.0.1', '203.0.113.9', false, false],
  ['127.0.0.1', '127.0.0.1', true, true],
  ['127.0.0.1', '192.168.7.9', false, false],
  ['127.0.0.1', '203.0.113.9', false, false],
  ['0.0.0.0', '127.0.0.1', false, false],
  ['169.254.1.1', '192.168.7.9', false, false],
  ['239.1.2.3', '192.168.7.9', false, false],
  ['255.255.255.255', '192.168.7.9', false, false],
  ['::1', '203.0.113.9', false, false],
  ['::ffff:127.0.0.1', '203.0.113.9', false, false],
  ['::ffff:192.168.7.5', '203.0.113.9', false, false],
  ['::', '203.0.113.9', false, false],
  ['fe80::1', '192.168.7.9', false, false],
  ['ff02::1', '203.0.113.9', false, false],
  ['fd00::5', 'fd00::9', true, true],
  ['fd00::5', '203.0.113.9', false, false],
  ['2001:db8::1', '203.0.113.9', true, false],
])('%s told by %s: believed %s, on a closed LAN %s', ([address, teller, believed, near]) => {
  expect(mayBelieve(tcp(address), tcp(teller), interfaces, false)).toBe(believed)
  expect(mayBelieve(tcp(address), tcp(teller), interfaces, true)).toBe(near)
})

test('nothing but TCP and WebSocket is believed, and nothing near without knowing who tells it', () => {
  expect(mayBelieve(parsed('/ip4/198.51.100.1/tcp/1/ws'), far, interfaces, false)).toBe(true)
  expect(mayBelieve(parsed('/ip4/198.51.100.1/udp/1/webrtc-direct'), far, interfaces, false)).toBe(false)
  expect(mayBelieve(tcp('192.168.7.77'), undefined, interfaces, false)).toBe(false)
})

test('private addresses are told to who shares the subnet alone, public ones to all', () => {
  expect(mayTell(tcp('192.168.7.77'), tcp('192.168.7.9'), interfaces)).toBe(true)
  expect(mayTell(tcp('192.168.7.77'), tcp('10.9.3.3'), interfaces)).toBe(false)
  expect(mayTell(tcp('192.168.7.77'), far, interfaces)).toBe(false)
  expect(mayTell(tcp('127.0.0.1'), tcp('192.168.7.9'), interfaces)).toBe(false)
  expect(mayTell(tcp('127.0.0.1'), tcp('127.0.0.1'), interfaces)).toBe(true)
  expect(mayTell(tcp('198.51.100.1'), undefined, interfaces)).toBe(true)
})

test('bytes are an address or none', () => {
  for (const host of ['203.0.113.9', '2001:db8::1'])
    expect(addressOfBytes(bytesOfAddress(tcp(host)))).toEqual(tcp(host))
  for (let i = 0; i < 2000; i++) addressOfBytes(random(i % 70))
  expect(addressOfBytes(new Uint8Array())).toBeUndefined()
})

test('strangers are charged by their prefix, neighbours one by one', () => {
  expect(prefixOf(tcp('203.0.113.9'), false)).toBe(prefixOf(tcp('203.0.113.77'), false))
  expect(prefixOf(tcp('203.0.113.9'), false)).not.toBe(prefixOf(tcp('203.0.114.9'), false))
  expect(prefixOf(tcp('2001:db8:1::1'), false)).toBe(prefixOf(tcp('2001:db8:1:ff::1'), false))
  expect(prefixOf(tcp('192.168.7.1'), true)).not.toBe(prefixOf(tcp('192.168.7.2'), true))
})

describe('reachability', () => {
  const here = '/ip4/198.51.100.1/tcp/4001'
  const hour = 3_600_000

  test('two places that got through are believed, one is not, however often it says so', () => {
    const reachability = new Reachability(2 * hour)
    for (let i = 0; i < 5; i++) reachability.tried(here, 'a', true, i)
    expect([reachability.isPublic(10), reachability.confirmed(10)]).toEqual(['unknown', []])
    reachability.tried(here, 'b', true, 20)
    expect([reachability.isPublic(30), reachability.confirmed(30)]).toEqual(['yes', [here]])
  })

  test('what was long ago is not known any more', () => {
    const reachability = new Reachability(2 * hour)
    reachability.observe('/ip4/198.51.100.1', 'a', 0)
    reachability.tried(here, 'a', true, 0)
    reachability.tried(here, 'b', true, hour)
    expect(reachability.isPublic(1.5 * hour)).toBe('yes')
    expect(reachability.isPublic(2.5 * hour)).toBe('unknown')
    expect(reachability.observed(2.5 * hour)).toEqual([])
  })

  test('two places that did not get through: nobody does; but one that did leaves it open', () => {
    const reachability = new Reachability(2 * hour)
    for (let i = 0; i < 5; i++) reachability.tried(here, 'a', false, 0)
    expect(reachability.isPublic(1)).toBe('unknown')
    reachability.tried(here, 'b', false, 0)
    expect(reachability.isPublic(1)).toBe('no')
    reachability.tried(here, 'd', true, 2)
    expect(reachability.isPublic(3)).toBe('unknown')
  })

  test('a place is not asked twice for the same', () => {
    const reachability = new Reachability(2 * hour)
    expect(reachability.wants(here, 'a', 0)).toBe(true)
    reachability.tried(here, 'a', false, 0)
    expect([reachability.wants(here, 'a', 1), reachability.wants(here, 'b', 1)]).toEqual([false, true])
    expect(reachability.wants(here, 'a', 1.5 * hour)).toBe(true)
  })

  test('a crowd of liars is bounded', () => {
    const reachability = new Reachability(2 * hour)
    for (let i = 0; i < 1000; i++) {
      reachability.observe(`/ip4/198.51.${i % 250}.${i % 200}`, `${i}`, i)
      reachability.tried(`/ip4/198.51.100.1/tcp/${i}`, `${i}`, false, i)
    }
    expect(reachability.observed(1000).length).toBeLessThanOrEqual(8)
  })
})
