/**
 * The test of the tests: each planted fault breaks the law that is there for it.
 */
import { expect, test } from 'vitest'
import { FAULTS } from './mail-faults.ts'
import { LAWS } from './mail-laws.ts'
import { planted } from './planted.ts'
import { seedOfRun } from './seeded.ts'
import { BrokenLaw } from './session-pair.ts'

const SEED = seedOfRun(12)

test.each(FAULTS)(`$rule: $name (seed ${SEED})`, async (fault) => {
  const law = LAWS.find(({ name }) => name === fault.law)
  if (law === undefined) throw new Error(`no law is named "${fault.law}"`)
  using copy = await planted(fault)
  expect(() => law.check(copy.code, SEED)).toThrow(BrokenLaw)
})

test('each rule has two faults at least, and each law one', () => {
  for (const { rule } of FAULTS)
    expect(FAULTS.filter((fault) => fault.rule === rule).length, rule).toBeGreaterThanOrEqual(2)
  expect(LAWS.filter(({ name }) => !FAULTS.some(({ law }) => law === name))).toEqual([])
})
