/**
 * A node that nobody uses goes by another PeerID, and loses nothing by it.
 */
import { expect, test } from 'vitest'
import { toBase32 } from '../../../src/protocol/index.ts'
import type { SimNode } from '../../sim/sim-node.ts'
import { relayedBy } from '../../sim/sim-node.ts'
import { ask, contacts, DAY, MINUTE, type Overheard, say, talk, texts } from './people.ts'

const HOUR = 60 * MINUTE

/** When a node asked for another PeerID. */
const renewals = (world: Overheard, node: SimNode): readonly number[] =>
  world.said.flatMap(({ node: who, effect, at }) => (who === node && effect.type === 'renew' ? [at] : []))

test('after a quiet day and a lot, once a day; the contacts meet again and nothing is lost', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const since = world.now()
  const before = toBase32(ana.peerId)
  await world.pass(DAY - HOUR)
  expect(renewals(world, ana)).toEqual([])
  await world.pass(13 * HOUR)
  const [first = 0, ...more] = renewals(world, ana)
  expect(more).toEqual([])
  expect(first - since).toBeGreaterThanOrEqual(DAY - MINUTE)
  expect(toBase32(ana.peerId)).not.toBe(before)
  expect(renewals(world, bob)).not.toContain(first)
  expect(ana.people?.contact(bob.id).online).toBe(true)
  // Its records say where it is now.
  expect(world.effectsOf(ana, 'publish').length).toBeGreaterThan(1)
  await world.pass(23 * HOUR)
  await talk(two, 'the day after')
})

test.each([
  ['somebody writes', (world: Overheard, ana: SimNode, bob: SimNode) => say(world, bob, ana, 'still there?')],
  [
    'a person types',
    (world: Overheard, ana: SimNode, bob: SimNode) =>
      ask(world, ana, { name: 'set-draft', contact: bob.id, text: 'x' }),
  ],
])('not while %s', async (_, act) => {
  const two = await contacts()
  const { world, ana, bob } = two
  for (let n = 0; n < 4; n++) {
    await world.pass(20 * HOUR)
    await act(world, ana, bob)
  }
  expect(renewals(world, ana)).toEqual([])
  await world.pass(37 * HOUR)
  expect(renewals(world, ana)).toHaveLength(1)
})

test('where the net cannot, it is asked again each hour, and no more once it is another', async () => {
  const two = await contacts()
  const { world, ana } = two
  let can = false
  const asked: number[] = []
  world.faults.effect = ({ type }, _chance, node) => {
    if (type === 'renew' && node === ana) asked.push(world.now())
    return type !== 'renew' || can
  }
  await world.pass(2 * DAY)
  const gaps = asked.slice(1).map((at, i) => at - (asked[i] ?? 0))
  expect(asked.length).toBeGreaterThan(10)
  expect(new Set(gaps)).toEqual(new Set([HOUR]))
  can = true
  await world.pass(HOUR)
  const count = asked.length
  await world.pass(20 * HOUR)
  expect(asked).toHaveLength(count)
  await talk(two, 'afterwards')
})

test('a text that was on its way when the connections ended arrives', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  world.weather = { drop: 0, double: 0, reorder: 0, delay: 2000 }
  ana.command({ name: 'send', contact: bob.id, text: 'from ana, just before', replyTo: null })
  bob.command({ name: 'send', contact: ana.id, text: 'from bob, just before', replyTo: null })
  await world.pass(300)
  ana.renew()
  await world.pass(2 * MINUTE)
  expect(await texts(bob, ana)).toContain('from ana, just before')
  expect(await texts(ana, bob)).toContain('from bob, just before')
  expect(world.reported).toEqual([])
})

test('a wrong clock is no reason: set back, the day begins anew', async () => {
  const two = await contacts()
  const { world, ana } = two
  await world.pass(20 * HOUR)
  ana.skew = -10 * DAY
  await world.pass(20 * HOUR)
  expect(renewals(world, ana)).toEqual([])
  await world.pass(30 * HOUR)
  expect(renewals(world, ana)).toHaveLength(1)
})

test('who is reached through a relay alone is found at the new PeerID', async () => {
  const two = await contacts()
  const { world, bob } = two
  world.byAddress = true
  bob.move(relayedBy(88))
  await world.pass(5 * MINUTE)
  bob.renew()
  await world.pass(5 * MINUTE)
  await talk(two, 'through the relay')
})
