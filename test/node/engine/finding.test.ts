/**
 * Two who lost each other find each other again through a DHT; how often it is asked, and what is believed of its answers.
 */
import { describe, expect, test } from 'vitest'
import { newContact } from '../../../src/node/engine/contact-rows.ts'
import {
  type AccountId,
  type AccountKey,
  type DeviceId,
  accountId,
  deviceIdBytes,
  epochOf,
  NO_RANGES,
  sealInviteRecord,
  sealRecord,
  type SlotRecord,
  toBase32,
} from '../../../src/protocol/index.ts'
import { HONEST } from '../../sim/board.ts'
import { placeAt, relayedBy, type SimNode } from '../../sim/sim-node.ts'
import { settled } from '../../sim/world.ts'
import {
  ask,
  audienceOf,
  contactOf,
  contacts,
  DAY,
  grantOf,
  invite,
  MINUTE,
  type Overheard,
  published,
  restart,
  say,
  stateOf,
  strangers,
  talk,
  texts,
  type Two,
} from './people.ts'

const HOUR = 60 * MINUTE

describe('found again', () => {
  test('both change address and PeerID while apart', async () => {
    const two = await contacts()
    await talk(two)
    await loseEachOther(two)
    await talk(two, 'found')
    await loseEachOther(two, 200)
    await talk(two, 'found again')
  })

  test('without the DHT they are not', async () => {
    const two = await contacts()
    two.world.board.isThere = false
    await loseEachOther(two)
    await two.world.pass(10 * MINUTE)
    expect(two.ana.people?.contact(two.bob.id).online).toBe(false)
    two.world.board.isThere = true
    await two.world.pass(6 * MINUTE)
    await talk(two, 'found')
  })

  test('after two weeks apart, in which they moved many times', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    world.byAddress = true
    bob.crash(14 * DAY)
    for (let day = 1; day < 14; day++) {
      await world.pass(DAY)
      ana.move(placeAt(300 + day))
    }
    bob.move(placeAt(400))
    await world.pass(DAY + 5 * MINUTE)
    await talk(two, 'two weeks later')
  })

  test('at start, before anybody was tried in vain', async () => {
    const two = await contacts()
    two.world.faults.input = (input) => (input.type === 'not-reached' ? undefined : input)
    await loseEachOther(two)
    await talk(two, 'found')
  })

  test('whoever is written to is dialed at once, if not connected', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    const hurried = () => world.effectsOf(ana, 'want').filter(({ contact, now }) => contact === bob.id && now).length
    const before = hurried()
    await say(world, ana, bob, 'connected')
    expect(hurried()).toBe(before)
    bob.crash(10 * MINUTE)
    await world.pass(5 * MINUTE)
    const apart = hurried()
    await say(world, ana, bob, 'away')
    expect(hurried()).toBe(apart + 1)
  })

  test('while only one of the two is still in the audience of the other', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    const { maps } = bob.engine?.resident ?? {}
    maps?.grants.clear()
    for (const { key } of await bob.disk.all('grant')) await bob.disk.commit([{ op: 'delete', table: 'grant', key }])
    expect(world.effectsOf(ana, 'look-up')).toEqual([])
    await loseEachOther(two)
    await talk(two, 'found')
    expect(world.effectsOf(ana, 'look-up').length).toBeGreaterThan(0)
  })

  test('through a relay: what is found is dialed with the PeerID that stands beside it', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    world.byAddress = true
    bob.crash()
    bob.move(relayedBy(88))
    world.faults.effect = (effect, _chance, node) => !(effect.type === 'want' && node === bob)
    await world.pass(2 * MINUTE)
    await talk(two)
    const found = world.effectsOf(ana, 'want').findLast((want) => want.found != null)?.found
    expect(found).toEqual({ peerId: bob.peerId, addresses: [relayedBy(88).bytes] })
  })
})

describe('an invite', () => {
  test('is accepted while the inviter is away, and finished when it returns', async () => {
    const two = await strangers()
    const { world, ana, bob } = two
    const link = await invite(world, ana)
    world.byAddress = true
    ana.crash(3 * HOUR)
    await ask(world, bob, { name: 'add-contact', link, givenName: null })
    await say(world, bob, ana, 'written while you were away')
    await world.pass()
    expect(stateOf(bob, ana)).toBe('invited')
    expect(bob.engine?.resident.maps.sessions.size).toBe(1)
    await restart(world, bob)
    await world.pass(HOUR)
    ana.move(placeAt(500))
    await world.pass(3 * HOUR)
    expect([stateOf(bob, ana), stateOf(ana, bob)]).toEqual(['active', 'active'])
    expect(await texts(ana, bob)).toContain('written while you were away')
    expect(world.effectsOf(bob, 'ask-bundle')).toEqual([])
    await talk(two)
  })

  test('…not with a bundle that is not the link’s: who else has the link gains nothing', async () => {
    const two = await strangers()
    const { world, ana, bob } = two
    const clara = await world.add('clara')
    const link = await invite(world, ana, 2)
    await invite(world, clara)
    const [hers] = published(world, clara)
    ana.crash(HOUR)
    const [row] = await ana.disk.all('invite')
    const secret = row?.row.secret ?? new Uint8Array(32)
    world.board.slots.clear()
    const [prekey] = [...(clara.engine?.resident.maps.prekeys.values() ?? [])]
    const bundle = prekey?.row.bundle ?? new Uint8Array(1)
    const p = world.primitives
    const random = (n: number): Uint8Array => world.chance.bytes(n)
    const forged = sealInviteRecord(
      p,
      random,
      secret,
      { seq: 9, nowMs: world.now() },
      { bundle, addresses: [], boxes: [] },
    )
    world.board.publish('clara', [forged])
    expect(hers).toBeDefined()
    await ask(world, bob, { name: 'add-contact', link, givenName: null })
    await world.pass(5 * MINUTE)
    expect(world.effectsOf(bob, 'look-up').length).toBeGreaterThan(0)
    expect(bob.engine?.resident.maps.sessions.size).toBe(0)
    expect(contactOf(bob, ana).found).toBeNull()
    await world.pass(HOUR)
    await talk(two)
  })
})

describe('what is believed', () => {
  test('no record from before the last one, within a day and over days, also after a restart', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    await lose(two)
    const [first] = published(world, bob)
    bob.move(placeAt(600))
    await world.pass()
    const [second] = published(world, bob)
    await answer(world, ana, bob, [second])
    const believed = { addresses: [placeAt(600).bytes] }
    expect(contactOf(ana, bob).found).toMatchObject(believed)
    const wants = world.effectsOf(ana, 'want').length
    await answer(world, ana, bob, [first])
    expect(contactOf(ana, bob).found).toMatchObject(believed)
    ana.crash(1000)
    await world.pass(2000)
    const [again] = published(world, bob)
    await answer(world, ana, bob, [first])
    expect(contactOf(ana, bob).found).toMatchObject(believed)
    expect(again).toEqual(second)
    bob.skew = 20 * DAY
    bob.take({ type: 'timer' })
    await settled()
    const tomorrow = published(world, bob)
    await answer(world, ana, bob, tomorrow)
    expect(grantOf(ana, bob).seen?.epoch).toBe(epochOf(bob.now(), audienceOf(bob, ana).phase))
    const { seen, slots } = grantOf(ana, bob)
    expect(slots.at(-1)?.epoch).toBe((seen?.epoch ?? 0) + 14)
    await answer(world, ana, bob, [second])
    expect(grantOf(ana, bob).seen).toEqual(seen)
    expect(world.effectsOf(ana, 'want').length).toBeGreaterThanOrEqual(wants)
    expect(world.reported).toEqual([])
  })

  test('no record that names another device, or one that is not in the log', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    await lose(two)
    const { secret, phase } = audienceOf(bob, ana)
    const p = world.primitives
    const random = (n: number): Uint8Array => world.chance.bytes(n)
    const forge = (device: Uint8Array): SlotRecord => {
      const content = { peerId: bob.peerId, addresses: [placeAt(666).bytes], device, carrierHints: new Uint8Array(0) }
      return sealRecord(p, random, secret, epochOf(ana.now(), phase), { seq: 1000, nowMs: ana.now() }, content)
    }
    bob.pastPlaces.push(placeAt(666))
    const own = bob.engine?.resident.self.deviceKeys.id
    if (own === undefined) throw new Error('not up')
    await answer(world, ana, bob, [forge(random(16))])
    expect([contactOf(ana, bob).found, grantOf(ana, bob).seen]).toEqual([null, null])
    const gone = toBase32(random(16)) as DeviceId
    const granted = ana.engine?.resident.maps.grants
    granted?.set(gone, { ...grantOf(ana, bob) })
    granted?.delete(own)
    await answer(world, ana, bob, [forge(deviceIdBytes(gone))])
    expect(contactOf(ana, bob).found).toBeNull()
    granted?.set(own, grantOf(ana, bob))
    granted?.delete(gone)
    await answer(world, ana, bob, [forge(deviceIdBytes(own))])
    expect(contactOf(ana, bob).found).toMatchObject({ addresses: [placeAt(666).bytes] })
  })

  test('nothing of garbage, of others’ records and of other slots; then of honest servers all', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    await lose(two)
    const [good] = published(world, bob)
    if (good === undefined) throw new Error('nothing published')
    const grant = grantOf(ana, bob)
    const strange = grant.slots.map(({ name }) => ({ ...good, name }))
    const noise = Array.from({ length: 50 }, (_, n) => ({ ...good, value: world.chance.bytes(n * 40) }))
    const flipped = Array.from({ length: 64 }, (_, n) => ({
      ...good,
      value: good.value.map((byte, at) => (at === n * 16 ? byte ^ 1 : byte)),
    }))
    const others = published(world, ana).map(({ value }) => ({ ...good, value }))
    await answer(world, ana, bob, [
      ...strange.filter(({ name }) => toBase32(name) !== toBase32(good.name)),
      ...noise,
      ...flipped,
      ...others,
      { ...good, kind: 'iv1' },
      { ...good, name: world.chance.bytes(32) },
    ])
    expect([contactOf(ana, bob).found, grantOf(ana, bob).seen]).toEqual([null, null])
    expect(grantOf(ana, bob).slots).toEqual(grant.slots)
    await answer(world, ana, bob, [good])
    expect(contactOf(ana, bob).found).not.toBeNull()
    expect(grantOf(ana, bob).slots.length).toBeGreaterThanOrEqual(grant.slots.length)
    expect(world.reported).toEqual([])
  })

  test('what they tell themselves in a session, before what was found', async () => {
    const two = await contacts()
    const { ana, bob } = two
    await loseEachOther(two)
    await talk(two)
    bob.move(placeAt(610))
    await two.world.pass()
    await talk(two, 'moved')
    expect(contactOf(ana, bob)).toMatchObject({ found: null, addresses: [placeAt(610).text] })
  })
})

describe('how often', () => {
  test('six in any minute, those seen last first, then who has messages waiting; also where the clock is set back', async () => {
    for (const back of [0, 10 * 365 * DAY]) {
      const { world, ana } = await strangers()
      const all = guests(ana, 45)
      const [last] = all.slice(-1)
      if (last === undefined) throw new Error('nobody')
      const wrote = { number: 99, lamport: 1, counter: 1, received: NO_RANGES, shown: NO_RANGES, known: 0 }
      const rest = { lastText: null, differing: NO_RANGES, receiptVersion: 0, lastSeq: 0, lastAt: 0, draft: '' }
      ana.engine?.resident.maps.conversations.set(last, { ...wrote, ...rest })
      for (const contact of [...all].reverse()) ana.take({ type: 'not-reached', contact })
      await world.pass(3 * MINUTE)
      ana.skew = -back
      await world.pass(12 * MINUTE)
      const lookUps = world.said.filter(({ effect }) => effect.type === 'look-up')
      const times = lookUps.map(({ at }) => at)
      for (const [at, time] of times.entries())
        expect(times.slice(at).filter((one) => one < time + MINUTE).length, `from ${at}`).toBeLessThanOrEqual(6)
      const order = lookUps.flatMap(({ effect }) => (effect.type === 'look-up' ? [effect.sought] : []))
      expect(new Set(order)).toEqual(new Set(all))
      if (back === 0) expect([...new Set(order)].slice(0, 33)).toEqual([...all.slice(0, 32), last])
      expect(times.length).toBeGreaterThan(back === 0 ? 60 : 45)
    }
  })

  test('less and less often who is not found, down to every six hours; at once when the DHT is back', async () => {
    const { world, ana } = await strangers()
    const [guest] = guests(ana, 1)
    if (guest === undefined) throw new Error('nobody')
    ana.take({ type: 'not-reached', contact: guest })
    await world.pass(30 * HOUR)
    const times = world.said.flatMap(({ effect, at }) => (effect.type === 'look-up' ? [at] : []))
    const waits = times.slice(1).map((at, n) => Math.round((at - (times[n] ?? 0)) / 1000) / 60)
    expect(waits).toEqual([0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360])
    world.board.isThere = false
    await world.pass(6 * HOUR)
    world.board.isThere = true
    const before = world.effectsOf(ana, 'look-up').length
    await world.pass(6 * MINUTE)
    expect(world.effectsOf(ana, 'look-up').length).toBeGreaterThan(before)
  })

  test('a DHT that is not there is asked for one at a time, from 5 s to 5 min apart; where servers are told, at once for all', async () => {
    const { world, ana } = await strangers()
    world.board.isThere = false
    for (const contact of guests(ana, 2)) ana.take({ type: 'not-reached', contact })
    await world.pass(HOUR)
    const times = world.said.flatMap(({ effect, at }) => (effect.type === 'look-up' ? [at] : []))
    const single = times.slice(2)
    const waits = single.slice(1).map((at, n) => Math.round((at - (single[n] ?? 0)) / 1000))
    expect(waits.slice(0, 7)).toEqual([10, 20, 40, 80, 160, 300, 300])
    expect(single.length).toBeLessThan(20)
    world.board.isThere = true
    ana.take({ type: 'dht-servers', addresses: ['/ip4/192.0.2.1/tcp/1'] })
    await world.pass(2000)
    expect(world.effectsOf(ana, 'look-up').length - times.length).toBeGreaterThanOrEqual(2)
  })

  test('when the DHT is back, also those who were not found for hours', async () => {
    const { world, ana } = await strangers()
    const [first, second] = guests(ana, 2) as [AccountId, AccountId]
    ana.take({ type: 'not-reached', contact: first })
    await world.pass(15 * HOUR)
    world.board.isThere = false
    ana.take({ type: 'not-reached', contact: second })
    await world.pass(2 * MINUTE)
    world.board.isThere = true
    const before = world.said.length
    await world.pass(3 * MINUTE)
    const asked = world.said.slice(before).flatMap(({ effect }) => (effect.type === 'look-up' ? [effect.sought] : []))
    expect(asked.slice(0, 2)).toEqual([second, first])
  })

  test('never before the net says where we are; not who is connected, blocked or removed', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    ana.take({ type: 'not-reached', contact: bob.id })
    await world.pass()
    expect(world.effectsOf(ana, 'look-up')).toEqual([])
    for (const name of ['block', 'remove'] as const) {
      await ask(world, ana, { name, contact: bob.id })
      await world.pass()
      ana.take({ type: 'not-reached', contact: bob.id })
      await settled()
      expect(world.effectsOf(ana, 'look-up')).toEqual([])
    }
    expect(ana.engine?.resident.maps.grants.size).toBe(0)
    expect(await ana.disk.all('grant')).toEqual([])
    const silent = await strangers(2)
    silent.world.faults.input = (input) => (input.type === 'addresses' ? undefined : input)
    await restart(silent.world, silent.ana)
    for (const contact of guests(silent.ana, 3)) silent.ana.take({ type: 'not-reached', contact })
    await silent.world.pass(HOUR)
    expect(silent.world.effectsOf(silent.ana, 'look-up')).toEqual([])
    expect(silent.world.effectsOf(silent.ana, 'publish')).toEqual([])
  })
})

test('servers are remembered, at most 64, over a restart', async () => {
  const { world, ana } = await strangers()
  const servers = Array.from({ length: 100 }, (_, n) => `/ip4/192.0.2.1/tcp/${n + 1}`)
  ana.take({ type: 'dht-servers', addresses: servers })
  await settled()
  await restart(world, ana)
  expect(ana.engine?.resident.self.row.dhtServers).toEqual(servers.slice(0, 64))
})

/** Both are switched off, and come back elsewhere with other PeerIDs. */
async function loseEachOther({ world, ana, bob }: Two, from = 77): Promise<void> {
  world.byAddress = true
  ana.crash()
  bob.crash()
  ana.move(placeAt(from))
  bob.move(placeAt(from + 1))
  await world.pass(2 * MINUTE)
}

/** They are apart, and the DHT answers nobody: what is found is given by hand. */
async function lose({ world, ana, bob }: Two): Promise<void> {
  world.byAddress = true
  world.board.mischief = { ...HONEST, hide: 1 }
  ana.move(placeAt(555))
  world.split(ana, bob, 365 * DAY)
  await world.pass()
  world.faults.effect = (effect, _chance, node) => !(effect.type === 'look-up' && node === ana)
  expect(ana.engine?.resident.maps.searches.has(bob.id)).toBe(true)
}

async function answer(
  world: Overheard,
  node: SimNode,
  other: SimNode,
  found: readonly (SlotRecord | undefined)[],
): Promise<void> {
  expect(node.engine?.resident.maps.searches.has(other.id)).toBe(true)
  const records = found.flatMap((one) => one ?? [])
  node.take({ type: 'looked-up', sought: other.id, found: records, asked: 3 })
  await settled()
  expect(world.reported).toEqual([])
}

/** Contacts whom nobody is, to be looked for by their invites, the first one seen last. */
function guests(node: SimNode, count: number): AccountId[] {
  return Array.from({ length: count }, (_, at) => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? at : 9)) as AccountKey
    const invite = { secret: key, oneTimeKey: null, bundleHash: key.slice(0, 16), expiresAt: Number.MAX_SAFE_INTEGER }
    const row = { ...newContact(key, 'active', 0), invite, lastSeenAt: node.now() - at * 1000 }
    node.engine?.resident.maps.contacts.set(accountId(key), { row, log: null })
    return accountId(key)
  })
}
