/**
 * Which commits wait for the disk: all but those that only record what the other side holds (decision 0014).
 *
 * Whenever anything leaves the engine, everything committed before is on the disk.
 */
import { beforeEach, expect, test } from 'vitest'
import type { Write } from '../../../src/node/store/records.ts'
import type { Durability } from '../../../src/node/store/store.ts'
import { contacts, DAY, history, say, talk, type Two, texts } from './people.ts'

let two: Two
/** Every commit since the two met: what it wrote, and whether it waited. */
let commits: { readonly writes: readonly Write[]; readonly durability: Durability | undefined }[]

beforeEach(async () => {
  two = await contacts()
  commits = []
  two.world.faults.store = (store) =>
    new Proxy(store, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property)
        if (property !== 'commit') return typeof value === 'function' ? value.bind(target) : value
        return (writes: readonly Write[], durability?: Durability) => {
          commits.push({ writes, durability })
          return target.commit(writes, durability)
        }
      },
    })
  for (const node of [two.ana, two.bob]) node.crash()
  await two.world.pass()
  await talk(two, 'before')
})

const silent = () => commits.filter(({ durability }) => durability === 'with-next')
const kinds = (writes: readonly Write[]): string[] =>
  writes.map((write) => ('table' in write ? `${write.op} ${write.table}` : write.op))

test('a commit is silent only where it records what the other side holds', async () => {
  await talk(two)
  // A new prekey is made, and nobody is told.
  await two.world.pass(8 * DAY)
  expect(silent().length).toBeGreaterThan(0)
  expect(new Set(silent().flatMap(({ writes }) => kinds(writes)))).toEqual(
    new Set(['put delivery', 'put running', 'delete frame']),
  )
  const loud = new Set(commits.filter((one) => !silent().includes(one)).flatMap(({ writes }) => kinds(writes)))
  for (const kind of [
    'put message',
    'put seen',
    'put session',
    'put frame',
    'put conversation',
    'put event',
    'put prekey',
  ])
    expect(loud).toContain(kind)
})

test('whatever leaves the engine, all that was committed is on the disk, also where its own batch writes nothing', async () => {
  const { world, ana, bob } = two
  let spoken = 0
  const tooEarly: string[] = []
  world.faults.effect = (effect, _chance, node) => {
    if (effect.type === 'wake') return true
    spoken++
    if (node.disk.unsynced > 0) tooEarly.push(effect.type)
    return true
  }
  // Frames that come twice are acknowledged twice, the second time without a write.
  world.weather = { drop: 0.02, double: 0.5, reorder: 0.2, delay: 200 }
  for (let n = 0; n < 150; n++) {
    const [from, to] = n % 3 === 0 ? [bob, ana] : [ana, bob]
    await say(world, from, to, `text ${n}`)
    await world.pass(400)
  }
  expect(tooEarly).toEqual([])
  expect(spoken).toBeGreaterThan(100)
  expect(commits.some(({ writes, durability }) => writes.length === 0 && durability === 'now')).toBe(true)
})

test('a crash that takes a silent commit costs one frame that is sent again, with the same bytes', async () => {
  const { world, ana, bob } = two
  await say(world, ana, bob, 'once')
  await world.pass()
  const lost = bob.disk.unsynced
  expect(lost).toBeGreaterThan(0)
  const receipt = world.framesOf(bob).at(-1)
  expect([...(bob.engine?.resident.maps.frames.values() ?? [])].flat()).toEqual([])
  bob.disk.lose(lost)
  const said = world.said.length
  bob.crash()
  await world.pass()
  const again = world.said.slice(said).flatMap(({ node, effect }) => {
    return node === bob && effect.type === 'send' ? effect.frames.map(({ bytes }) => bytes) : []
  })
  expect(again).toContainEqual(receipt)
  expect(world.reported).toEqual([])
  await talk(two, 'after')
  expect((await texts(bob, ana)).filter((text) => text === 'once')).toHaveLength(1)
  expect((await history(ana, bob)).find(({ text }) => text === 'once')?.state).toBe('delivered')
})
