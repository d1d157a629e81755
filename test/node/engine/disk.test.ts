/**
 * A disk that fails for a while: what it refused was refused, nothing is lost, and it goes on when there is room.
 */
import { expect, test } from 'vitest'
import { type Store, StoreError } from '../../../src/node/store/store.ts'
import type { SimNode } from '../../sim/sim-node.ts'
import { ask, contacts, restart, say, talk, texts } from './people.ts'

/** A store whose commits fail while `full.now`. */
function failing(store: Store, full: { now: boolean }): Store {
  return new Proxy(store, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property)
      if (property !== 'commit') return typeof value === 'function' ? value.bind(target) : value
      return async (...args: Parameters<Store['commit']>) => {
        if (full.now) throw new StoreError('full', 'The disk is full: free some space, then start again.')
        return target.commit(...args)
      }
    },
  })
}

test('while the disk is full commands are refused, and afterwards everything arrives once', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  const full = { now: false }
  world.faults.store = (store) => failing(store, full)
  await restart(world, ana)
  await talk(two)
  full.now = true
  expect(await ask(world, ana, { name: 'send', contact: bob.id, text: 'refused', replyTo: null })).toMatchObject({
    code: 'storage',
  })
  await say(world, bob, ana, 'meanwhile 1', 'meanwhile 2')
  world.split(ana, bob, 5000)
  await world.pass()
  expect(await texts(ana, bob)).not.toContain('meanwhile 1')
  expect(ana.people?.contact(bob.id).online).toBe(linked(ana))
  full.now = false
  await world.pass(5 * 60_000)
  world.reported.length = 0
  await talk(two, 'with room again')
  expect((await texts(ana, bob)).filter((text) => text.startsWith('meanwhile'))).toEqual(['meanwhile 1', 'meanwhile 2'])
  expect(await texts(bob, ana)).not.toContain('refused')
})

const linked = (node: SimNode): boolean => (node.engine?.resident.maps.links.size ?? 0) > 0

test('an effect that cannot be performed does not make what is committed happen twice', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  let left = 3
  world.faults.effect = (effect) => {
    if (effect.type === 'send' && left-- > 0) throw new RangeError('the net is in a bad mood')
    return true
  }
  await say(world, ana, bob, 'once')
  expect(await texts(ana, bob)).toEqual(['once'])
  expect(world.reported.length).toBeGreaterThan(0)
  world.reported.length = 0
  left = 0
  await restart(world, ana)
  await talk(two)
  expect((await texts(bob, ana)).filter((text) => text === 'once')).toHaveLength(1)
})
