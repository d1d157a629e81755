import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLoopback } from '../../../src/node/net/addresses.ts'
import { decodeDialBack, decodeMeeting, encodeMeeting } from '../../../src/node/net/reach/reach.ts'
import { REACH } from '../../../src/node/net/protocols.ts'
import { bytesOfAddress } from '../../../src/node/net/reach/told.ts'
import { concat } from '../../../src/protocol/index.ts'
import { askReach, honest, hostileServer, meetOn, parsed } from './dht-hostile.ts'
import { dhtNode } from './dht-world.ts'
import { ended, greetAsContact, hostile, strangersHello } from './hostile.ts'
import { DEADLINE_MS, friends, online, person, random } from './world.ts'

const dialBack = (text: string): Uint8Array => {
  const bytes = bytesOfAddress(parsed(text))
  return concat(Uint8Array.of(2, bytes.length), bytes)
}
const OUTCOME = { refused: [0], through: [1], not: [2] }

test('each side hears how the other sees it, what it serves, and where it listens', async () => {
  const a = await dhtNode([])
  const raw = await hostile()
  const connection = await raw.dialAsStranger(a.address)
  const said = await meetOn(connection, { isServer: false, isRelay: true, seen: undefined, told: [] })
  expect(said.isServer).toBe(true)
  expect(said.seen?.text).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\//)
  // Only what a peer on this very machine may know.
  expect(said.told.map(({ text }) => text)).toContain(a.address)
  expect(said.told.every(isLoopback)).toBe(true)
})

test('a contact that does not relay says so, and again when it does; who says nothing of it may', async () => {
  const { alice, bob } = friends()
  const [a, b] = [await online(alice), await online(bob)]
  a.net.perform({ type: 'relay', forContacts: false })
  b.want(alice, [a.address])
  await expect
    .poll(() => b.net.relays().at, { timeout: DEADLINE_MS })
    .toEqual([{ contact: alice.id, state: 'no-relay' }])
  a.net.perform({ type: 'relay', forContacts: true })
  await expect.poll(() => b.net.relays().at, { timeout: DEADLINE_MS }).toEqual([{ contact: alice.id, state: 'held' }])
  // As peers said it before there was that bit.
  const before = encodeMeeting({ isServer: true, isRelay: true, seen: undefined, told: [] })
  expect(before[1]).toBe(1)
  expect(decodeMeeting(before)).toMatchObject({ isServer: true, isRelay: true })
  const none = encodeMeeting({ isServer: true, isRelay: false, seen: undefined, told: [] })
  expect(decodeMeeting(none)).toMatchObject({ isServer: true, isRelay: false })
})

test('whether it relays for contacts is not told to strangers', async () => {
  const { alice } = friends()
  const a = await online(alice)
  const raw = await hostile()
  const connection = await raw.dialAsStranger(a.address)
  const nothing = { isServer: false, isRelay: true, seen: undefined, told: [] }
  expect((await meetOn(connection, nothing)).isRelay).toBe(false)
  a.net.perform({ type: 'relay', forContacts: false })
  expect((await meetOn(connection, nothing)).isRelay).toBe(false)
})

test('who turns out to be a contact hears anew what was said to a stranger, without asking', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const server = await hostileServer(honest)
  const connection = await server.meet(a)
  expect(server.told.map(({ isRelay }) => isRelay)).toEqual([false])
  await greetAsContact(server.raw, bob, connection)
  await expect.poll(() => server.told.map(({ isRelay }) => isRelay), { timeout: DEADLINE_MS }).toEqual([false, true])
})

test('who takes no part in the DHT says so', async () => {
  const a = await online(person())
  const connection = await (await hostile()).dialAsStranger(a.address)
  expect((await meetOn(connection, { isServer: true, isRelay: true, seen: undefined, told: [] })).isServer).toBe(false)
})

test('an address is dialed for a peer only where that peer is, and not often', async () => {
  const a = await dhtNode([])
  const raw = await hostile()
  const opened: string[] = []
  raw.node.addEventListener('connection:open', ({ detail }) => opened.push(detail.direction))
  const other = await hostile()
  let reached = 0
  other.node.addEventListener('connection:open', () => reached++)

  const first = await raw.dialAsStranger(a.address)
  expect([...(await askReach(first, dialBack(raw.address)))]).toEqual(OUTCOME.through)
  expect(opened).toEqual(['outbound', 'inbound'])
  // Somebody else is at that port, and not the peer that asks.
  expect([...(await askReach(first, dialBack(other.address)))]).toEqual(OUTCOME.not)
  expect([...(await askReach(first, dialBack(raw.address)))]).toEqual(OUTCOME.refused)

  const victims = ['/ip4/127.0.0.2/tcp/1', '/ip4/203.0.113.9/tcp/80', '/ip4/10.0.0.1/tcp/22', '/ip6/::1/tcp/1']
  for (const victim of victims) {
    const connection = await raw.dialAsStranger(a.address)
    expect([...(await askReach(connection, dialBack(victim)))], victim).toEqual(OUTCOME.refused)
  }
  expect(reached).toBe(0)
})

test('dials back for all together are bounded', async () => {
  const a = await dhtNode([], { limits: { dialBacksAMinute: 3 } })
  const raw = await hostile()
  const outcomes = []
  for (let i = 0; i < 5; i++) {
    const connection = await raw.dialAsStranger(a.address)
    outcomes.push((await askReach(connection, dialBack(raw.address)))[0])
  }
  expect(outcomes).toEqual([1, 1, 1, 0, 0])
})

test('nothing is said before hello, and garbage ends its stream alone', async () => {
  const a = await dhtNode([], { limits: { reachMs: 300 } })
  const raw = await hostile()
  const early = await raw.dial(a.address)
  const waiting = await early.newStream(REACH)
  const nothing = encodeMeeting({ isServer: false, isRelay: true, seen: undefined, told: [] })
  waiting.send(concat(Uint8Array.of(0, nothing.length), nothing))
  let said = 0
  const answered = new Promise<void>((resolve) => {
    waiting.addEventListener('message', () => {
      said++
      resolve()
    })
  })
  const connection = await raw.dialAsStranger(a.address)
  for (const garbage of [
    random(600),
    new Uint8Array(3),
    Uint8Array.of(0, 2, 1, 0),
    Uint8Array.of(2, 200),
    Uint8Array.of(0),
  ]) {
    const stream = await connection.newStream(REACH)
    stream.send(garbage)
    await ended(stream)
  }
  expect(connection.status).toBe('open')
  expect(said).toBe(0)
  await strangersHello(early)
  await answered
  expect((await meetOn(connection, { isServer: false, isRelay: true, seen: undefined, told: [] })).isServer).toBe(true)
})

test('any bytes are a meeting, a request for a dial back, or nothing', () => {
  const bytes = fc.uint8Array({ maxLength: 700 })
  const likely = bytes.map((some) => concat(Uint8Array.of(1, 1, 0), some))
  fc.assert(
    fc.property(fc.oneof(bytes, likely), (some) => {
      decodeDialBack(some)
      const meeting = decodeMeeting(some)
      if (meeting !== undefined) expect(meeting.told.length).toBeLessThanOrEqual(8)
    }),
    { numRuns: 3000 },
  )
  const told = ['/ip4/203.0.113.9/tcp/1', '/ip6/2001:db8::1/tcp/2', '/ip4/10.0.0.1/tcp/3/ws'].map(parsed)
  const meeting = { isServer: true, isRelay: true, seen: parsed('/ip6/2001:db8::1/tcp/7'), told }
  expect(decodeMeeting(encodeMeeting(meeting))).toEqual(meeting)
  const nothing = { isServer: false, isRelay: true, seen: undefined, told: [] }
  expect(decodeMeeting(encodeMeeting(nothing))).toEqual(nothing)
})
