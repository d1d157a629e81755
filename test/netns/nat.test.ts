/**
 * Two behind routers that translate addresses, and one whom everybody reaches. Real programs in network namespaces.
 *
 *     ana ── n1 ──┐
 *                 ├── 5.5.5.0/24 ── rares
 *     bogdan ─ n2 ┘
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import { Person } from '../e2e/people.ts'
import { missing, Networks, type Translation } from './networks.ts'

const title = `behind routers${missing === null ? '' : ` (skipped: ${missing})`}`

/** Three people with their nodes running: Rareș knows both of the others, who do not know each other. */
async function three(
  one: Translation,
  other: Translation,
): Promise<{ nets: Networks; ana: Person; bogdan: Person; rares: Person }> {
  const nets = Networks.make()
  nets.lan('5.5.5', ['rares'])
  nets.router('n1', '5.5.5.2', '192.168.1', 'a', one)
  nets.router('n2', '5.5.5.3', '192.168.2', 'b', other)
  const rares = new Person('Rareș', [], nets.host('rares'))
  const ana = new Person('Ana', [], nets.host('a'))
  const bogdan = new Person('Bogdan', [], nets.host('b'))
  onTestFinished(async () => {
    await Promise.all([ana.remove(), bogdan.remove(), rares.remove()])
  })
  for (const person of [rares, ana, bogdan]) {
    await person.get('init', '--name', person.name, '--no-passphrase')
    await person.start()
  }
  for (const person of [ana, bogdan]) await person.get('add', (await rares.get('invite')).link, '--wait')
  return { nets, ana, bogdan, rares }
}

describe.skipIf(missing !== null)(title, () => {
  it('two who keep their ports meet through the one that both reach, and then directly', async () => {
    const { ana, bogdan } = await three('masquerade', 'masquerade')
    await bogdan.get('add', (await linkThroughRelay(ana)).link, '--wait')
    const seen = () => bogdan.events.filter(({ type, contact }) => type === 'connection' && contact === ana.id)
    await bogdan.event((event) => event.type === 'connection' && event.via === 'direct' && event.contact === ana.id)
    expect(seen().map(({ via }) => via)).toContain('relayed')
    expect(await bogdan.get('send', 'Ana', 'here', '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
  })

  it('where a router draws ports at random they stay on the relay, and talk', async () => {
    const { ana, bogdan } = await three('masquerade', 'masquerade fully-random')
    await bogdan.get('add', (await linkThroughRelay(ana)).link, '--wait')
    for (const n of [1, 2, 3]) {
      expect(await bogdan.get('send', 'Ana', `here ${n}`, '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
      expect(await ana.get('send', 'Bogdan', `there ${n}`, '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
    }
    expect((await bogdan.get('contact', 'show', 'Ana')).contact.via).toBe('relayed')
  })
})

/** An invite made once the node has a place at a relay: only then does the link lead there. */
async function linkThroughRelay(person: Person): Promise<{ link: string }> {
  for (;;) {
    const { addresses } = await person.get('status')
    if (addresses.some((address: string) => address.includes('p2p-circuit'))) return await person.get('invite')
  }
}
