/**
 * A connection to somebody whom hello does not know is kept only for what may come of it: as long as it stands for the contact,
 * the contact is not dialed.
 */
import { expect, test } from 'vitest'
import type { NetEffect } from '../../src/node/engine/effect.ts'
import type { MakeNet } from '../../src/node/net/net.ts'
import { Street, type Whole } from './whole.ts'

const NEVER_MS = 3_600_000

/** A network that leaves out what the engine tells it, as long as `lost` says so. */
const losing =
  (lost: (effect: NetEffect) => boolean) =>
  (make: MakeNet): MakeNet =>
  async (...given) => {
    const net = await make(...given)
    const perform = net.perform.bind(net)
    net.perform = (effect) => {
      if (!lost(effect)) perform(effect)
    }
    return net
  }

/** The stranger's connection that was made for a contact. */
const strangersLink = (one: Whole): Promise<number> =>
  one.until('stranger', () => one.inputs.find((input) => input.type === 'reached-stranger')?.connection)

const letGo = (one: Whole, connection: number): Promise<true> =>
  one.until('end of the connection', () =>
    one.inputs.some((input) => input.type === 'disconnected' && input.connection === connection) ? true : undefined,
  )

test('an inviter who does not answer is let go, and asked again over a new connection', async () => {
  let unanswered = 1
  const street = new Street()
  const limits = { bundleMs: 300 }
  const bob = await street.node('Bob', {
    mdns: false,
    limits,
    net: losing(({ type }) => type === 'answer-bundle' && unanswered-- > 0),
  })
  const ana = await street.node('Ana', { mdns: false, limits })
  const { link } = await bob.node.createInvite({})
  const added = ana.node.addContact({ link })
  const first = await strangersLink(ana)
  await letGo(ana, first)
  await ana.event('contact', ({ contact }) => contact.state === 'active')
  await bob.event('contact', ({ contact }) => contact.state === 'active')
  expect(unanswered).toBeLessThan(0)
  await added
})

test('once a contact is known, a stranger whom we took for it is let go', async () => {
  const street = new Street()
  const limits = { bundleMs: NEVER_MS }
  // Bob never answers Ana, but comes to her by a link of hers.
  const bob = await street.node('Bob', { mdns: false, limits, net: losing(({ type }) => type === 'answer-bundle') })
  const ana = await street.node('Ana', { mdns: false, limits })
  const ofBob = await bob.node.createInvite({})
  const ofAna = await ana.node.createInvite({})
  const adding = ana.node.addContact({ link: ofBob.link })
  const stranger = await strangersLink(ana)
  const known = await bob.node.addContact({ link: ofAna.link })
  expect(known.state).toBe('active')
  await adding
  await letGo(ana, stranger)
  expect((await ana.node.contacts()).map(({ state, online }) => [state, online])).toEqual([['active', true]])
})
