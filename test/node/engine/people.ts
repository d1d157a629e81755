/**
 * Two people with real engines in a simulated world of good weather, for tests of what a hostile or broken peer can do.
 *
 * Holds: no real time passes; everything follows from the seed.
 */
import { expect } from 'vitest'
import type { Message } from '../../../src/node/api.ts'
import type { Asked } from '../../../src/node/engine/command.ts'
import type { NetEffect } from '../../../src/node/engine/effect.ts'
import type { EventBody } from '../../../src/node/engine/events.ts'
import type { AudienceRow, ContactRow, GrantRow } from '../../../src/node/store/records.ts'
import type { SlotRecord } from '../../../src/protocol/index.ts'
import type { SimNode } from '../../sim/sim-node.ts'
import { settled, World } from '../../sim/world.ts'

export const MINUTE = 60_000
export const DAY = 24 * 60 * MINUTE

/** A world that writes down what its nodes say to each other. */
export class Overheard extends World {
  readonly said: { readonly node: SimNode; readonly effect: NetEffect; readonly at: number }[] = []

  /** Events that were stored. */
  readonly told: { readonly node: SimNode; readonly body: EventBody }[] = []

  constructor(seed: number) {
    super(seed)
    this.faults.effect = (effect, _chance, node) => {
      if (effect.type === 'stored-event') this.told.push({ node, body: effect.body })
      return true
    }
  }

  override perform(node: SimNode, effect: NetEffect): void {
    this.said.push({ node, effect, at: this.now() })
    super.perform(node, effect)
  }

  /** All frames that a node sent so far. */
  framesOf(node: SimNode): readonly Uint8Array[] {
    return this.effectsOf(node, 'send').flatMap(({ frames }) => frames.map(({ bytes }) => bytes))
  }

  effectsOf<T extends NetEffect['type']>(node: SimNode, type: T): Extract<NetEffect, { type: T }>[] {
    return this.said.flatMap(({ node: who, effect }) =>
      who === node && effect.type === type ? [effect] : [],
    ) as Extract<NetEffect, { type: T }>[]
  }

  async pass(ms = MINUTE): Promise<void> {
    await settled()
    await this.clock.runUntil(this.clock.now + ms)
    await settled()
  }
}

export interface Two {
  readonly world: Overheard
  readonly ana: SimNode
  readonly bob: SimNode
}

/** Two profiles that do not know each other. */
export async function strangers(seed = 1): Promise<Two> {
  const world = new Overheard(seed)
  return { world, ana: await world.add('ana'), bob: await world.add('bob') }
}

/** Two who are contacts and connected. */
export async function contacts(seed = 1): Promise<Two> {
  const two = await strangers(seed)
  await introduce(two, two.ana, two.bob)
  expect([stateOf(two.ana, two.bob), stateOf(two.bob, two.ana)]).toEqual(['active', 'active'])
  return two
}

/** Asks, and waits in virtual time for the answer (or the error it was refused with). */
export async function ask(world: Overheard, node: SimNode, asked: Asked): Promise<unknown> {
  let answer: unknown
  node.command(asked, (value) => {
    answer = value
  })
  await settled()
  for (let n = 0; n < 120 && answer === undefined; n++) await world.pass(1000)
  return answer
}

export async function invite(world: Overheard, inviter: SimNode, uses = 1, lasts = 7 * DAY): Promise<string> {
  const made = await ask(world, inviter, { name: 'create-invite', uses, expiresAt: inviter.now() + lasts })
  return (made as { link: string }).link
}

export async function introduce({ world }: Two, inviter: SimNode, guest: SimNode): Promise<void> {
  const link = await invite(world, inviter)
  await ask(world, guest, { name: 'add-contact', link, givenName: null })
  await world.pass()
}

export const stateOf = (node: SimNode, other: SimNode): string | undefined =>
  node.engine?.resident.maps.contacts.get(other.id)?.row.state

export async function say(world: Overheard, node: SimNode, to: SimNode, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) await ask(world, node, { name: 'send', contact: to.id, text, replyTo: null })
}

export async function history(node: SimNode, other: SimNode): Promise<readonly Message[]> {
  return (await node.queries?.history(other.id, 500)) ?? []
}

export const texts = async (node: SimNode, other: SimNode): Promise<string[]> =>
  (await history(node, other)).map(({ text }) => text)

/** Says one thing each way, and asks that it arrives, is confirmed, and that nothing was reported. */
export async function talk({ world, ana, bob }: Two, word = 'hello'): Promise<void> {
  await say(world, ana, bob, `${word} from ana`)
  await say(world, bob, ana, `${word} from bob`)
  await world.pass()
  expect(await texts(bob, ana)).toContain(`${word} from ana`)
  expect(await texts(ana, bob)).toContain(`${word} from bob`)
  for (const [node, other] of [
    [ana, bob],
    [bob, ana],
  ] as const) {
    const mine = (await history(node, other)).filter(({ from }) => from === node.id)
    expect(mine.filter(({ state }) => state !== 'delivered' && state !== 'read')).toEqual([])
    expect(node.people?.queued()).toEqual(new Map())
  }
  expect(world.reported).toEqual([])
}

/** The one connection of a node over which a contact's device is spoken to. */
export function linkOf(node: SimNode): number {
  const [link] = node.engine?.resident.maps.links.values() ?? []
  if (link === undefined) throw new Error(`${node.name} is not connected`)
  return link
}

/** Frames as if they had come over the open connection of a contact. */
export async function give(world: Overheard, to: SimNode, frames: readonly Uint8Array[]): Promise<void> {
  const connection = linkOf(to)
  const link = to.engine?.resident.maps.connections.get(connection)
  if (link === undefined) throw new Error('no such connection')
  to.take({ type: 'frames', connection, contact: link.contact, device: link.device, frames })
  await settled()
  await world.pass(1000)
}

/** Power off; the disk is what it was, or the older copy; it starts again by itself. */
export async function restart(world: Overheard, node: SimNode, older?: SimNode['disk']): Promise<void> {
  const disk = older ?? node.disk.snapshot()
  node.crash()
  node.disk = disk
  if (older === undefined) node.isCopy = false
  await world.pass()
  expect(node.phase).toBe('up')
}

/** Takes all sessions off the disk of a node, as if those rows had been damaged. */
export async function loseSessions(world: Overheard, node: SimNode): Promise<void> {
  const disk = node.disk.snapshot()
  const rows = await disk.all('session')
  expect(rows.length).toBeGreaterThan(0)
  await disk.commit(rows.map(({ key }) => ({ op: 'delete', table: 'session', key }) as const))
  await restart(world, node, disk)
}

/** Ana's row of Bob. */
export const contactOf = (node: SimNode, other: SimNode): ContactRow => {
  const known = node.engine?.resident.maps.contacts.get(other.id)
  if (known === undefined) throw new Error(`${node.name} does not know ${other.name}`)
  return known.row
}

/** The audience that `other` belongs to. */
export function audienceOf(node: SimNode, other: SimNode): AudienceRow {
  const known = node.engine?.resident.maps.audiences.get(contactOf(node, other).audience ?? '')
  if (known === undefined) throw new Error('no audience')
  return known
}

/** What `node` was told by `other`. */
export function grantOf(node: SimNode, other: SimNode): GrantRow {
  const found = [...(node.engine?.resident.maps.grants.values() ?? [])].find(({ contact }) => contact === other.id)
  if (found === undefined) throw new Error(`${node.name} has no grant of ${other.name}`)
  return found
}

/** What the node keeps in the DHT. */
export const published = (world: Overheard, node: SimNode): readonly SlotRecord[] =>
  world.effectsOf(node, 'publish').at(-1)?.records ?? []
