/**
 * The test of the tests: each planted fault breaks the law that is there for it.
 */
import { expect, test } from 'vitest'
import { planted } from './planted.ts'
import { FAULTS } from './ratchet-faults.ts'
import { LAWS } from './ratchet-laws.ts'
import { seedOfRun } from './seeded.ts'

const SEED = seedOfRun(11)

test.each(FAULTS)(`$rule: $name (seed ${SEED})`, async (fault) => {
  const law = LAWS.find(({ name }) => name === fault.law)
  if (law === undefined) throw new Error(`no law is named "${fault.law}"`)
  using copy = await planted(fault)
  expect(() => law.check(copy.code, SEED)).toThrow()
})

test('each rule has two faults at least', () => {
  for (const { rule } of FAULTS) {
    expect(FAULTS.filter((fault) => fault.rule === rule).length, rule).toBeGreaterThanOrEqual(2)
  }
})
