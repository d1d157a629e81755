/**
 * Whether others reach a node is found out by two at two places who dial it back. Real programs in network namespaces.
 */
import { describe, expect, it } from 'vitest'
import type { Person } from '../e2e/people.ts'
import { doctor, Internet, status, talk } from './internet.ts'
import { DEADLINE, missing } from './networks.ts'

const title = `dialed back by two${missing === null ? '' : ` (skipped: ${missing})`}`

/** Somebody meets two who are reachable, one after the other; of the first alone nothing follows. */
async function witnessed(net: Internet, person: Person): Promise<void> {
  const [rares, sorin] = await Promise.all([net.reachable('Rareș'), net.reachable('Sorin')])
  await net.acquaint(person, rares)
  await status(person, ({ reach }) => reach.observed.length > 0)
  await talk(person, rares, 'one witness')
  expect((await person.get('status')).reach.publiclyReachable).toBe('unknown')
  await net.acquaint(person, sorin)
}

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  it('a node with a public address is reached', async () => {
    const net = Internet.make()
    const ana = await net.reachable('Ana')
    await witnessed(net, ana)
    const { reach, addresses } = await status(ana, (now) => now.reach.publiclyReachable !== 'unknown')
    expect(reach.publiclyReachable).toBe('yes')
    expect(reach.observed.map((host: string) => addresses.some((one: string) => one.startsWith(`${host}/`)))).toEqual([
      true,
    ])
    expect(await doctor(ana)).toMatch(/Others reach this node directly/)
    // It needs places at relays for those alone who must not learn where it is.
    const isRelayed = ({ addresses }: { addresses: readonly string[] }): boolean =>
      addresses.some((one) => one.includes('/p2p-circuit'))
    await status(ana, (now) => !isRelayed(now))
    await ana.get('contact', 'relay-only', 'on', 'Rareș')
    await status(ana, isRelayed)
    await ana.get('contact', 'relay-only', 'off', 'Rareș')
    await status(ana, (now) => !isRelayed(now))
  })

  it('a node behind a router is not', async () => {
    const net = Internet.make()
    const ana = await net.behind('masquerade', 'Ana')
    await witnessed(net, ana)
    const { reach } = await status(ana, (now) => now.reach.publiclyReachable !== 'unknown')
    expect(reach.publiclyReachable).toBe('no')
    // Both relay for it, so there is nothing to worry about.
    expect(await doctor(ana)).toMatch(
      /Others reach this node from outside, through the node of (Rareș and Sorin|Sorin and Rareș)/,
    )
  })

  it('a node is reached behind a router that lets others in, and tells the address', async () => {
    const net = Internet.make()
    const ana = await net.behind('masquerade', 'Ana')
    await net.letIn(ana)
    await witnessed(net, ana)
    const { reach, addresses } = await status(ana, (now) => now.reach.publiclyReachable !== 'unknown')
    expect(reach.publiclyReachable).toBe('yes')
    expect(addresses[0]).toMatch(new RegExp(`^${reach.observed[0]}/tcp/\\d+$`))
    // Whoever knows that address alone gets in.
    const dana = await net.behind('masquerade fully-random', 'Dana')
    await net.acquaint(dana, ana)
    expect((await dana.get('contact', 'show', 'Ana')).contact.via).toBe('direct')
  })
})
