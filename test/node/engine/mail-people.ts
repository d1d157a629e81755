/**
 * People who carry mail for each other, for tests of single rules: who is switched off, what lies at whom, what is sealed by hand.
 */
import { expect } from 'vitest'
import type { DepositStatus } from '../../../src/node/engine/input.ts'
import type { LetterRow, RouteBox } from '../../../src/node/store/records.ts'
import { equal, sealEnvelope } from '../../../src/protocol/index.ts'
import type { SimNode } from '../../sim/sim-node.ts'
import { settled } from '../../sim/world.ts'
import { ask, history, introduce, MINUTE, Overheard } from './people.ts'

/** A day of a node that runs all the time. */
export const DAYS = 24 * 60 * MINUTE

export interface Three {
  readonly world: Overheard
  readonly ana: SimNode
  readonly bob: SimNode
  readonly clara: SimNode
}

/** Ana and Bob are contacts, and Bob and Clara, who carries for Bob: Ana does not know her. */
export async function carried(seed = 1, limits: Partial<Overheard['limits']> = {}): Promise<Three> {
  const world = new Overheard(seed)
  world.limits = { ...world.limits, ...limits }
  world.dialMost = 60 * MINUTE
  const [ana, bob, clara] = [await world.add('ana'), await world.add('bob'), await world.add('clara')]
  const three = { world, ana, bob, clara }
  await introduce({ world, ana, bob }, ana, bob)
  await introduce({ world, ana, bob }, bob, clara)
  await carry(three, bob, clara)
  return three
}

/** From now on `carrier` keeps mail for `owner`. */
export async function carry({ world }: { readonly world: Overheard }, owner: SimNode, carrier: SimNode): Promise<void> {
  expect(await ask(world, owner, { name: 'carrier', contact: carrier.id, on: true })).toBe(carrier.id)
  await world.pass()
  expect(boxAt(owner, carrier).row.state).toBe('kept')
}

/** Off from now on, until {@link on}. */
export function off(...nodes: readonly SimNode[]): void {
  for (const node of nodes) node.crash(1000 * DAYS)
}

export async function on(world: Overheard, ...nodes: readonly SimNode[]): Promise<void> {
  for (const node of nodes) await node.start()
  await settled()
  await world.pass()
}

export function boxAt(owner: SimNode, carrier: SimNode) {
  const found = [...(owner.engine?.resident.maps.boxes ?? [])].find(([, { carrier: id }]) => id === carrier.id)
  if (found === undefined) throw new Error(`${owner.name} has no box at ${carrier.name}`)
  return { key: found[0], row: found[1] }
}

/** What `sender` was told of the boxes of `owner`. */
export function routeTo(sender: SimNode, owner: SimNode): readonly RouteBox[] {
  const all = [...(sender.engine?.resident.maps.routes.values() ?? [])]
  return all.find(({ contact }) => contact === owner.id)?.boxes ?? []
}

export function lettersAt(carrier: SimNode): readonly LetterRow[] {
  return carrier.disk.letters({ until: Number.MAX_SAFE_INTEGER }, 1000)
}

/** Texts of `from` in its conversation with `to`, with their states there. */
export async function states(from: SimNode, to: SimNode): Promise<readonly (readonly [string, string])[]> {
  return (await history(from, to)).filter((one) => one.from === from.id).map(({ text, state }) => [text, state])
}

/** An envelope with garbage in it, good for what a carrier sees: box and token of that route. */
export function forged(world: Overheard, { box, key }: RouteBox, token: Uint8Array, bytes = 100): Uint8Array {
  const random = (n: number): Uint8Array => world.chance.bytes(n)
  return sealEnvelope(world.primitives, random, key, { box, life: 14, token }, [world.chance.bytes(bytes)])
}

/** What a carrier answers to an envelope. */
export async function put(
  world: Overheard,
  carrier: SimNode,
  envelope: Uint8Array,
): Promise<DepositStatus | null | undefined> {
  const request = 1_000_000 + world.said.length
  carrier.take({ type: 'mail-put', request, envelope })
  await settled()
  await world.pass(1000)
  return world.effectsOf(carrier, 'mail-answer').find((one) => one.request === request)?.status
}

export const includes = (all: Uint8Array, part: Uint8Array): boolean => {
  for (let at = 0; at + part.length <= all.length; at++)
    if (equal(all.subarray(at, at + part.length), part)) return true
  return false
}
