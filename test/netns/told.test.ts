/**
 * What a person is told of the way to somebody, behind real routers: by whose node it leads, that it was punched, and whether
 * others come in from outside. Real programs in network namespaces.
 *
 *     ana ── router ──┐
 *                     ├── internet ── rareș
 *     bogdan ─ router ┘
 */
import { describe, expect, it } from 'vitest'
import { type Person, tulnic } from '../e2e/people.ts'
import { Internet, status } from './internet.ts'
import { DEADLINE, missing, type Translation } from './networks.ts'

const title = `what is told behind routers${missing === null ? '' : ` (skipped: ${missing})`}`

/** Ana and Bogdan know Rareș, and one the other by a link that leads through his node. */
async function three(translation: Translation): Promise<{ ana: Person; bogdan: Person; rares: Person }> {
  const net = Internet.make()
  const [rares, ana, bogdan] = await Promise.all([
    net.reachable('Rareș'),
    net.behind(translation, 'Ana'),
    net.behind(translation, 'Bogdan'),
  ])
  await Promise.all([ana, bogdan].map((person) => net.acquaint(person, rares)))
  await status(ana, ({ relays }) => relays.fromOutside)
  await net.acquaint(bogdan, ana)
  return { ana, bogdan, rares }
}

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  it('a relayed contact by whose node, and a node that only a relay opens to others that it is so', async () => {
    const { ana, bogdan, rares } = await three('masquerade fully-random')
    expect((await bogdan.get('contact', 'show', 'Ana')).contact).toMatchObject({
      via: 'relayed',
      relayedBy: rares.id,
      punched: false,
    })
    const { findings } = await ana.get('doctor')
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'good', code: 'reached-through', relays: [rares.id] }),
    )
    const { out } = await tulnic(['contacts', '--data', bogdan.data])
    expect(out).toMatch(/^Ana .*through the node of Rareș/m)
    // He lets others in, and has nobody to let him in: nobody elsewhere has tried it from two places.
    expect((await rares.get('status')).relays).toMatchObject({ fromOutside: false, places: 2 })
    expect((await rares.get('status')).relays.for).toHaveLength(2)
  })

  it('a path that was made through both routers that it was', async () => {
    const { ana, bogdan } = await three('masquerade')
    await bogdan.event((event) => event.type === 'connection' && event.via === 'direct' && event.contact === ana.id)
    expect((await bogdan.get('contact', 'show', 'Ana')).contact).toMatchObject({
      via: 'direct',
      relayedBy: null,
      punched: true,
    })
    const { out } = await tulnic(['contacts', '--data', bogdan.data])
    expect(out).toMatch(/^Ana .*directly, through both routers/m)
  })
})
