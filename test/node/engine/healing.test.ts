/**
 * What was lost heals: sessions, an older copy of a disk, contacts that one side or both removed, invites that came to nothing.
 */
import { expect, test } from 'vitest'
import type { NodeEvent } from '../../../src/node/api.ts'
import { COMPARED_AT_ONCE, fromBase32 } from '../../../src/protocol/index.ts'
import { REMADE_A_CONNECTION } from '../../../src/node/engine/limits.ts'
import type { SimNode } from '../../sim/sim-node.ts'
import { settled } from '../../sim/world.ts'
import {
  ask,
  contacts,
  DAY,
  give,
  history,
  introduce,
  invite,
  loseSessions,
  restart,
  say,
  stateOf,
  strangers,
  talk,
  texts,
  type Two,
} from './people.ts'

test('sessions lost on one side are set up again, whoever speaks first', async () => {
  for (const speaker of ['ana', 'bob'] as const) {
    const two = await contacts()
    await talk(two)
    await loseSessions(two.world, two.ana)
    const [from, to] = speaker === 'ana' ? [two.ana, two.bob] : [two.bob, two.ana]
    await say(two.world, from, to, 'first after the loss')
    await two.world.pass()
    expect(await texts(to, from), `${speaker} speaks first`).toContain('first after the loss')
    await talk(two, 'again')
  }
})

test('while a session is set up anew, the contact and what waits say so, and no longer than that', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  world.faults.effect = (effect) => effect.type !== 'answer-bundle'
  world.split(ana, bob, 30_000)
  await say(world, ana, bob, 'was waiting')
  await loseSessions(world, ana)
  await say(world, ana, bob, 'waits for keys')
  const reasons = ((await ana.queries?.events('0', 500)) ?? []).flatMap((event) =>
    event.type === 'state' && event.state === 'queued' ? [event.reason] : [],
  )
  expect(reasons).toEqual(['repairing'])
  const waiting = (await history(ana, bob)).at(-1)
  expect([ana.people?.contact(bob.id).reason, waiting?.state, waiting?.reason]).toEqual([
    'repairing',
    'queued',
    'repairing',
  ])
  expect(bob.people?.contact(ana.id).reason).toBeNull()
  // The session is there; what the other side holds is not said yet.
  world.faults.effect = (effect) => effect.type !== 'send' || effect.frames.every(({ bytes }) => bytes[0] === 1)
  await restart(world, ana)
  expect(ana.engine?.resident.maps.sessions.size).toBe(1)
  expect(ana.people?.contact(bob.id).reason).toBe('repairing')
  const events = await contactEvents(ana)
  delete world.faults.effect
  await restart(world, bob)
  await world.pass()
  const sent = (await history(ana, bob)).at(-1)
  expect([ana.people?.contact(bob.id).reason, sent?.state, sent?.reason]).toEqual([null, 'delivered', null])
  expect(await contactEvents(ana)).toBeGreaterThan(events)
})

async function contactEvents(node: SimNode): Promise<number> {
  return ((await node.queries?.events('0', 500)) ?? []).filter(({ type }) => type === 'contact').length
}

test('sessions lost on both sides are set up again', async () => {
  const two = await contacts()
  await loseSessions(two.world, two.ana)
  await loseSessions(two.world, two.bob)
  await talk(two)
})

test('a device that began a session anew does not ask again for what was sent before that was heard of', async () => {
  const two = await contacts()
  const { world, ana } = two
  world.faults.effect = (effect) => effect.type !== 'acknowledge'
  await loseSessions(world, ana)
  const asked = (): number =>
    world.effectsOf(ana, 'ask-bundle').filter(({ inviteSecret }) => inviteSecret === null).length
  expect(asked()).toBe(1)
  for (let n = 0; n < 5; n++) await give(world, ana, [Uint8Array.of(2, ...world.chance.bytes(500))])
  expect(asked()).toBe(1)
  delete world.faults.effect
  await restart(world, ana)
  await talk(two)
})

test('an older copy of a disk gets back what the other side sent, and loses nothing that is written from then on', async () => {
  for (const side of ['ana', 'bob'] as const) {
    const two = await contacts()
    const { world, ana, bob } = two
    await talk(two)
    const [node, other] = side === 'ana' ? [ana, bob] : [bob, ana]
    const copy = node.disk.snapshot()
    await say(world, other, node, 'confirmed, then lost 1', 'confirmed, then lost 2')
    await say(world, node, other, 'written after the copy 1', 'written after the copy 2')
    await world.pass()
    expect(
      (await history(other, node)).filter(({ from, state }) => from === other.id && state === 'delivered'),
    ).toHaveLength(3)
    await restart(world, node, copy)
    await say(world, node, other, 'written after the restore')
    await world.pass()
    expect(await texts(node, other)).toEqual(
      expect.arrayContaining(['confirmed, then lost 1', 'confirmed, then lost 2']),
    )
    expect(await texts(other, node)).toContain('written after the restore')
    await talk(two, 'again')
    await talk(two, 'and again')
  }
})

test('what was written on an older copy before the other side was met is not taken for what was lost', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  const copy = ana.disk.snapshot()
  await say(world, ana, bob, 'lost 1', 'lost 2', 'lost 3')
  await world.pass()
  bob.crash()
  ana.crash()
  ana.disk = copy
  await world.pass(21_000)
  world.split(ana, bob, 10_000)
  await say(world, ana, bob, 'written alone')
  await world.pass()
  expect(await texts(bob, ana)).toContain('written alone')
  await talk(two)
  const events = (await ana.queries?.events('0', 500)) ?? []
  expect(events.some((event) => event.type === 'warning' && event.text.includes('older copy'))).toBe(true)
})

test('an older copy that wrote as many texts as it had lost, or more, loses none of them', async () => {
  for (const many of [1, 3, 4, 7]) {
    const two = await contacts()
    const { world, ana, bob } = two
    await talk(two)
    const copy = ana.disk.snapshot()
    await say(world, ana, bob, 'lost 1', 'lost 2', 'lost 3')
    await world.pass()
    await wake(two, copy)
    const fresh = Array.from({ length: many }, (_, n) => `new ${n}`)
    await say(world, ana, bob, ...fresh)
    await world.pass()
    const there = await texts(bob, ana)
    for (const text of ['lost 1', 'lost 2', 'lost 3', ...fresh])
      expect(
        there.filter((shown) => shown === text),
        `${text} of ${many}`,
      ).toHaveLength(1)
    expect(there.filter((text) => text.startsWith('new'))).toEqual(fresh)
    await talk(two, 'again')
    expect(await warnings(ana)).toHaveLength(1)
  }
})

test('…also where the other side still knows the session that the copy goes on with', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const copy = ana.disk.snapshot()
  await loseSessions(world, ana)
  await say(world, ana, bob, 'lost 1', 'lost 2', 'lost 3')
  await world.pass()
  await wake(two, copy)
  await say(world, ana, bob, 'new 1', 'new 2')
  const [answered] = (await history(ana, bob)).slice(-2)
  await ask(world, ana, {
    name: 'send',
    contact: bob.id,
    text: 'new 3, to new 1',
    replyTo: fromBase32(answered?.id ?? '') ?? null,
  })
  await say(world, ana, bob, 'new 4')
  const sessions = ana.engine?.resident.maps.sessions.values().next().value
  await world.pass()
  expect(
    ana.engine?.resident.maps.sessions
      .values()
      .next()
      .value?.map(({ key }) => key),
  ).toEqual(sessions?.map(({ key }) => key))
  const there = await history(bob, ana)
  for (const text of ['lost 1', 'lost 2', 'lost 3', 'new 1', 'new 2', 'new 3, to new 1', 'new 4'])
    expect(
      there.filter((message) => message.text === text),
      text,
    ).toHaveLength(1)
  const [first, third] = ['new 1', 'new 3, to new 1'].map((text) => there.find((message) => message.text === text))
  expect(third?.replyTo).toBe(first?.id)
  await talk(two, 'again')
  expect(await warnings(ana)).toHaveLength(1)
})

test('an older copy that wrote more than one question asks about loses nothing, in its order, also where it dies meanwhile', async () => {
  for (const dies of [false, true]) {
    const two = await contacts()
    const { world, ana, bob } = two
    await talk(two)
    const copy = ana.disk.snapshot()
    const lost = Array.from({ length: COMPARED_AT_ONCE + 70 }, (_, n) => `lost ${n}`)
    await say(world, ana, bob, ...lost)
    await world.pass()
    await wake(two, copy)
    const fresh = Array.from({ length: COMPARED_AT_ONCE + 90 }, (_, n) => `new ${n}`)
    await say(world, ana, bob, ...fresh)
    if (dies) world.faults.effect = (effect, _, node) => node !== bob || effect.type !== 'send' || !isComparing(ana)
    await world.pass()
    if (dies) {
      expect(isComparing(ana)).toBe(true)
      expect(ana.people?.contact(bob.id).reason).toBe('repairing')
      expect(await numbered(bob, ana, 'new')).toEqual([])
      await restart(world, ana)
      expect(isComparing(ana)).toBe(true)
      delete world.faults.effect
      await loseSessions(world, bob)
    }
    await world.pass()
    expect(isComparing(ana)).toBe(false)
    expect(ana.people?.contact(bob.id).reason).toBeNull()
    expect(await numbered(bob, ana, 'lost')).toEqual(lost)
    expect(await numbered(bob, ana, 'new')).toEqual(fresh)
    await talk(two, 'again')
    expect(await warnings(ana)).toHaveLength(1)
  }
})

const isComparing = (node: SimNode): boolean =>
  [...(node.engine?.resident.maps.deliveries.values() ?? [])].some(({ comparing }) => comparing !== null)

/** What the other wrote by numbers, in the order of the conversation. */
async function numbered(node: SimNode, other: SimNode, word: string): Promise<readonly string[]> {
  const page = await history(node, other)
  const older = (await node.queries?.history(other.id, 500, page[0]?.id)) ?? []
  return [...older, ...page].map(({ text }) => text).filter((text) => text.startsWith(`${word} `))
}

test('what an older copy had said to hold is sent again, also where its session is still known', async () => {
  for (const first of ['nobody', 'copy', 'other'] as const) {
    const two = await contacts()
    const { world, ana, bob } = two
    await talk(two)
    const copy = ana.disk.snapshot()
    const session = sessionOf(ana)
    await loseSessions(world, ana)
    await say(world, bob, ana, 'lost 1', 'lost 2')
    await world.pass()
    expect((await history(bob, ana)).at(-1)?.state).toBe('delivered')
    expect(sessionOf(bob)).not.toBe(session)
    await wake(two, copy)
    if (first === 'copy') await say(world, ana, bob, 'new')
    if (first === 'other') await say(world, bob, ana, 'new')
    await world.pass()
    const here = await texts(ana, bob)
    for (const text of ['lost 1', 'lost 2'])
      expect(
        here.filter((shown) => shown === text),
        `${text}, ${first} speaks first`,
      ).toHaveLength(1)
    if (first === 'nobody') expect(sessionOf(bob)).toBe(session)
    await talk(two, 'again')
  }
})

const sessionOf = (node: SimNode): string | undefined =>
  [...(node.engine?.resident.maps.sessions.values() ?? [])][0]?.[0]?.key

test('a profile from before anything was compared goes on as before', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const disk = bob.disk.snapshot()
  for (const { key, row } of await disk.all('conversation')) {
    const { differing: _counters, ...old } = row
    await disk.commit([{ op: 'put', table: 'conversation', key, row: old as typeof row }])
  }
  for (const { key, row } of await disk.all('delivery')) {
    const { comparing: _question, asked: _answer, ...old } = row
    await disk.commit([{ op: 'put', table: 'delivery', key, row: old as typeof row }])
  }
  await restart(world, bob, disk)
  expect(bob.engine?.resident.maps.conversations.get(ana.id)).toMatchObject({ differing: [] })
  expect([...(bob.engine?.resident.maps.deliveries.values() ?? [])]).toMatchObject([{ comparing: null, asked: null }])
  await loseSessions(world, bob)
  await talk(two, 'again')
})

/** An older copy of Ana's disk, up and not yet in reach of Bob for some seconds. */
async function wake({ world, ana, bob }: Two, copy: SimNode['disk']): Promise<void> {
  ana.crash()
  ana.disk = copy
  world.split(ana, bob, 40_000)
  await world.pass(21_000)
  expect(ana.phase).toBe('up')
}

async function warnings(node: SimNode): Promise<readonly NodeEvent[]> {
  const events = (await node.queries?.events('0', 500)) ?? []
  return events.filter((event) => event.type === 'warning')
}

test('a contact removed on one side is added again by the link of the other', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  await ask(world, ana, { name: 'remove', contact: bob.id })
  await world.pass()
  await introduce(two, bob, ana)
  expect(stateOf(ana, bob)).toBe('active')
  expect(ana.people?.contact(bob.id).name).toBe('bob')
  await talk(two, 'again')
})

test('…and by a link of the side that removed', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  await ask(world, ana, { name: 'remove', contact: bob.id })
  await world.pass()
  await say(world, bob, ana, 'are you there?')
  await introduce(two, ana, bob)
  expect(stateOf(ana, bob)).toBe('active')
  expect(ana.people?.contact(bob.id).name).toBe('bob')
  expect(await texts(ana, bob)).toContain('are you there?')
  await talk(two, 'again')
  await restart(world, bob)
  await talk(two, 'after a restart')
})

test('…and when both had removed each other, with counters that go on', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const ids = (await history(ana, bob)).map(({ id }) => id)
  for (const [node, other] of [
    [ana, bob],
    [bob, ana],
  ] as const)
    await ask(world, node, { name: 'remove', contact: other.id })
  await introduce(two, ana, bob)
  await talk(two, 'again')
  expect((await history(ana, bob)).filter(({ id }) => ids.includes(id))).toEqual([])
})

test('an invited contact that is removed and added again starts anew', async () => {
  const two = await strangers()
  const { world, ana, bob } = two
  const link = await invite(world, ana)
  world.split(ana, bob, 10 * 60_000)
  await ask(world, bob, { name: 'add-contact', link, givenName: null })
  await say(world, bob, ana, 'never arrives')
  await ask(world, bob, { name: 'remove', contact: ana.id })
  await ask(world, bob, { name: 'add-contact', link, givenName: null })
  expect(bob.people?.queued()).toEqual(new Map())
  await world.pass(15 * 60_000)
  await talk(two)
  expect(bob.people?.contact(ana.id).state).toBe('active')
})

test('a first message that comes after the invite expired is answered with the truth, and a new link works', async () => {
  const two = await strangers()
  const { world, ana, bob } = two
  const link = await invite(world, ana, 1, 30_000)
  // The bundle arrives, the INIT does not; then the invite expires.
  world.faults.effect = (effect) => !(effect.type === 'send' && world.clock.now < 1_700_000_020_000)
  await ask(world, bob, { name: 'add-contact', link, givenName: null })
  expect(bob.engine?.resident.maps.frames.size).toBe(1)
  await world.pass(40_000)
  await restart(world, bob)
  expect(bob.people?.contact(ana.id).reason).toBe('invite-expired')
  await introduce(two, ana, bob)
  await talk(two)
})

test('a copy from before the last renewal of the contact secret finds the other again, whoever dials', async () => {
  for (const [dials, side] of [
    ['copy', 0],
    ['copy', 1],
    ['other', 0],
    ['other', 1],
  ] as const) {
    const two = await contacts()
    const { world, ana, bob } = two
    await talk(two)
    const [node, other] = side === 0 ? [ana, bob] : [bob, ana]
    const copy = node.disk.snapshot()
    for (const each of [ana, bob]) {
      each.skew = 31 * DAY
      each.take({ type: 'timer' })
    }
    await world.pass()
    await talk(two, 'a month later')
    expect(newest(ana, bob)).toMatchObject({ generation: 1, confirmed: true })
    expect(newest(bob, ana)).toMatchObject({ generation: 1, confirmed: true })
    const undialed = dials === 'copy' ? node.id : other.id
    world.faults.effect = (effect) => effect.type !== 'want' || effect.contact !== undialed
    await restart(world, other)
    await restart(world, node, copy)
    await talk(two, `${node.name} again, ${dials} dials`)
    expect(newest(node, other)).toEqual(newest(other, node))
  }
})

const newest = (node: SimNode, other: SimNode): object | undefined => {
  const [secret] = node.engine?.resident.maps.contacts.get(other.id)?.row.secrets ?? []
  return secret && { generation: secret.generation, secret: secret.secret, confirmed: secret.confirmed }
}

test('clocks that jump by ten years either way cost no message', async () => {
  for (const years of [10, -10]) {
    const two = await contacts()
    await talk(two)
    two.ana.skew = years * 365 * DAY
    await talk(two, 'in another year')
    await restart(two.world, two.ana)
    await talk(two, 'after a restart')
    two.ana.skew = 0
    await restart(two.world, two.ana)
    await talk(two, 'back')
  }
})

test('frames that were stored, not acknowledged and forgotten since are made anew, for their session is well', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const before = await texts(bob, ana)
  world.faults.effect = (effect, _chance, node) => node !== bob || effect.type !== 'acknowledge'
  for (const text of ['one', 'two']) await say(world, ana, bob, text)
  await world.pass()
  await bob.disk.commit([{ op: 'forget', table: 'seen', before: Number.MAX_SAFE_INTEGER }], 'now')
  // Nothing is set up anew: the session has to heal by itself.
  world.faults.effect = (effect) => effect.type !== 'ask-bundle'
  world.split(ana, bob, 1)
  await world.pass()
  await say(world, ana, bob, 'three')
  await world.pass()
  expect([...(ana.engine?.resident.maps.frames.values() ?? [])].flat()).toEqual([])
  expect(await texts(bob, ana)).toEqual([...before, 'one', 'two', 'three'])
  expect(world.reported).toEqual([])
})

test('a contact that refuses what it stored is sent no more than a bounded number of frames anew', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  world.faults.effect = (effect, _chance, node) => node !== bob || effect.type !== 'acknowledge'
  let anew = 0
  for (let n = 0; n < 300; n++) {
    for (const which of ['a', 'b']) await say(world, ana, bob, `text ${n} ${which}`)
    const connection = ana.engine?.resident.maps.links.values().next().value ?? 0
    const frames = [...(ana.engine?.resident.maps.frames.values() ?? [])].flat()
    const last = frames.at(-1)
    if (last === undefined) throw new Error('nothing is in flight')
    ana.take({ type: 'no-session', connection, ids: frames.slice(0, -1).map(({ id }) => id) })
    ana.take({ type: 'acknowledged', connection, ids: [last.id] })
    await settled()
    anew += frames.length - 1
  }
  expect(anew).toBeGreaterThan(REMADE_A_CONNECTION)
  const [link] = [...(ana.engine?.resident.maps.connections.values() ?? [])]
  expect(link?.remade).toBe(REMADE_A_CONNECTION)
})
