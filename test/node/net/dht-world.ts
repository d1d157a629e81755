/**
 * Nets with a DHT on loopback, and records to put there.
 */
import { expect } from 'vitest'
import { nodejs as p } from '../../../src/node/platform/nodejs-primitives.ts'
import { sealSlot, type SlotKeys, type SlotKind, slotOf, type SlotRecord } from '../../../src/protocol/index.ts'
import { type Around, DEADLINE_MS, type Online, online, person, random } from './world.ts'

/** A slot and whoever may write there. */
export interface Owner {
  readonly kind: SlotKind
  readonly keys: SlotKeys
  readonly sealKey: Uint8Array
}

export const owner = (kind: SlotKind = 'rv1'): Owner => ({ kind, keys: slotOf(p, random(32)), sealKey: random(32) })

/** A record of that slot, as its owner makes it at some time. */
export function recordOf({ kind, keys, sealKey }: Owner, seq = 1, nowMs = Date.now()): SlotRecord {
  return sealSlot(p, random, kind, keys, sealKey, { seq, nowMs }, random(100))
}

/** All of them share one address here, and are in a hurry. */
export const HURRIED = {
  dhtQuestions: 10_000,
  dhtQuestionsAtOnce: 100_000,
  tickMs: 100,
  dhtBeginMs: 100,
  dhtRefreshMs: 200,
  dhtRestMs: 200,
  // A dozen nodes that meet all at once keep a busy machine busy.
  dhtMs: 10_000,
  dhtLeastMs: 5000,
  strangers: 200,
}

/** A net with a DHT that begins at these nodes. */
export function dhtNode(begin: readonly Online[], around: Around = {}): Promise<Online> {
  return online(person(), {
    ...around,
    config: { dht: true, bootstrap: begin.map(({ address }) => address), ...around.config },
    limits: { ...HURRIED, ...around.limits },
  })
}

/** Resolves when a test passes. */
export const until = (what: string, passes: () => boolean): Promise<void> =>
  expect.poll(passes, { timeout: DEADLINE_MS, interval: 10, message: what }).toBe(true)

/** Nodes that know each other: one comes after another, and begins at the first one. */
export async function dhtNodes(count: number, around: Around = {}): Promise<Online[]> {
  const nodes: Online[] = []
  for (let i = 0; i < count; i++) {
    const node = await dhtNode(nodes.slice(0, 1), around)
    await until('it knows those who came before', () => node.net.dht().servers >= i)
    nodes.push(node)
  }
  await until('everybody knows everybody', () => nodes.every(({ net }) => net.dht().servers >= count - 1))
  return nodes
}

let contacts = 0

/** What a node finds in slots. */
export async function find(node: Online, ...owners: readonly Owner[]) {
  const sought = `somebody-${contacts++}` as never
  const names = owners.map(({ keys }) => keys.name)
  node.net.perform({ type: 'look-up', sought, kind: owners[0]?.kind ?? 'rv1', names })
  return node.heard.next('looked-up', 1, (input) => input.sought === sought)
}

/** Publishes, and waits until servers have taken all of it. */
export async function publish(node: Online, records: readonly SlotRecord[]): Promise<void> {
  node.net.perform({ type: 'publish', records })
  await until('published', () => node.net.dht().published === records.length)
}
