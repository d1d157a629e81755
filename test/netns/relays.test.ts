/**
 * A relay dies, falls silent, moves or refuses: the conversation goes on by any path that is left, waits honestly where none is,
 * and goes on by itself when one comes back. Real programs in network namespaces; relays are killed, not stopped, and cables pulled.
 *
 *     ana ── router ──┐
 *                     ├── internet ──┬─ rareș
 *     bogdan ─ router ┘              └─ sorin
 */
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Person } from '../e2e/people.ts'
import { doctor, Internet, isPath, placed, status, talk } from './internet.ts'
import { DEADLINE, missing, type Translation } from './networks.ts'

/** The command line, with a node that has few places for others. */
const FEW_PLACES = fileURLToPath(new URL('few-places-main.ts', import.meta.url))
const POLL = { timeout: 60_000 }
const LONG = process.env.TULNIC_LONG !== undefined

const title = `without the relay${missing === null ? '' : ` (skipped: ${missing})`}`

interface Three {
  readonly net: Internet
  readonly ana: Person
  readonly bogdan: Person
  readonly rares: Person
}

/** Two behind routers who met through the node of a third. */
async function three(translation: Translation): Promise<Three> {
  const net = Internet.make()
  const [rares, ana, bogdan] = await Promise.all([
    net.reachable('Rareș'),
    net.behind(translation, 'Ana'),
    net.behind(translation, 'Bogdan'),
  ])
  await Promise.all([ana, bogdan].map((person) => net.acquaint(person, rares)))
  await Promise.all([ana, bogdan].map(placed))
  await net.acquaint(bogdan, ana)
  return { net, ana, bogdan, rares }
}

/** Contacts at whose nodes somebody has a place. */
const placesOf = async (person: Person): Promise<string[]> =>
  (await person.get('status')).relays.at
    .filter(({ state }: { state: string }) => state === 'held')
    .map(({ contact }: { contact: string }) => contact)

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  it('another relay takes over', async () => {
    const { net, ana, bogdan, rares } = await three('masquerade fully-random')
    const sorin = await net.reachable('Sorin')
    for (const person of [ana, bogdan]) await net.acquaint(person, sorin)
    for (const person of [ana, bogdan])
      await expect.poll(() => placesOf(person), { timeout: 60_000 }).toEqual(expect.arrayContaining([sorin.id]))
    await talk(ana, bogdan, 'with both')
    await rares.stop('SIGKILL')
    const before = performance.now()
    await talk(ana, bogdan, 'with the other')
    console.info(`talked through the other relay ${Math.round(performance.now() - before)} ms after the kill`)
    expect((await bogdan.get('contact', 'show', 'Ana')).contact.via).toBe('relayed')
    expect(await placesOf(ana)).toEqual([sorin.id])
  })

  it('another relay takes over from one that falls silent, whoever of the two speaks first', async () => {
    const { net, ana, bogdan, rares } = await three('masquerade fully-random')
    const sorin = await net.reachable('Sorin')
    for (const person of [ana, bogdan]) await net.acquaint(person, sorin)
    for (const person of [ana, bogdan])
      await expect.poll(() => placesOf(person), { timeout: 60_000 }).toEqual(expect.arrayContaining([sorin.id]))
    for (const [from, to] of [
      [ana, bogdan],
      [bogdan, ana],
    ] as const) {
      await talk(ana, bogdan, 'with both')
      const by = await relayBetween(from, to)
      const silent = by === rares.id ? rares : sorin
      net.nets.cut(net.hostOf(silent))
      const before = performance.now()
      const text = `is anybody there, asks ${from.name}`
      await from.get('send', to.name, text)
      await to.event(({ type, message }) => type === 'message' && message.text === text)
      console.info(
        `noticed that a relay is silent, and talked through the other, within ${Math.round(performance.now() - before)} ms`,
      )
      expect(await relayBetween(from, to)).not.toBe(by)
      net.nets.mend(net.hostOf(silent))
      for (const person of [ana, bogdan])
        await expect
          .poll(() => placesOf(person), { timeout: 180_000 })
          .toEqual(expect.arrayContaining([sorin.id, rares.id]))
    }
  })

  it('a direct path does not need it any more', async () => {
    const { ana, bogdan, rares } = await three('masquerade')
    await bogdan.event(isPath(ana, 'direct'))
    await ana.event(isPath(bogdan, 'direct'))
    for (const person of [ana, bogdan]) person.events.length = 0
    await rares.stop('SIGKILL')
    await ana.event(isPath(rares, null))
    await bogdan.event(isPath(rares, null))
    await talk(ana, bogdan, 'without')
    for (const [one, other] of [
      [ana, bogdan],
      [bogdan, ana],
    ] as const)
      expect(one.events.filter(isPath(other, null)), 'interruptions').toEqual([])
  })

  it('who shares a network finds each other there', async () => {
    const net = Internet.make()
    const rares = await net.reachable('Rareș')
    const [ana, bogdan] = (await net.together('masquerade', ['Ana', 'Bogdan'])) as [Person, Person]
    await Promise.all([ana, bogdan].map((person) => net.acquaint(person, rares)))
    await placed(ana)
    await net.acquaint(bogdan, ana)
    await bogdan.stop('SIGKILL')
    await rares.stop('SIGKILL')
    await bogdan.start()
    await bogdan.event(isPath(ana, 'lan'))
    await talk(ana, bogdan, 'at home')
  })

  it('where no path is left a message waits and the reason is told; it goes when the relay is back, or relays again', async () => {
    const { ana, bogdan, rares } = await three('masquerade fully-random')
    await talk(ana, bogdan, 'before')
    await parts(ana, bogdan, () => rares.stop('SIGKILL'))
    expect(await relaysOf(bogdan)).toEqual([[rares.id, 'lost']])
    await waits(bogdan, ana, /The node of Rareș relayed for this one, and is not reached any more/)
    const before = performance.now()
    await rares.start()
    await arrives(ana)
    console.info(`what waited came ${Math.round(performance.now() - before)} ms after the relay's start`)
    await talk(ana, bogdan, 'after')

    await parts(ana, bogdan, () => rares.get('relaying', 'off'))
    await expect.poll(() => relaysOf(bogdan), POLL).toEqual([[rares.id, 'no-relay']])
    await waits(bogdan, ana, /The node of Rareș does not relay/)
    await rares.get('relaying', 'on')
    await arrives(ana)
    await talk(ana, bogdan, 'again')
  })

  it('where the only relay falls silent, a message waits as soon as that is noticed, and the reason is told; it goes when the relay is back', async () => {
    const { net, ana, bogdan, rares } = await three('masquerade fully-random')
    await talk(ana, bogdan, 'before')
    const cut = performance.now()
    await parts(ana, bogdan, async () => {
      net.nets.cut(net.hostOf(rares))
      await bogdan.get('send', ana.name, 'waiting')
    })
    console.info(`noticed that nobody answers ${Math.round(performance.now() - cut)} ms after the cut`)
    await expect.poll(() => relaysOf(bogdan), POLL).toEqual([[rares.id, 'lost']])
    console.info(`noticed that the relay does not, either, ${Math.round(performance.now() - cut)} ms after it`)
    await isShownToWait(bogdan, ana, /The node of Rareș relayed for this one, and is not reached any more/)
    const mended = performance.now()
    net.nets.mend(net.hostOf(rares))
    await arrives(ana)
    console.info(`what waited came ${Math.round(performance.now() - mended)} ms after it was mended`)
    await talk(ana, bogdan, 'after')
  })

  it('where a relay refuses, a message waits and the reason is told; it goes when one of the two has a place', async () => {
    const { ana, bogdan, rares } = await three('masquerade fully-random')
    await talk(ana, bogdan, 'before')
    const startWith = (places: string): Promise<void> => {
      rares.main = FEW_PLACES
      rares.env = { TULNIC_PLACES: places }
      return rares.start()
    }
    await parts(ana, bogdan, () => rares.stop('SIGKILL'))
    await startWith('0')
    for (const person of [ana, bogdan]) await expect.poll(() => relaysOf(person), POLL).toEqual([[rares.id, 'refused']])
    await waits(bogdan, ana, /The node of Rareș has no place for this one now/)
    await rares.stop('SIGKILL')
    await startWith('1')
    await arrives(ana)
    await talk(ana, bogdan, 'after')
    const states = [...(await relaysOf(ana)), ...(await relaysOf(bogdan))].map(([, state]) => state)
    expect(states.toSorted()).toEqual(['held', 'refused'])
  })

  it.skipIf(!LONG)(
    `a relay that moved is found in the hash table, and both each other through it${LONG ? '' : ' (skipped: five programs; npm run test:long)'}`,
    async () => {
      const { net, ana, bogdan, rares } = await three('masquerade fully-random')
      // They serve the hash table, and relay for neither of the two, whom they do not know.
      const sorin = await net.reachable('Sorin')
      const dan = await net.reachable('Dan')
      for (const [guest, host] of [
        [sorin, rares],
        [dan, rares],
        [dan, sorin],
      ] as const)
        await net.acquaint(guest, host)
      for (const person of [rares, sorin, dan]) await status(person, ({ dht }) => dht.mode === 'server')
      for (const person of [ana, bogdan]) await status(person, ({ dht }) => dht.servers === 3)
      await talk(ana, bogdan, 'before')
      for (const person of [ana, bogdan]) person.events.length = 0
      await rares.stop('SIGKILL')
      await bogdan.event(isPath(ana, null))
      net.move(rares)
      await waits(bogdan, ana, /The node of Rareș relayed for this one, and is not reached any more/)
      const before = performance.now()
      await rares.start()
      await arrives(ana)
      console.info(
        `what waited came ${Math.round(performance.now() - before)} ms after the start of the relay that had moved`,
      )
      await talk(ana, bogdan, 'after')
      expect(await relaysOf(bogdan)).toEqual([[rares.id, 'held']])
    },
  )
})

/** What they have heard is forgotten; then it happens, and neither reaches the other any more. */
async function parts(one: Person, other: Person, what: () => Promise<unknown>): Promise<void> {
  for (const person of [one, other]) person.events.length = 0
  await what()
  await other.event(isPath(one, null))
}

/** A message does not go, and everything that shows it says so. */
async function waits(from: Person, to: Person, why: RegExp): Promise<void> {
  const { code, json, err } = await from.run(['send', to.name, 'waiting', '--wait', 'delivered', '--timeout', '3'])
  expect([code, json[0]?.state, err]).toEqual([4, 'queued', expect.stringMatching(/they cannot be reached now/)])
  await isShownToWait(from, to, why)
}

async function isShownToWait(from: Person, to: Person, why: RegExp): Promise<void> {
  const { messages } = await from.get('history', to.name, '--limit', '1')
  expect(messages).toMatchObject([{ text: 'waiting', state: 'queued' }])
  expect(await from.get('status')).toMatchObject({ queued: 1 })
  const { contacts } = await from.get('contacts')
  expect(contacts.find(({ id }: { id: string }) => id === to.id)).toMatchObject({ online: false, via: null })
  const found = await doctor(from)
  expect(found).toMatch(why)
  expect(found).toMatch(new RegExp(`One of my messages waits for ${to.name}`))
}

const arrives = (at: Person): Promise<unknown> =>
  at.event(({ type, message }) => type === 'message' && message.text === 'waiting')

/** The contact by whose node somebody is reached. */
const relayBetween = async (from: Person, to: Person): Promise<string | null> =>
  (await from.get('contact', 'show', to.name)).contact.relayedBy

const relaysOf = async (person: Person): Promise<(readonly [contact: string, state: string])[]> =>
  (await person.get('status')).relays.at.map(({ contact, state }: { contact: string; state: string }) => [
    contact,
    state,
  ])
