/**
 * Two behind different routers who parted and both moved meet again through the hash table, talk through the relay that they find
 * there, and directly where their routers allow it. Real programs in network namespaces.
 *
 *     ana ── router ──┐
 *                     ├── internet ── rareș, who serves the hash table and relays
 *     bogdan ─ router ┘
 */
import { describe, expect, it } from 'vitest'
import type { Person } from '../e2e/people.ts'
import { Internet, placed, status, talk } from './internet.ts'
import { DEADLINE, missing, type Translation } from './networks.ts'

const title = `two behind routers who both moved${missing === null ? '' : ` (skipped: ${missing})`}`

/** Ana and Bogdan, who know each other and Rareș, at other addresses than when they parted; Ana's node runs, and has a place. */
async function parted(translation: Translation, ...options: string[]): Promise<{ ana: Person; bogdan: Person }> {
  const net = Internet.make()
  const [rares, ana, bogdan] = await Promise.all([
    net.reachable('Rareș'),
    net.behind(translation, 'Ana'),
    net.behind(translation, 'Bogdan'),
  ])
  const both = [ana, bogdan]
  await Promise.all(both.map((person) => net.acquaint(person, rares)))
  await Promise.all(both.map(placed))
  await net.acquaint(bogdan, ana)
  await talk(ana, bogdan, 'before')
  await status(rares, ({ dht }) => dht.mode === 'server')
  const before = await Promise.all(both.map((person) => person.get('status')))
  await Promise.all(both.map((person) => person.stop()))
  for (const person of both) net.move(person)
  await ana.start(...options)
  const then = before.flatMap(({ addresses }) => addresses)
  const now = (await placedAt(ana)) as string[]
  expect(now.filter((address) => then.includes(address))).toEqual([])
  bogdan.events.length = 0
  return { ana, bogdan }
}

async function placedAt(person: Person): Promise<readonly string[]> {
  await placed(person)
  return (await person.get('status')).addresses
}

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  it('through the relay at first, and then directly', async () => {
    const { ana, bogdan } = await parted('masquerade')
    const before = performance.now()
    await bogdan.start()
    const met = (via: string) => bogdan.event((event) => isOf(ana, event) && event.via === via)
    await met('relayed')
    console.info(`found through the hash table ${Math.round(performance.now() - before)} ms after the program's start`)
    await met('direct')
    console.info(`and directly after ${Math.round(performance.now() - before)} ms`)
    await talk(ana, bogdan, 'after')
  })

  it('through the relay where a router draws ports at random', async () => {
    const { ana, bogdan } = await parted('masquerade fully-random')
    await bogdan.start()
    await bogdan.event((event) => isOf(ana, event) && event.via === 'relayed')
    await talk(ana, bogdan, 'after')
    expect(bogdan.events.filter((event) => isOf(ana, event) && event.via === 'direct')).toEqual([])
  })

  it('without the hash table they do not meet (the control)', async () => {
    const { bogdan } = await parted('masquerade', '--no-dht')
    await bogdan.start('--no-dht')
    await bogdan.event(({ type, via }) => type === 'connection' && via !== null)
    const { code } = await bogdan.run(['send', 'Ana', 'after', '--wait', 'delivered', '--timeout', '10'])
    expect(code).toBe(4)
  })
})

// biome-ignore lint/suspicious/noExplicitAny: what a program printed
const isOf = (contact: Person, event: any): boolean => event.type === 'connection' && event.contact === contact.id
