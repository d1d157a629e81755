/** Whoever was behind a contact's node is looked for behind the PeerID that it has now. */
import { expect, test } from 'vitest'
import { type Address, parseAddress } from '../../../src/node/net/addresses.ts'
import type { Link } from '../../../src/node/net/link.ts'
import { MovedRelays } from '../../../src/node/net/relay/moved-relays.ts'
import type { AccountId } from '../../../src/protocol/index.ts'

const [OLD, NEW, OTHER, GUEST] = [
  '12D3KooWBtp1AcgweFSArD7dbKWYpAr8MZR1tofwNwLFLjeNGLWa',
  '12D3KooWBE3e8tQmfhsSiPZ5iBGosRPmWZexdJTUiKXmX5jRCB5U',
  '12D3KooWGWuMYrURp8XFXNo75d1P1WQ4AHfa1arcstar2ngN2QA9',
  '12D3KooWHiiqWJSZrXyP6pG9R13KUKSSA7sKn4tpd9fPDzHg341Y',
] as const
const [carol, dave] = ['carol', 'dave'] as [AccountId, AccountId]

const linkTo = (peer: string, address: string): Link => ({ peer, address }) as Link
const behind = (relay: string): Address => {
  const address = parseAddress(`/ip4/198.51.100.7/tcp/4001/p2p/${relay}/p2p-circuit/p2p/${GUEST}`)
  if (address === undefined) throw new Error('no address')
  return address
}

test('the same place by the PeerID of now, where the node of that contact is connected', () => {
  const links: Link[] = []
  const relays = new MovedRelays(() => links)
  const told = [behind(OLD), behind(OTHER)]
  relays.met(carol, linkTo(OLD, '/ip4/198.51.100.7/tcp/4001'))
  expect(relays.now(told), 'it is away').toEqual([])
  for (const [who, link] of [
    [dave, linkTo(OTHER, '/ip4/203.0.113.9/tcp/1')],
    [carol, linkTo(NEW, '/ip4/203.0.113.7/tcp/4002')],
  ] as const) {
    relays.met(who, link)
    links.push(link)
  }
  expect(relays.now(told).map(({ text }) => text)).toEqual([
    `/ip4/203.0.113.7/tcp/4002/p2p/${NEW}/p2p-circuit/p2p/${GUEST}`,
  ])
  expect([relays.namesOf(NEW), relays.namesOf(OTHER), relays.namesOf(GUEST)]).toEqual([[OLD, NEW], [OTHER], [GUEST]])
})

test('so many PeerIDs are remembered, the newest', () => {
  const relays = new MovedRelays(() => [])
  for (let i = 0; i < 1000; i++) relays.met(carol, linkTo(`peer ${i}`, ''))
  expect(relays.namesOf('peer 999')).toHaveLength(256)
  expect(relays.namesOf('peer 0')).toEqual(['peer 0'])
})
