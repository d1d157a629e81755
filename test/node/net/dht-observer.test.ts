/**
 * An observer runs 3 of 10 servers of the DHT, and sees what it can, and cannot what it should not.
 *
 * Everything is real but the clock, which is the same for all and goes forward by days when the test says so: nodes with engines
 * and databases, nets without, and the observer's servers, which keep to libp2p alone. Each person speaks from a loopback
 * address of their own, as on the internet.
 */
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import type { NetEffect } from '../../../src/node/engine/effect.ts'
import { TYPE } from '../../../src/node/net/dht/messages.ts'
import { makeNet } from '../../../src/node/net/libp2p.ts'
import type { Machine } from '../../../src/node/net/machine.ts'
import type { MakeNet } from '../../../src/node/net/net.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { nodejs as p } from '../../../src/node/platform/nodejs-primitives.ts'
import { createAudience, dhtKey, epochOf, equal, sealRecord, type SlotRecord } from '../../../src/protocol/index.ts'
import { Street, type Whole } from '../whole.ts'
import { dhtNode, find, HURRIED, owner, publish, recordOf, until } from './dht-world.ts'
import { inCommon, leastVaried, MISCHIEF, Observer, unevenness } from './observer.ts'
import { machineWith, ONE_ADDRESS, type Online, random } from './world.ts'

const DAY = 86_400_000
const SERVERS = { honest: 7, observed: 3 } as const
const NUMBERS = [32, 48] as const

/** One clock for everybody. */
function clockOfAll() {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    forward: (ms: number) => {
      ahead += ms
    },
  }
}

type Clock = ReturnType<typeof clockOfAll>

/** Node.js knows this option of a socket; libp2p's types do not. */
const dialingFrom = (localAddress: string): object => ({ localAddress })

/** A machine whose only address is that one: there it listens, and from there it dials. */
function machineAt(address: string, { now }: Clock): Machine {
  return machineWith({
    now,
    transports: () => [tcp({ dialOpts: dialingFrom(address) })],
    interfaces: () => [{ address, family: 4, prefix: 8, internal: true, name: 'lo' }],
  })
}

/** The honest servers, who know each other and the observer's. */
async function network(clock: Clock): Promise<{ honest: readonly Online[]; observer: Observer }> {
  const observer = await Observer.make(SERVERS.observed)
  const machine = machineWith({ now: clock.now })
  const honest: Online[] = []
  for (let i = 0; i < SERVERS.honest; i++) {
    const node = await dhtNode(honest.slice(0, 1), { machine })
    honest.push(node)
    for (const server of observer.servers) await server.meet(node)
    await until('it knows those before it', () => node.net.dht().servers >= i + SERVERS.observed)
  }
  await until('everybody knows everybody', () =>
    honest.every(({ net }) => net.dht().servers >= SERVERS.honest - 1 + SERVERS.observed),
  )
  return { honest, observer }
}

interface Person {
  readonly whole: Whole
  /** Where its net was told that a contact was found, in order. */
  readonly wants: string[]
  /** Nodes to begin at, from the next start on. */
  begin: readonly string[]
  /** Whether it asks the DHT for anybody. */
  looks: boolean
}

/** A look-up here is not left after three records: the observer is to be asked, too. */
const limits = { ...LIMITS, ...HURRIED, ...ONE_ADDRESS, againMs: 20, dhtQuorum: 100, dhtGraceMs: 3000 }

/** A person with a whole node at that address. */
async function personAt(street: Street, name: string, address: string, clock: Clock, begin: readonly string[]) {
  const wants: string[] = []
  const person: Pick<Person, 'begin' | 'looks'> = { begin, looks: true }
  const make: MakeNet = async (config, acquaintances, emit) => {
    const hurried = { ...config, dht: true, bootstrap: person.begin, lanOnly: true }
    const net = await makeNet(machineAt(address, clock), limits)(hurried, acquaintances, emit)
    const perform = net.perform.bind(net)
    net.perform = (effect: NetEffect) => {
      if (effect.type === 'look-up' && !person.looks) return
      const found = effect.type === 'want' ? (effect.found?.addresses ?? []) : []
      wants.push(...found.map((bytes) => multiaddr(bytes).toString()))
      perform(effect)
    }
    return net
  }
  const wake = (at: number, call: () => void): (() => void) => {
    const timer = setTimeout(call, Math.min(Math.max(0, at - clock.now()), 2 ** 31 - 1))
    return () => clearTimeout(timer)
  }
  const platform = { now: clock.now, wake }
  const whole = await street.node(name, { mdns: false, net: () => make, platform })
  return Object.assign(person, { whole, wants }) satisfies Person
}

const portOf = async ({ whole }: Person): Promise<string> =>
  (await whole.node.status()).addresses[0]?.split('/')[4] ?? ''

const published = (person: Person): Promise<void> =>
  expect
    .poll(async () => (await person.whole.node.status()).dht?.published, { timeout: 60_000, interval: 20 })
    .toBeGreaterThan(0)
    .then(() => undefined)

/** Both know each other, and each other's slots of the month to come. */
async function befriend(one: Person, other: Person): Promise<void> {
  const { link } = await one.whole.node.createInvite({ uses: 1 })
  const contact = await other.whole.node.addContact({ link })
  await talk(other, one, contact.id)
}

async function talk(from: Person, to: Person, contact: string): Promise<void> {
  const text = `said at ${Math.random()}`
  await from.whole.node.send({ to: contact as never, text })
  await to.whole.event('message', ({ message }) => message.text === text)
}

const ANA = '127.0.0.7'
const BOB = '127.0.0.8'
const CROWD = '127.0.0.9'

test('30 % of the servers: what they see looks random and does not link, what they forge is not believed, and who asks is found', async () => {
  const clock = clockOfAll()
  const { honest, observer } = await network(clock)
  const begin = honest.slice(0, 3).map(({ address }) => address)
  const street = new Street()
  const ana = await personAt(street, 'Ana', ANA, clock, begin)
  // Bob begins at the observer's servers, and one other.
  const observed = observer.servers.map(({ raw }) => raw.address)
  const bob = await personAt(street, 'Bob', BOB, clock, [...observed, ...begin.slice(0, 1)])
  await befriend(ana, bob)
  // From now on it is Bob who finds her: nobody else tells him where she is.
  ana.looks = false
  await expect.poll(() => observer.putFrom(ANA).length, { timeout: 60_000, message: 'put' }).toBeGreaterThan(0)
  await Promise.all([ana, bob].map(({ whole }) => whole.stop()))
  const firstDay = observer.putFrom(ANA)

  // Two days later, elsewhere, under other PeerIDs, with the observer's servers lying to whoever asks.
  clock.forward(2 * DAY)
  observer.misbehave(MISCHIEF.forged, MISCHIEF.old, MISCHIEF.painted, MISCHIEF.foreign, MISCHIEF.withheld)
  const before = observer.sights.length
  await meetAnew(ana, bob, observer)
  const portThen = await portOf(ana)
  await published(ana)
  const laterDay = observer.putFrom(ANA).filter((sight) => observer.sights.indexOf(sight) >= before)

  // The same day, elsewhere again: now there is an older record to be played back.
  const lies = observer.lies
  await Promise.all([ana, bob].map(({ whole }) => whole.stop()))
  const asked = observer.sights.length
  await meetAnew(ana, bob, observer)
  const portLast = await portOf(ana)
  await published(ana)
  const slots = new Map(observer.putFrom(ANA).map(({ key }) => [key, observer.records.get(key) ?? []]))

  // Cannot: what it forged reached neither engine, and what it played back was not what counted.
  const found = [ana, bob].flatMap(({ whole }) =>
    whole.inputs.flatMap((input) => (input.type === 'looked-up' ? input.found.map(({ value }) => value) : [])),
  )
  expect(found.length).toBeGreaterThan(0)
  expect(observer.forgeries.length).toBeGreaterThan(0)
  expect(found.filter((value) => observer.forgeries.some((one) => equal(one, value)))).toEqual([])
  // Nobody was shown an older record of a slot after a newer one.
  for (const { whole } of [ana, bob]) {
    const shown = whole.inputs.flatMap((input) => (input.type === 'looked-up' ? input.found : []))
    for (const versions of slots.values()) {
      const places = shown
        .map(({ value }) => versions.findIndex((one) => equal(one, value)))
        .filter((place) => place >= 0)
      expect(places).toEqual(places.toSorted((x, y) => x - y))
    }
  }
  expect(observer.lies).toBeGreaterThan(lies)
  expect([...slots.values()].some((versions) => versions.length > 1)).toBe(true)

  // Cannot: link two days.
  const daysOf = (sights: typeof firstDay) => new Map(sights.map(({ key, value }) => [key, value ?? new Uint8Array()]))
  const [one, other] = [daysOf(firstDay), daysOf(laterDay)]
  expect(Math.min(one.size, other.size)).toBeGreaterThan(0)
  for (const [key, value] of one) {
    expect(other.has(key)).toBe(false)
    for (const later of other.values()) expect(inCommon(value, later)).toEqual([])
  }
  // The control: in one slot the key is the same, and that is found.
  const [twice] = [...slots.values()].filter((versions) => versions.length > 1)
  expect(inCommon(twice![0]!, twice![1]!).length).toBeGreaterThan(0)

  // Can: see from which addresses somebody puts and asks, and so link the days of who stays at one address.
  expect(new Set(observer.sights.map(({ from }) => from)).has(ANA)).toBe(true)
  const askersOfAna = new Set([...slots.keys()].flatMap((key) => [...observer.askers(key)]))
  expect(askersOfAna.has(BOB)).toBe(true)
  const linked = new Set([...firstDay, ...laterDay].map(({ from }) => from))
  expect([...linked]).toEqual([ANA])
  // Can: count, with the time of each.
  const asking = observer.sights.slice(asked).filter(({ type, from }) => type === TYPE.get && from === BOB)
  expect(asking.length).toBeGreaterThan(0)
  expect(asking.every(({ at }, i) => at >= (asking[i - 1]?.at ?? 0))).toBe(true)

  // Where nobody but the observer is left, it can withhold, and still neither forge nor roll back.
  await Promise.all([ana, bob].map(({ whole }) => whole.stop()))
  await Promise.all(honest.map((node) => node.stop()))
  observer.misbehave(MISCHIEF.old)
  bob.begin = observed
  const [inputs, wanted] = [bob.whole.inputs.length, bob.wants.length]
  await bob.whole.start()
  const shown = await bob.whole.until('a look-up that finds', () =>
    bob.whole.inputs.slice(inputs).find((input) => input.type === 'looked-up' && input.found.length > 0),
  )
  expect(shown.type === 'looked-up' && shown.found.every(({ value }) => isFirst(value, slots))).toBe(true)
  // A command comes after it, and is answered when both are done.
  const [contact] = await bob.whole.node.contacts()
  await bob.whole.node.send({ to: contact!.id, text: 'Where are you?' })
  const leadsTo = (port: string) => (address: string) => address.includes(`/tcp/${port}`)
  expect(bob.wants.slice(0, wanted).some(leadsTo(portThen))).toBe(true)
  expect(bob.wants.slice(wanted).some(leadsTo(portLast))).toBe(true)
  expect(bob.wants.slice(wanted).filter(leadsTo(portThen))).toEqual([])
  expect((await bob.whole.node.status()).contacts.reached).toBe(0)
}, 420_000)

/** One comes back and publishes, also at the observer's; the other comes back, knows an address where nobody is, and looks. */
async function meetAnew(sought: Person, looking: Person, observer: Observer): Promise<void> {
  const put = observer.putFrom(ANA).length
  await sought.whole.start()
  await expect.poll(() => observer.putFrom(ANA).length, { timeout: 60_000, message: 'put' }).toBeGreaterThan(put)
  await published(sought)
  const heard = looking.whole.inputs.length
  await looking.whole.start()
  const met = (): Promise<unknown> =>
    looking.whole.until('a connection', () =>
      looking.whole.inputs.slice(heard).find(({ type }) => type === 'connected'),
    )
  // Where a busy machine let the first look-up find nothing, the next one comes a minute later.
  await met().catch(met)
}

const isFirst = (value: Uint8Array, slots: ReadonlyMap<string, readonly Uint8Array[]>): boolean =>
  [...slots.values()].some(([first, ...later]) => later.length > 0 && first && equal(first, value))

test('30 % of the servers: many records of many people are noise but for their numbers, and honest look-ups succeed', async () => {
  const clock = clockOfAll()
  const { honest, observer } = await network(clock)
  const crowd = await dhtNode(honest.slice(0, 2), { machine: machineAt(CROWD, clock), config: { lanOnly: true } })
  await until('it knows all', () => crowd.net.dht().servers >= SERVERS.honest)
  // Everybody says the same: so nothing of what differs comes from what they say.
  const content = { peerId: random(38), addresses: [random(8)], device: random(16), carrierHints: new Uint8Array() }
  const records = Array.from({ length: 40 }, (): SlotRecord => {
    const { secret, phase } = createAudience(random)
    const nowMs = clock.now()
    return sealRecord(p, random, secret, epochOf(nowMs, phase), { seq: 1, nowMs }, content)
  })
  crowd.net.perform({ type: 'publish', records })
  await expect.poll(() => crowd.net.dht().published, { timeout: 200_000 }).toBe(records.length)
  const seen = records.flatMap(
    ({ kind, name }) => observer.records.get(new TextDecoder().decode(dhtKey(kind, name))) ?? [],
  )
  // Can: nearly every record comes by, with who put it.
  expect(seen.length).toBeGreaterThan(35)
  expect(new Set(observer.putFrom(CROWD).map(({ from }) => from))).toEqual(new Set([CROWD]))

  const [from, to] = NUMBERS
  const noise = seen.map((value) => Uint8Array.from([...value.subarray(0, from), ...value.subarray(to)]))
  // Seven standard deviations on each side.
  expect(unevenness(noise)).toBeGreaterThan(97)
  expect(unevenness(noise)).toBeLessThan(413)
  // Of 36 random bytes 33.6 differ in the mean; 20 at one of a thousand places is never seen.
  const last = noise[0]!.length - 1
  expect(leastVaried(noise, 0, last)).toBeGreaterThan(20)
  // Can: tell that the last 64 bytes are a signature, as all records have: its highest byte is below 17.
  expect(noise.every((value) => value[last]! <= 16)).toBe(true)
  // The controls: the numbers in clear, and what is inside, are found by the same tests.
  expect(leastVaried(seen, from, to)).toBe(1)
  const clear = new Uint8Array(1000)
  clear.set(content.peerId)
  expect(unevenness(seen.map(() => clear))).toBeGreaterThan(413)
  for (const value of seen) expect(Buffer.from(value).includes(Buffer.from(content.peerId.subarray(0, 6)))).toBe(false)

  // Honest look-ups succeed whatever the observer says.
  observer.misbehave(MISCHIEF.forged, MISCHIEF.painted, MISCHIEF.foreign, MISCHIEF.withheld)
  const reader = await dhtNode(honest.slice(2, 4), {
    machine: machineAt(BOB, clock),
    config: { lanOnly: true },
    limits: { dhtQuorum: 100, dhtGraceMs: 3000 },
  })
  for (const server of observer.servers) await server.meet(reader)
  await until('it knows all', () => reader.net.dht().servers >= SERVERS.honest)
  const slot = owner()
  const mine = [1, 2].map((seq) => recordOf(slot, seq, clock.now()))
  for (const record of mine) await publish(crowd, [record])
  expect((await find(reader, slot)).found).toEqual([mine[1]])
  expect(observer.lies).toBeGreaterThan(0)

  // Can: withhold from who knows nobody else.
  observer.misbehave(MISCHIEF.withheld)
  const alone = await dhtNode([], { machine: machineAt(BOB, clock), config: { lanOnly: true } })
  for (const server of observer.servers) await server.meet(alone)
  await until('it knows them', () => alone.net.dht().servers === SERVERS.observed)
  const shown = await find(alone, slot)
  expect([shown.found, shown.asked]).toEqual([[], SERVERS.observed])
}, 420_000)
