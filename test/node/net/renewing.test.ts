/**
 * A net that goes by another PeerID, on real nodes over loopback.
 */
import { expect, test } from 'vitest'
import { equal, toBase32 } from '../../../src/protocol/index.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import { meetOn } from './dht-hostile.ts'
import { dhtNodes, find, owner, publish, recordOf, until } from './dht-world.ts'
import { hostile, reserve } from './hostile.ts'
import { befriend, DEADLINE_MS, friends, machineWith, type Online, online, person, random } from './world.ts'

const nothing = { isServer: false, isRelay: true, seen: undefined, told: [] }

/** The PeerID that a net told last. */
const peerOf = (one: Online): string =>
  toBase32(
    one.heard.of('addresses').findLast(({ whereabouts }) => whereabouts !== undefined)?.whereabouts?.peerId ??
      random(1),
  )

const renew = (one: Online): void => one.net.perform({ type: 'renew' })

/** Goes by another PeerID, and waits until it is told. */
async function renewed(one: Online): Promise<void> {
  const before = peerOf(one)
  renew(one)
  await expect.poll(() => peerOf(one), { timeout: DEADLINE_MS }).not.toBe(before)
}

/** A frame, and its acknowledgement, over the connection that is open. */
async function say(from: Online, to: Online, connection: number): Promise<void> {
  const frame = { id: random(16), bytes: random(300) }
  from.net.perform({ type: 'send', connection, frames: [frame] })
  const came = await to.heard.next('frames', 1, ({ frames }) => frames.some((bytes) => equal(bytes, frame.bytes)))
  to.net.perform({ type: 'acknowledge', connection: came.connection, ids: [frame.id] })
  await from.heard.next('acknowledged', 1, ({ ids }) => ids.some((id) => equal(id, frame.id)))
}

test('it listens at the same port, meets its contacts again, and says so in order', async () => {
  const { alice, bob } = friends()
  const [a, b] = [await online(alice), await online(bob)]
  a.want(bob, [b.address])
  const first = await a.heard.next('connected')
  await b.heard.next('connected')
  await renewed(a)
  const again = await a.heard.next('connected', 1, ({ connection }) => connection > first.connection)
  await b.heard.next('connected', 2)
  const kinds = a.heard.all.map(({ type }) => type).filter((type) => type === 'connected' || type === 'disconnected')
  expect(kinds.slice(0, 3)).toEqual(['connected', 'disconnected', 'connected'])
  expect(a.net.addresses().map((text) => text.split('/')[4])).toContain(a.address.split('/')[4])
  await say(a, b, again.connection)
  // What was meant for a connection of before goes nowhere.
  const lost = { id: random(16), bytes: random(300) }
  a.net.perform({ type: 'send', connection: first.connection, frames: [lost] })
  await say(a, b, again.connection)
  expect(b.heard.of('frames').some(({ frames }) => frames.some((bytes) => equal(bytes, lost.bytes)))).toBe(false)
})

test('what it was told meanwhile, and before, stands: wants, the switch for relaying, the listener', async () => {
  const { alice, bob } = friends()
  const [a, b] = [await online(alice), await online(bob)]
  a.net.perform({ type: 'relay', forContacts: false })
  const before = peerOf(a)
  renew(a)
  a.want(bob, [b.address])
  await a.heard.next('connected')
  expect(peerOf(a)).not.toBe(before)
  expect(a.net.relays().forContacts).toBe(false)
})

test('records are put again, those of others are kept, and a look-up that comes meanwhile is answered', async () => {
  const nodes = await dhtNodes(3)
  const [a, b, c] = nodes as [Online, Online, Online]
  const [mine, others] = [owner(), owner()]
  await publish(a, [recordOf(mine)])
  await publish(b, [recordOf(others)])
  await until('kept', () => a.net.dht().stored > 0 && c.net.dht().stored > 1)
  const looked = c.heard.of('looked-up').length
  const before = peerOf(a)
  renew(a)
  const found = find(a, others)
  expect((await found).found).toHaveLength(1)
  expect(peerOf(a)).not.toBe(before)
  expect(a.net.dht().stored).toBeGreaterThan(0)
  await until('put again', () => a.net.dht().published === 1)
  expect((await find(c, mine)).found).toHaveLength(1)
  expect(c.heard.of('looked-up').length).toBe(looked + 1)
})

test('not while it relays somebody, relays for strangers, or is shown to people nearby', async () => {
  const { alice, bob } = friends()
  const eve = person()
  befriend(eve, bob)
  const [a, b, e] = [await online(alice), await online(bob), await online(eve, { config: { lanOnly: true } })]
  b.want(alice, [a.address])
  const { connection } = await b.heard.next('connected')
  const place = (text: string): boolean =>
    text.includes('/p2p-circuit') && text.includes(`/tcp/${a.address.split('/')[4]}/`)
  const at = await b.heard.until('a place', () => b.net.addresses().find(place))
  b.want(eve, [])
  e.want(bob, [at])
  await e.heard.next('connected')
  const before = peerOf(a)
  renew(a)
  const open = await online(person(), { config: { relay: true } })
  const wasOpen = peerOf(open)
  const toOpen = await (await hostile()).dialAsStranger(open.address)
  renew(open)
  expect(await reserve(toOpen)).toBe('OK')
  const shown = await online(person())
  const wasShown = peerOf(shown)
  const toShown = await (await hostile()).dialAsStranger(shown.address)
  shown.net.pairing.setVisible('Ana')
  renew(shown)
  // What is answered over a connection of before says that it has not begun.
  await say(b, a, connection)
  await meetOn(toShown, nothing)
  expect([toShown.status, toOpen.status]).toEqual(['open', 'open'])
  expect([peerOf(a), peerOf(open), peerOf(shown)]).toEqual([before, wasOpen, wasShown])
  expect(b.heard.of('disconnected')).toEqual([])
  shown.net.pairing.setVisible(null)
  await renewed(shown)
  await e.stop()
  await expect.poll(() => a.net.relays().relayed, { timeout: DEADLINE_MS }).toBe(0)
  // Bob's place here is no reason: he has one again.
  expect(a.net.relays().places).toBe(1)
  await renewed(a)
  await expect.poll(() => b.net.addresses().filter(place), { timeout: DEADLINE_MS }).not.toContain(at)
  await b.heard.until('a place again', () => b.net.addresses().find(place))
})

test('a run that cannot begin is tried again; a net that stops meanwhile stops', async () => {
  let refusals = 0
  const machine = machineWith({
    freePort: (wanted) =>
      refusals-- > 0 ? Promise.reject(new Error('none is free')) : nodejsMachine().freePort(wanted),
  })
  const a = await online(person(), { machine })
  refusals = 3
  await renewed(a)
  expect(refusals).toBeLessThan(0)
  refusals = Number.POSITIVE_INFINITY
  renew(a)
  await a.stop()
  expect((await online(person(), { config: { listenPort: Number(a.address.split('/')[4]) } })).address).toBe(a.address)
})
