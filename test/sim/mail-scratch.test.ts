import { expect, test } from 'vitest'
import { introduce } from './conversation.ts'
import { settled, World } from './world.ts'

test('scratch', async () => {
  const world = new World(1)
  const a = await world.add('ana')
  const b = await world.add('bob')
  const c = await world.add('clara')
  introduce(world, a, b)
  introduce(world, b, c)
  introduce(world, a, c)
  await settled()
  await world.clock.runUntil(world.now() + 60_000)
  b.command({ name: 'carrier', contact: c.id, on: true }, (v) => console.log('carrier', v))
  await settled()
  await world.clock.runUntil(world.now() + 60_000)
  console.log([...(b.engine?.resident.maps.boxes.values() ?? [])].map(({ state, known }) => ({ state, known })))
  console.log(
    [...(a.engine?.resident.maps.routes.values() ?? [])].map(({ boxes }) => boxes.map((x) => x.tokens.length)),
  )
  b.crash(10 * 60_000)
  await world.clock.runUntil(world.now() + 10_000)
  for (const text of ['one', 'two', 'three']) a.command({ name: 'send', contact: b.id, text, replyTo: null })
  await settled()
  await world.clock.runUntil(world.now() + 60_000)
  console.log((await a.queries?.history(b.id))?.map(({ text, state, carriedBy }) => [text, state, carriedBy.length]))
  console.log('c has', await c.disk.letters({ until: 1e15 }, 9).length)
  a.crash(60 * 60_000)
  await world.clock.runUntil(world.now() + 12 * 60_000)
  console.log((await b.queries?.history(a.id))?.map(({ text, state }) => [text, state]))
  console.log('c has', await c.disk.letters({ until: 1e15 }, 9).length)
  b.crash(5 * 60 * 60_000)
  await world.clock.runUntil(world.now() + 62 * 60_000)
  console.log((await a.queries?.history(b.id))?.map(({ text, state }) => [text, state]))
  console.log(world.reported)
  expect(1).toBe(1)
}, 60_000)
