/**
 * Any interleaving, loss, doubling and reordering of two parties agrees. `SEED=n` repeats one run.
 */
import { describe, expect, test } from 'vitest'
import * as protocol from '../../src/protocol/index.ts'
import { playModel, WEATHERS } from './ratchet-model.ts'
import { seedOfRun } from './seeded.ts'

const FIRST = seedOfRun(1)
const SEEDS = process.env.SEED === undefined ? 5 : 1

describe.each(WEATHERS)('$name', (weather) => {
  test.each(Array.from({ length: SEEDS }, (_, i) => FIRST + i))('seed %i', (seed) => {
    const outcome = playModel(protocol, seed, weather)
    expect(outcome.opened).toBeGreaterThan(outcome.sealed / 2)
    expect(outcome.epochs).toBeGreaterThan(0)
  })
})
