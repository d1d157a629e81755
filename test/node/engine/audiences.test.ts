/**
 * Audiences: who is in which, what they are told, what is published for them, and what who left cannot read.
 */
import { describe, expect, test } from 'vitest'
import { regroup, renewGrants } from '../../../src/node/engine/audiences.ts'
import { newContact, putContact } from '../../../src/node/engine/contact-rows.ts'
import { Draft } from '../../../src/node/engine/draft.ts'
import type { Env } from '../../../src/node/engine/env.ts'
import type { AudienceRow, ContactRow } from '../../../src/node/store/records.ts'
import {
  type AccountId,
  type AccountKey,
  accountId,
  equal,
  openInviteRecord,
  openRecord,
  readKey,
  slotKeys,
  toBase32,
} from '../../../src/protocol/index.ts'
import { placeAt, relayedBy, type SimNode } from '../../sim/sim-node.ts'
import {
  ask,
  audienceOf,
  contactOf,
  contacts,
  DAY,
  grantOf,
  introduce,
  invite,
  MINUTE,
  published,
  restart,
  strangers,
  talk,
  type Two,
} from './people.ts'

const HOUR = 60 * MINUTE

describe('groups', () => {
  test('600 contacts: at most 16 in each, 32 in all, never more than four with room; nobody is in two', async () => {
    const { draft, env } = await alone()
    const all = people(600)
    for (const [at, id] of all.entries()) {
      putContact(draft, id, newContact(keyOf(at), 'active', at), null)
      regroup(draft, env)
      const sizes = [...members(draft).values()].map(({ length }) => length)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(16)
      expect(sizes.length).toBeLessThanOrEqual(32)
      expect(sizes.filter((size) => size < 16).length).toBeLessThanOrEqual(4)
    }
    expect([...members(draft).values()].flat()).toHaveLength(512)
    expect(row(draft, all[599]).audience).toBeNull()
  })

  test('who was added one after the other is not together for that', async () => {
    const { draft, env } = await alone()
    for (const [at, id] of people(64).entries()) {
      putContact(draft, id, newContact(keyOf(at), 'active', at), null)
      regroup(draft, env)
    }
    const together = people(64).filter(
      (id, at, all) => at > 0 && row(draft, id).audience === row(draft, all[at - 1]).audience,
    )
    expect(together.length).toBeLessThan(40)
    expect(together.length).toBeGreaterThan(2)
  })

  test('invited and blocked contacts are in none; a relay-only one is alone, whatever room there is', async () => {
    const { draft, env } = await alone()
    const [ana, bob, clara, dan] = people(4) as [AccountId, AccountId, AccountId, AccountId]
    putContact(draft, ana, newContact(keyOf(0), 'invited', 1), null)
    putContact(draft, bob, { ...newContact(keyOf(1), 'active', 1), state: 'blocked' }, null)
    putContact(draft, clara, { ...newContact(keyOf(2), 'active', 1), relayOnly: true }, null)
    putContact(draft, dan, newContact(keyOf(3), 'active', 1), null)
    regroup(draft, env)
    expect([row(draft, ana).audience, row(draft, bob).audience]).toEqual([null, null])
    const hers = row(draft, clara).audience
    expect(audience(draft, hers).relayOnly).toBe(true)
    expect(audience(draft, row(draft, dan).audience).relayOnly).toBe(false)
    for (const [at, id] of people(40).slice(4).entries())
      putContact(draft, id, newContact(keyOf(at + 4), 'active', 1), null)
    regroup(draft, env)
    expect(members(draft).get(hers ?? '')).toEqual([clara])
  })

  test('whoever leaves ends the audience: the others come together in a fresh one, with new grants; other audiences stay', async () => {
    for (const how of ['block', 'relay-only'] as const) {
      const { draft, env } = await alone()
      for (const [at, id] of people(40).entries()) putContact(draft, id, newContact(keyOf(at), 'active', 1), null)
      regroup(draft, env)
      const [leaver, ...rest] = people(40) as [AccountId, ...AccountId[]]
      const before = new Map(rest.map((id) => [id, row(draft, id)]))
      const ended = row(draft, leaver).audience
      const { secret, phase } = audience(draft, ended)
      putContact(
        draft,
        leaver,
        { ...row(draft, leaver), ...(how === 'block' ? { state: 'blocked' } : { relayOnly: true }) },
        null,
      )
      regroup(draft, env)
      expect(draft.maps.audiences.get(ended ?? '')).toBeUndefined()
      const others = rest.filter((id) => before.get(id)?.audience === ended)
      expect(others.length).toBeGreaterThan(0)
      expect(new Set(others.map((id) => row(draft, id).audience)).size).toBe(1)
      const fresh = audience(draft, row(draft, others[0]).audience)
      expect([equal(fresh.secret, secret), fresh.phase === phase]).toEqual([false, false])
      for (const id of rest) {
        const isOther = others.includes(id)
        expect(row(draft, id).grantVersion > (before.get(id)?.grantVersion ?? 0)).toBe(isOther)
        if (!isOther) expect(row(draft, id).audience).toBe(before.get(id)?.audience)
      }
    }
  })

  test('a grant is due again when fewer than ten of its names lie ahead, and when the clock was set back', async () => {
    const { draft, env } = await alone()
    const [bob] = people(1) as [AccountId]
    putContact(draft, bob, newContact(keyOf(0), 'active', 1), null)
    regroup(draft, env)
    const first = row(draft, bob)
    renewGrants(draft, { ...env, now: env.now + 19 * DAY })
    expect(row(draft, bob).grantVersion).toBe(first.grantVersion)
    renewGrants(draft, { ...env, now: env.now + 20 * DAY })
    expect(row(draft, bob)).toMatchObject({ grantEpoch: first.grantEpoch + 20, audience: first.audience })
    const second = row(draft, bob)
    expect(second.grantVersion).toBeGreaterThan(first.grantVersion)
    renewGrants(draft, env)
    expect(row(draft, bob).grantVersion).toBeGreaterThan(second.grantVersion)
    expect(row(draft, bob).grantEpoch).toBe(first.grantEpoch)
  })
})

describe('grants', () => {
  test('each of two contacts is told where the other will be found, and has confirmed it', async () => {
    const { ana, bob } = await contacts()
    for (const [node, other] of [
      [ana, bob],
      [bob, ana],
    ] as const) {
      const grant = grantOf(other, node)
      const mine = audienceOf(node, other)
      expect(equal(grant.readKey, readKey(node.around.primitives, mine.secret))).toBe(true)
      expect(grant.slots).toHaveLength(30)
      const [delivery] = [...(node.engine?.resident.maps.deliveries.values() ?? [])]
      expect(delivery?.facts.grant).toBe(contactOf(node, other).grantVersion)
    }
  })

  test('a grant that did not arrive is owed until it does, also after a restart', async () => {
    const two = await strangers()
    const { world, ana, bob } = two
    // Nothing of hers but INITs and what is not longer than a receipt gets through.
    world.faults.effect = (effect, _chance, node) =>
      !(effect.type === 'send' && node === ana && effect.frames.some(({ bytes }) => bytes[0] === 2))
    await introduce(two, ana, bob)
    expect(bob.engine?.resident.maps.grants.size).toBe(0)
    await restart(world, ana)
    delete world.faults.effect
    await restart(world, ana)
    expect(grantOf(bob, ana).slots).toHaveLength(30)
    await talk(two)
  })

  test('in three weeks the names go on without a gap, and the same audience', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    const before = grantOf(bob, ana)
    await world.pass(21 * DAY)
    const after = grantOf(bob, ana)
    expect(equal(after.readKey, before.readKey)).toBe(true)
    const epochs = after.slots.map(({ epoch }) => epoch)
    expect(epochs).toEqual(epochs.map((_, at) => (epochs[0] ?? 0) + at))
    expect(epochs.at(-1)).toBeGreaterThanOrEqual((before.slots.at(-1)?.epoch ?? 0) + 20)
  })
})

describe('publishing', () => {
  test('what is published are the records of now, opened by the members and by nobody else', async () => {
    const { world, ana, bob } = await contacts()
    const records = published(world, ana)
    expect(records.length).toBeGreaterThan(0)
    const p = ana.around.primitives
    const grant = grantOf(bob, ana)
    const opened = records.flatMap(({ name, value }) => openRecord(p, grant.readKey, name, value) ?? [])
    expect(opened).toHaveLength(records.length)
    expect(opened[0]).toMatchObject({ peerId: ana.peerId, addresses: [ana.places[0]?.bytes] })
    expect(records.every(({ name }) => grant.slots.some((slot) => equal(slot.name, name)))).toBe(true)
    const other = grantOf(ana, bob)
    expect(records.flatMap(({ name, value }) => openRecord(p, other.readKey, name, value) ?? [])).toEqual([])
  })

  test('it is told anew when the place or the PeerID changes, and not when nothing does', async () => {
    const { world, ana } = await contacts()
    const count = (): number => world.effectsOf(ana, 'publish').length
    const before = count()
    for (let n = 0; n < 5; n++) ana.take({ type: 'timer' })
    ana.take({ type: 'addresses', addresses: [], whereabouts: { peerId: ana.peerId, addresses: ana.places } })
    await world.pass(MINUTE)
    expect(count()).toBe(before)
    const seqs = (): number[] =>
      [...(ana.engine?.resident.maps.audiences.values() ?? [])].flatMap((one) => one.seqs.map(({ seq }) => seq))
    const [first] = seqs()
    ana.move(placeAt(50))
    await world.pass(MINUTE)
    expect(count()).toBe(before + 1)
    await restart(world, ana)
    expect(count()).toBe(before + 2)
    expect(seqs()[0]).toBe((first ?? 0) + 2)
    expect(world.reported).toEqual([])
  })

  test('each day lies in its slot from before it begins, for an hour after it ended, and no longer', async () => {
    const { world, ana, bob } = await contacts()
    const { secret, phase } = audienceOf(ana, bob)
    for (let hour = 0; hour < 60; hour++) {
      const day = (world.now() - phase * 1000) / DAY
      const into = (day - Math.floor(day)) * DAY
      const names = published(world, ana).map(({ name }) => toBase32(name))
      const has = (epoch: number): boolean =>
        names.includes(toBase32(slotKeys(ana.around.primitives, secret, epoch).name))
      expect(has(Math.floor(day)), `hour ${hour}: today`).toBe(true)
      if (into > HOUR) expect(has(Math.floor(day) - 1), `hour ${hour}: yesterday`).toBe(false)
      if (into < DAY - HOUR) expect(has(Math.floor(day) + 1), `hour ${hour}: tomorrow`).toBe(false)
      await world.pass(HOUR)
    }
    expect(world.reported).toEqual([])
  })

  test('two records of one slot have two numbers, also where the node dies while it publishes', async () => {
    const { world, ana } = await contacts()
    for (let n = 0; n < 12; n++) {
      ana.fuse = 1 + n
      ana.move(placeAt(60 + n))
      await world.pass(MINUTE)
    }
    expect(ana.crashes).toBeGreaterThan(6)
    expect(world.reported).toEqual([])
  })

  test('a relay-only contact reads relayed addresses alone, in records and in sessions', async () => {
    const { world, ana, bob } = await contacts()
    ana.move(placeAt(70), relayedBy(71))
    await world.pass()
    expect(contactOf(bob, ana).addresses).toHaveLength(2)
    await ask(world, ana, { name: 'relay-only', contact: bob.id, on: true })
    await world.pass()
    expect(world.effectsOf(ana, 'want').findLast(({ contact }) => contact === bob.id)?.relayOnly).toBe(true)
    expect(contactOf(bob, ana).addresses.every((one) => one.includes('/p2p-circuit'))).toBe(true)
    expect(contactOf(bob, ana).addresses).toHaveLength(1)
    const p = ana.around.primitives
    const opened = published(world, ana).flatMap(
      ({ name, value }) => openRecord(p, grantOf(bob, ana).readKey, name, value) ?? [],
    )
    expect(opened.length).toBeGreaterThan(0)
    for (const { addresses } of opened) expect(addresses).toEqual([relayedBy(71).bytes])
    ana.move(placeAt(72))
    await world.pass()
    expect(published(world, ana).filter(({ kind }) => kind === 'rv1')).toEqual([])
    await ask(world, ana, { name: 'relay-only', contact: bob.id, on: false })
    await world.pass()
    expect(contactOf(bob, ana).addresses).toEqual([placeAt(72).text])
  })

  test('who was removed reads nothing of what is published afterwards; who stays does', async () => {
    for (const how of ['remove', 'block'] as const) {
      const { world, ana, bob, clara } = await threeTogether()
      const p = ana.around.primitives
      const old = grantOf(bob, ana)
      const before = published(world, ana)
      expect(before.some(({ name, value }) => openRecord(p, old.readKey, name, value) !== undefined)).toBe(true)
      await ask(world, ana, { name: how, contact: bob.id })
      await world.pass()
      ana.move(placeAt(80))
      await world.pass()
      for (const days of [1, 2]) {
        ana.skew = days * DAY
        ana.take({ type: 'timer' })
        await world.pass()
      }
      const after = world
        .effectsOf(ana, 'publish')
        .slice(-6)
        .flatMap(({ records }) => records)
      expect(after.length).toBeGreaterThan(0)
      const rest = published(world, ana)
      for (const { name, value } of rest) {
        expect(openRecord(p, old.readKey, name, value), how).toBeUndefined()
        expect(
          old.slots.some((slot) => equal(slot.name, name)),
          how,
        ).toBe(false)
      }
      const kept = grantOf(clara, ana)
      expect(
        rest.some(({ name, value }) => openRecord(p, kept.readKey, name, value) !== undefined),
        how,
      ).toBe(true)
    }
  })
})

describe('invites', () => {
  test('an open invite lies in the DHT with its bundle, sealed anew each day, until it is used', async () => {
    const two = await strangers()
    const { world, ana, bob } = two
    const link = await invite(world, ana)
    const [row] = [...(ana.engine?.resident.maps.invites.values() ?? [])]
    const record = (): Uint8Array | undefined => published(world, ana).find(({ kind }) => kind === 'iv1')?.value
    const open = () =>
      openInviteRecord(ana.around.primitives, row?.secret ?? new Uint8Array(32), record() ?? new Uint8Array(0))
    expect(open()).toMatchObject({ seq: 1, addresses: [ana.places[0]?.bytes] })
    await world.pass(3 * DAY + HOUR)
    expect(open()?.seq).toBe(4)
    await ask(world, bob, { name: 'add-contact', link, givenName: null })
    await world.pass()
    expect(record()).toBeUndefined()
    expect(world.reported).toEqual([])
  })

  test('…also where somebody uses it who is a contact already', async () => {
    const two = await contacts()
    const { world, ana, bob } = two
    await ask(world, bob, { name: 'remove', contact: ana.id })
    const link = await invite(world, ana)
    expect(published(world, ana).some(({ kind }) => kind === 'iv1')).toBe(true)
    await ask(world, bob, { name: 'add-contact', link, givenName: null })
    await world.pass()
    expect(published(world, ana).some(({ kind }) => kind === 'iv1')).toBe(false)
    await talk(two)
  })

  test('…and until it expires; what leads to nobody without a PeerID has ours', async () => {
    const { world, ana } = await strangers()
    ana.move(relayedBy(90))
    await invite(world, ana, 1, 2 * DAY)
    const [row] = [...(ana.engine?.resident.maps.invites.values() ?? [])]
    const [record] = published(world, ana)
    const content = openInviteRecord(
      ana.around.primitives,
      row?.secret ?? new Uint8Array(32),
      record?.value ?? new Uint8Array(0),
    )
    expect(content?.addresses).toEqual([Uint8Array.of(...relayedBy(90).bytes, 0xa5, 3, 38, ...ana.peerId)])
    await world.pass(2 * DAY + MINUTE)
    expect(published(world, ana)).toEqual([])
  })
})

// Someone with contacts that are rows alone.

async function alone(): Promise<{ draft: Draft; env: Env }> {
  const { world, ana } = await strangers()
  if (ana.engine === undefined) throw new Error('not up')
  const random = (n: number): Uint8Array => world.chance.bytes(n)
  return { draft: new Draft(ana.engine.resident), env: { p: world.primitives, random, now: ana.now() } }
}

const keyOf = (at: number): AccountKey =>
  Uint8Array.from({ length: 32 }, (_, i) => (i < 2 ? at >> (8 * i) : 7)) as AccountKey
const people = (count: number): AccountId[] => Array.from({ length: count }, (_, at) => accountId(keyOf(at)))

function row(draft: Draft, id: AccountId | undefined): ContactRow {
  const known = id === undefined ? undefined : draft.maps.contacts.get(id)
  if (known === undefined) throw new Error('no such contact')
  return known.row
}

function audience(draft: Draft, key: string | null): AudienceRow {
  const known = key === null ? undefined : draft.maps.audiences.get(key)
  if (known === undefined) throw new Error('no such audience')
  return known
}

function members(draft: Draft): Map<string, AccountId[]> {
  const all = new Map([...draft.maps.audiences.entries()].map(([key]) => [key, [] as AccountId[]]))
  for (const [id, { row }] of draft.maps.contacts.entries()) if (row.audience !== null) all.get(row.audience)?.push(id)
  return all
}

/** Bob and Clara are in one audience of Ana's. */
async function threeTogether(): Promise<Two & { clara: SimNode }> {
  for (let seed = 1; seed < 30; seed++) {
    const two = await contacts(seed)
    const clara = await two.world.add('clara')
    await introduce(two, two.ana, clara)
    if (contactOf(two.ana, two.bob).audience === contactOf(two.ana, clara).audience) return { ...two, clara }
  }
  throw new Error('never together')
}
