/**
 * A local network on which somebody announces more peers than there is room for.
 *
 * Not held off: where that somebody fills the tables of both, two contacts who know no address of each other do not meet on
 * this network until the announcements stop (lanGoneMs).
 */
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import type { Machine, MulticastListener } from '../../../src/node/net/machine.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { friends, machineWith, online, random } from './world.ts'

const LOOPBACK = '127.0.0.1'

/** One end of a local network: what is said on it, the test says. */
function ear(changes: Partial<Machine> = {}): {
  readonly machine: Machine
  hear(texts: readonly string[]): void
  says(): readonly string[]
} {
  let listener: MulticastListener | undefined
  const machine = machineWith({
    interfaces: () => [{ address: LOOPBACK, family: 4, prefix: 8, internal: true, name: 'lo' }],
    multicast: (_service, given) => {
      listener = given
      return { ask: () => {}, refresh: () => {}, stop: async () => {} }
    },
    ...changes,
  })
  return {
    machine,
    hear: (texts) => listener?.heard(texts),
    says: () => listener?.announcement(LOOPBACK)?.texts ?? [],
  }
}

/** As many peers as there is room for, none of whom answers. */
function crowd(): string[][] {
  return Array.from({ length: LIMITS.lanPeers }, () => {
    const id = peerIdFromPublicKey(publicKeyFromRaw(random(32)))
    return [`dnsaddr=/ip4/${LOOPBACK}/tcp/9/p2p/${id}`]
  })
}

const mdns = { mdns: true }

test('a contact that our full table has no room for still comes by itself', async () => {
  const { alice, bob } = friends()
  const [ofAlice, ofBob] = [ear(), ear()]
  const a = await online(alice, { config: mdns, machine: ofAlice.machine })
  const b = await online(bob, { config: mdns, machine: ofBob.machine })
  for (const texts of crowd()) ofAlice.hear(texts)
  expect(a.net.lanPeers()).toBe(LIMITS.lanPeers)
  ofAlice.hear(ofBob.says())
  expect(a.net.lanPeers(), 'no room').toBe(LIMITS.lanPeers)
  ofBob.hear(ofAlice.says())
  expect(await a.heard.next('connected')).toMatchObject({ contact: bob.id, dialed: false, via: 'lan' })
  await b.heard.next('connected')
})

test('where both tables are full, contacts reach each other by an address that they know', async () => {
  const { alice, bob } = friends()
  const [ofAlice, ofBob] = [ear(), ear()]
  const a = await online(alice, { config: mdns, machine: ofAlice.machine })
  const b = await online(bob, { config: mdns, machine: ofBob.machine })
  for (const texts of crowd()) for (const one of [ofAlice, ofBob]) one.hear(texts)
  a.want(bob, [b.address])
  await a.heard.next('connected')
  await b.heard.next('connected')
})

test('there is room again once the crowd has been silent for long', async () => {
  const { alice, bob } = friends()
  let later = 0
  const [ofAlice, ofBob] = [ear({ now: () => Date.now() + later }), ear()]
  const a = await online(alice, { config: mdns, machine: ofAlice.machine })
  await online(bob, { config: mdns, machine: ofBob.machine })
  for (const texts of crowd()) ofAlice.hear(texts)
  ofAlice.hear(ofBob.says())
  expect(a.heard.of('connected')).toEqual([])
  later = LIMITS.lanGoneMs + 1
  ofAlice.hear(ofBob.says())
  expect(await a.heard.next('connected')).toMatchObject({ contact: bob.id, dialed: true })
})
