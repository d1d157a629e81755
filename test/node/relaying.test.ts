/**
 * The switch for relaying, on whole nodes with real databases and nets.
 */
import { expect, test } from 'vitest'
import { Street } from './whole.ts'

test('a node relays for contacts; switched off it says so without being asked, and still does not after a restart', async () => {
  const ana = await new Street().node('Ana')
  expect((await ana.node.status()).relays).toMatchObject({ forContacts: true, places: 0 })
  await ana.node.setRelaying({ forContacts: false })
  expect((await ana.node.status()).relays?.forContacts).toBe(false)
  await ana.event('status', ({ status }) => status.relays?.forContacts === false)
  await ana.restart()
  expect((await ana.node.status()).relays?.forContacts).toBe(false)
  await ana.node.setRelaying({ forContacts: true })
  await ana.restart()
  expect((await ana.node.status()).relays?.forContacts).toBe(true)
})
