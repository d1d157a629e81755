/**
 * R1 with one mishap more: a disk is replaced by an older copy of itself, or loses all its sessions, in any weather.
 *
 * What the other side wrote is never lost by that, on either side; nor is what anybody writes from then on, even where the copy
 * writes, before it meets the other, just as many texts as it had lost; and all of it is there once.
 */
import { expect, test } from 'vitest'
import { Chance } from './random.ts'
import type { SimNode } from './sim-node.ts'
import { CALM, settled, World } from './world.ts'

const seeds = Number(process.env.SIM_SEEDS ?? 100)
const first = Number(process.env.SIM_FIRST ?? 1)
const MINUTE = 60_000

test(`R1: an older copy of a disk loses nothing of the other side, over ${seeds} seeds`, {
  timeout: 600_000,
}, async () => {
  for (let seed = first; seed < first + seeds; seed++)
    expect(await perform(seed), `seed ${seed}: replay by SIM_FIRST=${seed} SIM_SEEDS=1`).toEqual([])
})

async function perform(seed: number): Promise<readonly string[]> {
  const world = new World(seed)
  const { chance, clock } = world
  const ana = await world.add('ana')
  const bob = await world.add('bob')
  ana.command({ name: 'create-invite', uses: 1, expiresAt: ana.now() + 1e9 }, (made) => {
    bob.command({ name: 'add-contact', link: (made as { link: string }).link, givenName: null })
  })
  await settled()
  await clock.runUntil(clock.now + MINUTE)
  const [victim, other] = chance.happens(0.5) ? [ana, bob] : [bob, ana]
  world.weather = { drop: chance.next() * 0.1, double: 0.1, reorder: chance.next() * 0.2, delay: 5 + chance.below(800) }
  const kept: string[] = []
  await chat(world, victim, other, kept)
  const copy = victim.disk.snapshot()
  // Then the copy goes on with a session that the other side has replaced, and still knows.
  if (new Chance(-seed).happens(0.3)) await loseSessions(victim)
  await chat(world, victim, other, kept)
  const written = counterOf(victim, other)
  await befall(world, victim, other, copy)
  kept.splice(0, kept.length, ...kept.filter((text) => text.startsWith(other.name)))
  await alone(world, victim, other, Math.max(0, written - counterOf(victim, other) + chance.below(3) - 1), kept)
  await chat(world, victim, other, kept)
  world.weather = CALM
  world.heal()
  await settled()
  await clock.runUntil(clock.now + 3 * MINUTE)
  await chat(world, victim, other, kept)
  await clock.runUntil(clock.now + MINUTE)
  const wrong = [...world.reported]
  for (const [node, peer] of [
    [ana, bob],
    [bob, ana],
  ] as const) {
    const here = ((await node.queries?.history(peer.id, 500)) ?? []).map(({ text }) => text)
    for (const text of kept) {
      const times = here.filter((shown) => shown === text).length
      if (times !== 1) wrong.push(`${node.name} has "${text}" ${times} times`)
    }
  }
  return wrong
}

async function befall(world: World, victim: SimNode, other: SimNode, copy: SimNode['disk']): Promise<void> {
  victim.crash()
  world.split(victim, other, 30_000)
  if (world.chance.happens(0.3)) {
    await loseSessions(victim)
  } else victim.disk = copy
  await world.clock.runUntil(world.clock.now + 21_000)
}

/** Takes them off its disk while it is off. */
async function loseSessions(victim: SimNode): Promise<void> {
  victim.crash()
  const rows = await victim.disk.all('session')
  await victim.disk.commit(rows.map(({ key }) => ({ op: 'delete', table: 'session', key }) as const))
}

const counterOf = (node: SimNode, other: SimNode): number =>
  node.engine?.resident.maps.conversations.get(other.id)?.counter ?? 0

/** Writes so many texts while the other cannot be reached. */
async function alone(world: World, node: SimNode, other: SimNode, many: number, stored: string[]): Promise<void> {
  for (let n = 0; n < many; n++) await write(world, node, other, stored)
  await world.clock.runUntil(world.clock.now + 15_000)
}

async function write(world: World, from: SimNode, to: SimNode, stored: string[]): Promise<void> {
  const text = `${from.name} ${world.chance.below(1e9)}`
  from.command({ name: 'send', contact: to.id, text, replyTo: null }, (value) => {
    if (typeof value === 'object' && value !== null && 'counter' in value) stored.push(text)
  })
  await settled()
}

/** Both write a few things, whenever they like; those that were stored go into the list. */
async function chat(world: World, a: SimNode, b: SimNode, stored: string[]): Promise<void> {
  for (let n = world.chance.below(12); n >= 0; n--) {
    const [from, to] = world.chance.happens(0.5) ? [a, b] : [b, a]
    await write(world, from, to, stored)
    await world.clock.runUntil(world.clock.now + world.chance.below(3000))
  }
}
