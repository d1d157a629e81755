import { generateKeyPair, publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Lan, type LanPeer, serviceName } from '../../../src/node/net/lan/lan.ts'
import type { InterfaceAddress, MulticastListener } from '../../../src/node/net/machine.ts'
import type { Acquaintances } from '../../../src/node/net/net.ts'
import { LIMITS, type Limits } from '../../../src/node/net/protocols.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import { find, owner, publish, recordOf, until } from './dht-world.ts'
import { acquaintancesOf, befriend, friends, machineWith, online, person, random } from './world.ts'

const lan0 = (address: string, family: 4 | 6, prefix: number): InterfaceAddress => ({
  address,
  family,
  prefix,
  internal: false,
  name: 'lan0',
})
const interfaces: readonly InterfaceAddress[] = [
  lan0('192.168.7.2', 4, 24),
  lan0('fd00:7::2', 6, 64),
  lan0('fe80::2', 6, 64),
  { address: '10.9.9.9', family: 4, prefix: 8, internal: false, name: 'wan0' },
]

/** Discovery alone, on a network that is a variable. */
async function world(limits: Partial<Limits> = {}) {
  let listener: MulticastListener | undefined
  let asked = 0
  const clock = { now: 1_000_000 }
  const machine = machineWith({
    interfaces: () => interfaces,
    now: () => clock.now,
    multicast: (service, given) => {
      expect(service).toBe(serviceName(null))
      listener = given
      return { ask: () => asked++, refresh: () => {}, stop: () => Promise.resolve() }
    },
  })
  const id = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  const heard: LanPeer[] = []
  const lan = new Lan(machine, { ...LIMITS, ...limits }, { id, port: () => 7733, networkKey: null, random }, (peer) =>
    heard.push(peer),
  )
  lan.start()
  if (listener === undefined) throw new Error('nobody listens')
  return { lan, id, heard, clock, listener, asked: () => asked }
}

/** A PeerID of our kind whose key begins with these bytes. */
const peerId = (...begin: number[]): string => {
  const key = random(32)
  key.set(begin)
  return peerIdFromPublicKey(publicKeyFromRaw(key)).toString()
}

describe('what is told', () => {
  test('is the PeerID and the addresses of that interface, under a name drawn for this run', async () => {
    const [one, two] = [await world(), await world()]
    const said = one.listener.announcement('192.168.7.2')
    expect(said?.texts).toEqual([
      `dnsaddr=/ip4/192.168.7.2/tcp/7733/p2p/${one.id}`,
      `dnsaddr=/ip6/fd00:7::2/tcp/7733/p2p/${one.id}`,
    ])
    expect(said?.instance).toMatch(/^[a-z2-7]{24}\._tulnic\._tcp\.local$/)
    expect(one.listener.announcement('10.9.9.9')?.instance).toBe(said?.instance)
    expect(two.listener.announcement('192.168.7.2')?.instance).not.toBe(said?.instance)
    expect(one.listener.announcement('192.168.7.99')).toBeUndefined()
    await Promise.all([one.lan.stop(), two.lan.stop()])
  })

  test('is asked for a few times at first, then by whoever has not heard the question for long', async () => {
    vi.useFakeTimers()
    const { lan, listener, asked } = await world()
    await vi.advanceTimersByTimeAsync(1000 + 3000)
    expect(asked()).toBe(2)
    for (let minute = 0; minute < 60; minute++) {
      await vi.advanceTimersByTimeAsync(59_000)
      listener.asked()
    }
    expect(asked(), 'others asked').toBe(2)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(asked() - 2).toBeGreaterThanOrEqual(30)
    expect(asked() - 2).toBeLessThanOrEqual(60)
    await lan.stop()
    const before = asked()
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(asked()).toBe(before)
  })
  afterEach(() => vi.useRealTimers())
})

describe('what is heard', () => {
  test('counts where it is an address of this network with a PeerID like ours, and nothing else does', async () => {
    const { lan, id, heard, listener } = await world()
    const other = peerId(1)
    const good = `dnsaddr=/ip4/192.168.7.9/tcp/4001/p2p/${other}`
    const bad = [
      [],
      ['', 'x', 'dnsaddr=', 'dnsaddr=nonsense'],
      [`dnsaddr=/ip4/192.168.7.9/tcp/4001`],
      [`dnsaddr=/ip4/8.8.8.8/tcp/4001/p2p/${other}`],
      [`dnsaddr=/dns4/example.org/tcp/4001/p2p/${other}`],
      [`dnsaddr=/ip4/192.168.7.9/tcp/4001/p2p/${id}`],
      [`dnsaddr=/ip4/192.168.7.9/tcp/4001/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC`],
      [good, `dnsaddr=/ip4/192.168.7.9/tcp/4001/p2p/${peerId(2)}`],
      [`dnsaddr=/ip4/192.168.7.9/tcp/4001/p2p/${other}${'x'.repeat(300)}`],
      ['\u0000', 'dnsaddr=\u0000/ip4'],
    ]
    for (const texts of bad) listener.heard(texts)
    expect(heard).toEqual([])
    listener.heard([`dnsaddr=/ip4/8.8.8.8/tcp/4001/p2p/${other}`, good, 'x'])
    expect(heard.map(({ addresses }) => addresses.map(({ text }) => text))).toEqual([['/ip4/192.168.7.9/tcp/4001']])
    await lan.stop()
  })

  test('is bounded in peers and addresses, and forgotten in time', async () => {
    const { lan, clock, listener } = await world({ lanPeers: 10 })
    const many = peerId(9)
    listener.heard(Array.from({ length: 50 }, (_, i) => `dnsaddr=/ip4/192.168.7.${i}/tcp/1/p2p/${many}`))
    expect(lan.peers()[0]?.addresses).toHaveLength(4)
    for (let i = 0; i < 50; i++) listener.heard([`dnsaddr=/ip4/192.168.7.9/tcp/1/p2p/${peerId(i)}`])
    expect(lan.peers()).toHaveLength(10)
    clock.now += LIMITS.lanGoneMs + 1
    expect(lan.peers()).toEqual([])
    await lan.stop()
  })

  test('has short names, never two alike', async () => {
    const { lan, heard, listener } = await world()
    const tell = (id: string): void => listener.heard([`dnsaddr=/ip4/192.168.7.9/tcp/1/p2p/${id}`])
    tell(peerId(7, 7, 7, 7, 7, 7, 7))
    const [first] = heard
    expect(lan.shortName(first!)).toMatch(/^[a-z2-7]{10}$/)
    expect(lan.byShortName(lan.shortName(first!))).toBe(first)
    tell(peerId(7, 7, 7, 7, 7, 7, 7))
    const names = heard.map((peer) => lan.shortName(peer))
    expect(new Set(names).size).toBe(2)
    expect(names.map((name) => name.length)).toEqual([52, 52])
    expect(heard.map((peer) => lan.byShortName(lan.shortName(peer))?.id)).toEqual(heard.map(({ id }) => id))
    expect(lan.byShortName(names[0]!.slice(0, 10))).toBeUndefined()
    await lan.stop()
  })
})

/** Whether multicast comes back to this machine. */
const multicast = await new Promise<boolean>((resolve) => {
  const answer = (works: boolean): void => {
    clearTimeout(late)
    void probe.stop()
    resolve(works)
  }
  const late = setTimeout(() => answer(false), 2000)
  const listener = { announcement: () => undefined, asked: () => answer(true), heard: () => {} }
  const probe = nodejsMachine().multicast(`_tulnic-${Date.now()}._tcp.local`, listener)
})

describe.skipIf(!multicast)('on this network (needs multicast)', () => {
  const mdns = { config: { mdns: true } }

  test('contacts find each other without an address, and are found again', async () => {
    const { alice, bob } = friends()
    const a = await online(alice, mdns)
    const b = await online(bob, mdns)
    expect(await a.heard.next('connected')).toMatchObject({ contact: bob.id, via: 'lan' })
    await b.heard.next('connected')
    expect(a.net.lanPeers()).toBeGreaterThanOrEqual(1)
    await b.stop()
    await a.heard.next('disconnected')
    const again = await online(bob, mdns)
    await a.heard.next('connected', 2)
    await again.heard.next('connected')
  })

  test('a contact whose tag is far down the list is found in a later round', async () => {
    const { alice, bob } = friends()
    for (const one of [alice, bob]) for (let i = 0; i < 40; i++) befriend(one, person())
    for (const one of [alice, bob]) one.contacts.push(one.contacts.shift()!)
    const a = await online(alice, mdns)
    const b = await online(bob, mdns)
    expect(await a.heard.next('connected')).toMatchObject({ contact: bob.id })
    await b.heard.next('connected')
  })

  test('who is a stranger is let go, and greeted again when there is a new contact', async () => {
    const alice = person()
    const bob = person()
    befriend(alice, person())
    befriend(bob, person())
    /** Resolves when this person was greeted, and has greeted. */
    const acquainted = (me: typeof alice): { acquaintances: Acquaintances; done: Promise<unknown> } => {
      const inner = acquaintancesOf(me)
      const seen = { dialer: Promise.withResolvers<void>(), listener: Promise.withResolvers<void>() }
      const recognise: Acquaintances['recognise'] = (tags, day, role, ends) => {
        seen[role].resolve()
        return inner.recognise(tags, day, role, ends)
      }
      return { acquaintances: { ...inner, recognise }, done: Promise.all([seen.dialer.promise, seen.listener.promise]) }
    }
    const [ofAlice, ofBob] = [acquainted(alice), acquainted(bob)]
    const limits = { lanWaitMs: 10 }
    const a = await online(alice, { ...mdns, limits, acquaintances: ofAlice.acquaintances })
    const b = await online(bob, { ...mdns, limits, acquaintances: ofBob.acquaintances })
    await Promise.all([ofAlice.done, ofBob.done])
    expect([...a.heard.of('connected'), ...b.heard.of('connected')]).toEqual([])
    befriend(alice, bob)
    a.want(bob, [])
    b.want(alice, [])
    await a.heard.next('connected')
    await b.heard.next('connected')
  })

  test('a stranger whose connection is kept, as a server’s, is greeted again when there is a new contact', async () => {
    const both = { config: { mdns: true, dht: true } }
    const [alice, bob] = [person(), person()]
    const a = await online(alice, both)
    const b = await online(bob, both)
    await until('each knows somebody', () => a.net.dht().servers > 0 && b.net.dht().servers > 0)
    befriend(alice, bob)
    a.want(bob, [])
    b.want(alice, [])
    expect(await a.heard.next('connected')).toMatchObject({ contact: bob.id })
    expect(await b.heard.next('connected')).toMatchObject({ contact: alice.id })
  })

  test('strangers are servers of the DHT to each other', async () => {
    const both = { config: { mdns: true, dht: true } }
    const a = await online(person(), both)
    const b = await online(person(), both)
    await until('each knows somebody', () => a.net.dht().servers > 0 && b.net.dht().servers > 0)
    const slot = owner()
    const record = recordOf(slot)
    await publish(a, [record])
    expect((await find(b, slot)).found).toEqual([record])
    expect(b.net.dht().mode).toBe('server')
  })

  test('people who want to be seen are seen by name, and a channel to them is in order and bounded', async () => {
    const a = await online(person(), mdns)
    const b = await online(person(), mdns)
    const hidden = await online(person(), mdns)
    b.net.pairing.setVisible('Bob the Builder')
    const name = `Bob ${Date.now()}`
    b.net.pairing.setVisible(name)
    await expect.poll(() => a.net.lanPeers(), { timeout: 10_000 }).toBeGreaterThanOrEqual(2)
    const seen = (await a.net.pairing.look()).filter((one) => one.name === name)
    expect(seen).toHaveLength(1)
    expect(hidden.heard.of('connected')).toEqual([])

    const opened = Promise.withResolvers<Parameters<Parameters<typeof b.net.pairing.onChannel>[0]>>()
    b.net.pairing.onChannel((...args) => opened.resolve(args))
    const signal = AbortSignal.timeout(10_000)
    const mine = await a.net.pairing.open(seen[0]!.peer, signal)
    const big = random(LIMITS.pairMessage)
    mine.send(big)
    const [peer, theirs] = await opened.promise
    expect(peer).toMatch(/^[a-z2-7]{10}$/)
    expect(theirs.ends).toEqual({ local: mine.ends.remote, remote: mine.ends.local })
    expect(await theirs.receive(signal)).toEqual(big)
    for (let i = 1; i < LIMITS.pairMessages; i++) mine.send(Uint8Array.of(i))
    expect(() => mine.send(Uint8Array.of(0))).toThrow(RangeError)
    expect(() => theirs.send(new Uint8Array(LIMITS.pairMessage + 1))).toThrow(RangeError)
    for (let i = 1; i < LIMITS.pairMessages; i++) expect(await theirs.receive(signal)).toEqual(Uint8Array.of(i))
    expect(await theirs.receive(signal), 'more than the bound').toBeUndefined()
    theirs.close()
    expect(await mine.receive(signal), 'the other side closed').toBeUndefined()
    await expect(a.net.pairing.open('nobody', signal)).rejects.toThrow('nobody')
  })
})
