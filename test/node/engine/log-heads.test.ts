/**
 * The heads of device logs that messages name: what is newer is fetched, what contradicts is told, and nobody asks in vain.
 */
import { expect, test } from 'vitest'
import { appendDevice, createDeviceLog, type DeviceLog, deviceKeys } from '../../../src/protocol/index.ts'
import type { SimNode } from '../../sim/sim-node.ts'
import { ask, contacts, type Overheard, restart, say, talk, texts, type Two } from './people.ts'

/** A node goes on with another device log of its own, as a later version's would; it is in the bundles from then on. */
async function carry(world: Overheard, node: SimNode, log: DeviceLog): Promise<void> {
  const [profile] = await node.disk.all('profile')
  if (profile === undefined) throw new Error('no profile')
  const row = { ...profile.row, deviceLog: log.bytes }
  await node.disk.commit([{ op: 'put', table: 'profile', key: 'self', row }])
  await restart(world, node)
  await ask(world, node, { name: 'current-bundle' })
}

const selfOf = (node: SimNode) => {
  const self = node.engine?.resident.self
  if (self === undefined) throw new Error('down')
  return self
}

const logAt = (node: SimNode, of: SimNode): DeviceLog | null =>
  node.engine?.resident.maps.contacts.get(of.id)?.log ?? null

const asked = ({ world }: Two, node: SimNode): number => world.effectsOf(node, 'ask-bundle').length

async function warnings(node: SimNode, word: string): Promise<number> {
  const events = (await node.queries?.events('0', 500)) ?? []
  return events.filter((event) => event.type === 'warning' && event.text.includes(word)).length
}

const spare = ({ world }: Two) =>
  deviceKeys(world.primitives, { signingSeed: world.chance.bytes(32), dhSeed: world.chance.bytes(32) })

test('where both know the same logs nobody asks', async () => {
  const two = await contacts()
  const before = [asked(two, two.ana), asked(two, two.bob)]
  await talk(two)
  expect([asked(two, two.ana), asked(two, two.bob)]).toEqual(before)
  expect(await warnings(two.ana, 'devices')).toBe(0)
})

test('a longer log is fetched from the device whose message names it, once', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const before = asked(two, ana)
  const { account, log } = selfOf(bob)
  const longer = appendDevice(world.primitives, account, log, spare(two), world.now())
  await carry(world, bob, longer)
  await say(world, bob, ana, 'one', 'two', 'three')
  await world.pass()
  expect(await texts(ana, bob)).toEqual(expect.arrayContaining(['one', 'two', 'three']))
  expect(logAt(ana, bob)?.bytes).toEqual(longer.bytes)
  expect(asked(two, ana)).toBe(before + 1)
  expect(await warnings(ana, 'devices')).toBe(0)
  // What names the log of before is nothing new: it was under way.
  await carry(world, bob, log)
  await talk(two, 'with the older log')
  expect(logAt(ana, bob)?.bytes).toEqual(longer.bytes)
  expect(asked(two, ana)).toBe(before + 1)
})

test('a log that contradicts the known one is told and not believed, and its messages arrive', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const before = asked(two, ana)
  const known = logAt(ana, bob)
  const { account, deviceKeys: keys } = selfOf(bob)
  const other = createDeviceLog(world.primitives, account, keys, 1)
  await carry(world, bob, appendDevice(world.primitives, account, other, spare(two), 2))
  await say(world, bob, ana, 'one', 'two', 'three')
  await world.pass()
  expect(await texts(ana, bob)).toEqual(expect.arrayContaining(['one', 'two', 'three']))
  await say(world, bob, ana, 'four')
  await world.pass()
  expect(logAt(ana, bob)?.bytes).toEqual(known?.bytes)
  expect(asked(two, ana)).toBe(before + 1)
  expect(await warnings(ana, 'contradict each other')).toBe(1)
})

test('whoever was told of devices of mine that I do not have is named to me, once a connection', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const { account, log } = selfOf(ana)
  const stolen = appendDevice(world.primitives, account, log, spare(two), world.now())
  const row = bob.engine?.resident.maps.contacts.get(ana.id)?.row
  if (row === undefined) throw new Error('no contact')
  bob.engine?.resident.maps.contacts.set(ana.id, { row, log: stolen })
  await say(world, bob, ana, 'one', 'two', 'three')
  await world.pass()
  expect(await warnings(ana, 'your account key')).toBe(1)
  expect(await texts(ana, bob)).toEqual(expect.arrayContaining(['one', 'two', 'three']))
})
