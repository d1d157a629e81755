/**
 * Small facts: owed by version, and as known from profiles of earlier versions, whose rows had a field for each.
 */
import { expect, test } from 'vitest'
import type { DeliveryRow } from '../../../src/node/store/records.ts'
import { contacts, restart, talk } from './people.ts'

/** A delivery as version 2 of the database had it. */
function asBefore({ facts, ...row }: DeliveryRow): DeliveryRow {
  const fields = {
    nameVersion: facts.name ?? 0,
    addressVersion: facts.addresses ?? 0,
    receiptVersion: facts.receipt ?? 0,
    secretGeneration: facts.secret ?? 0,
    grantVersion: facts.grant ?? 0,
  }
  return { ...row, ...fields } as unknown as DeliveryRow
}

test('a profile with deliveries of before owes nobody a fact twice', async () => {
  const two = await contacts()
  const { world, ana, bob } = two
  await talk(two)
  const known = [...(ana.engine?.resident.maps.deliveries.values() ?? [])][0]?.facts
  expect(known).toMatchObject({ name: 1, addresses: expect.any(Number), grant: expect.any(Number) })
  const disk = ana.disk.snapshot()
  for (const { key, row } of await disk.all('delivery'))
    await disk.commit([{ op: 'put', table: 'delivery', key, row: asBefore(row) }])
  await restart(world, ana, disk)
  expect([...(ana.engine?.resident.maps.deliveries.values() ?? [])][0]?.facts).toEqual({ secret: 0, ...known })
  await talk(two, 'after')
  expect(bob.engine?.resident.maps.deliveries.size).toBe(1)
})
