/**
 * Three people: two write to each other and never meet, so that all they say is mail, carried by the third.
 *
 *     ana ──link── carmen ──link── bogdan        between ana and bogdan: no address but a relay's, and nobody relays
 *
 * Holds: the two reach each other through relays alone, and Carmen's node relays for nobody; she carries for both.
 */
import { onTestFinished } from 'vitest'
import type { Client } from '../../src/node/server/socket.ts'
import { Person } from './people.ts'
import { clientOf } from './writer.ts'

/** Against hangs: each text waits for some seconds before it becomes mail. A long run has none. */
export const DEADLINE = { timeout: process.env.TULNIC_LONG === undefined ? 600_000 : 0 }

export interface Three {
  readonly ana: Person
  readonly bogdan: Person
  readonly carmen: Person
}

/**
 * They run, know each other, and Ana and Bogdan are apart from now on; they go when the test is over. `prepare`: before a person's
 * profile is made.
 */
export async function threeApart(prepare: (person: Person) => void = () => {}): Promise<Three> {
  const [ana, bogdan, carmen] = ['Ana', 'Bogdan', 'Carmen'].map(person) as [Person, Person, Person]
  await Promise.all(
    [ana, bogdan, carmen].map(async (one) => {
      prepare(one)
      await one.get('init', '--name', one.name, '--no-passphrase')
      await one.start()
    }),
  )
  await acquaint({ ana, bogdan, carmen })
  return { ana, bogdan, carmen }
}

function person(name: string): Person {
  const made = new Person(name, ['--no-mdns'])
  onTestFinished(() => made.remove())
  return made
}

async function acquaint({ ana, bogdan, carmen }: Three): Promise<void> {
  const [a, b, c] = [await clientOf(ana), await clientOf(bogdan), await clientOf(carmen)]
  await meet(a, b)
  await meet(a, c)
  await meet(b, c)
  await c.call('setRelaying', { forContacts: false })
  for (const [person, client, other] of [
    [ana, a, bogdan],
    [bogdan, b, ana],
  ] as const) {
    await client.call('setCarrier', { to: carmen.id, on: true })
    await person.event(
      ({ type, contact }) => type === 'contact' && contact.id === carmen.id && contact.carrier === 'on',
    )
    // What is said after it comes after it.
    const { id } = await client.call('send', { to: other.id, text: 'my mail may be left with Carmen' })
    await person.event(({ type, message, state }) => type === 'state' && message === id && state === 'delivered')
  }
  await a.call('setRelayOnly', { to: bogdan.id, on: true })
  await b.call('setRelayOnly', { to: ana.id, on: true })
  await ana.event(isGone(bogdan))
  await bogdan.event(isGone(ana))
  for (const client of [a, b, c]) client.close()
}

async function meet(guest: Client, host: Client): Promise<void> {
  const { link } = await host.call('createInvite', {})
  await guest.call('addContact', { link })
}

const isGone =
  (contact: Person) =>
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  (event: any): boolean =>
    event.type === 'connection' && event.contact === contact.id && event.via === null
