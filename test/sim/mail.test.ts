/**
 * R1 for those who never meet: nothing is lost, doubled or disordered, and nobody says "carried" of what no carrier holds.
 *
 * `SIM_SEEDS` says how many (500), `SIM_FIRST` where to begin.
 */
import { expect, test } from 'vitest'
import { type Counts, performMail } from './mail.ts'

const seeds = Number(process.env.SIM_SEEDS ?? 500)
const first = Number(process.env.SIM_FIRST ?? 1)

test(`R1: friends carry what is written to whoever is away, over ${seeds} seeds`, {
  timeout: 600_000 + seeds * 3000,
}, async () => {
  const sum: Counts = { messages: 0, carried: 0, full: 0, refused: 0, byHand: 0, crashes: 0, apart: 0 }
  let slowest = 0
  for (let seed = first; seed < first + seeds; seed++) {
    const { wrong, counts, healedAfter } = await performMail(seed)
    expect(wrong, `seed ${seed}: replay by SIM_FIRST=${seed} SIM_SEEDS=1`).toEqual([])
    for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name]
    slowest = Math.max(slowest, healedAfter)
  }
  console.log(`R1: ${seeds} seeds, ${JSON.stringify(sum)}, healed after at most ${slowest / 1000} simulated s`)
  // A world in which nobody is away proves nothing.
  expect(sum.carried).toBeGreaterThan(seeds * 5)
  expect(sum.apart).toBeGreaterThan(seeds * 5)
})
