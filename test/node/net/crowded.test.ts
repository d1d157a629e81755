/**
 * A local network on which somebody announces more peers than there is room for, or peers that keep whoever dials them waiting.
 */
import { createServer } from 'node:net'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { expect, onTestFinished, test } from 'vitest'
import type { Machine, MulticastListener } from '../../../src/node/net/machine.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { friends, machineWith, online, random } from './world.ts'

const LOOPBACK = '127.0.0.1'

/** One end of a local network: what is said on it, the test says. */
function ear(changes: Partial<Machine> = {}): {
  readonly machine: Machine
  hear(texts: readonly string[], from?: string): void
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
    hear: (texts, from) => listener?.heard(texts, from),
    says: () => listener?.announcement(LOOPBACK)?.texts ?? [],
  }
}

/** As many peers as there is room for, of whom none listens; or so many at another address. */
function crowd(count = LIMITS.lanPeers, at = `/ip4/${LOOPBACK}/tcp/9`): string[][] {
  return Array.from({ length: count }, () => {
    const id = peerIdFromPublicKey(publicKeyFromRaw(random(32)))
    return [`dnsaddr=${at}/p2p/${id}`]
  })
}

/** Takes every connection and says nothing; tells how many came. */
async function silent(host: string): Promise<{ readonly at: string; came(): number }> {
  const sockets = new Set<import('node:net').Socket>()
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return { at: `/ip4/${host}/tcp/${address.port}`, came: () => sockets.size }
}

const mdns = { mdns: true }

test('where the tables of both are full, contacts who know no address of each other meet all the same', async () => {
  const { alice, bob } = friends()
  const [ofAlice, ofBob] = [ear(), ear()]
  const a = await online(alice, { config: mdns, machine: ofAlice.machine })
  const b = await online(bob, { config: mdns, machine: ofBob.machine })
  for (const texts of crowd()) for (const one of [ofAlice, ofBob]) one.hear(texts)
  expect([a.net.lanPeers(), b.net.lanPeers()]).toEqual([LIMITS.lanPeers, LIMITS.lanPeers])
  ofAlice.hear(ofBob.says())
  ofBob.hear(ofAlice.says())
  expect(a.net.lanPeers(), 'one went for it').toBe(LIMITS.lanPeers)
  expect(await a.heard.next('connected')).toMatchObject({ contact: bob.id, via: 'lan' })
  await b.heard.next('connected')
})

test('many peers at one silent address hold up one greeting, not a contact', async () => {
  const { alice, bob } = friends()
  const [ofAlice, ofBob] = [ear(), ear()]
  const a = await online(alice, { config: mdns, machine: ofAlice.machine })
  await online(bob, { config: mdns, machine: ofBob.machine })
  const mute = await silent('127.0.0.2')
  for (const texts of crowd(64, mute.at)) ofAlice.hear(texts)
  ofAlice.hear(ofBob.says())
  expect(await a.heard.next('connected')).toMatchObject({ contact: bob.id, dialed: true })
  // One each five seconds.
  expect(mute.came()).toBeLessThan(8)
})

test('nobody is taken at their word about where another is', async () => {
  const { alice, bob } = friends()
  const [ofAlice, ofBob] = [ear(), ear()]
  const a = await online(alice, { config: mdns, machine: ofAlice.machine })
  await online(bob, { config: mdns, machine: ofBob.machine })
  ofAlice.hear(ofBob.says(), '127.0.0.9')
  expect(a.net.lanPeers()).toBe(0)
  ofAlice.hear(ofBob.says(), LOOPBACK)
  expect(a.net.lanPeers()).toBe(1)
  await a.heard.next('connected')
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
