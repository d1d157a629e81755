/**
 * R1: the engine under everything that can go wrong between people, for many seeds.
 *
 * `SIM_SEEDS` says how many (500), `SIM_FIRST` where to begin: one seed alone replays a failure.
 */
import { expect, test } from 'vitest'
import { perform } from './conversation.ts'

const seeds = Number(process.env.SIM_SEEDS ?? 500)
const first = Number(process.env.SIM_FIRST ?? 1)

test(`R1: nothing lost, nothing doubled, in order, over ${seeds} seeds`, {
  timeout: 600_000 + seeds * 2000,
}, async () => {
  let messages = 0
  let crashes = 0
  let forgotten = 0
  let slowest = 0
  for (let seed = first; seed < first + seeds; seed++) {
    const verdict = await perform(seed)
    expect(verdict.wrong, `seed ${seed}: replay by SIM_FIRST=${seed} SIM_SEEDS=1`).toEqual([])
    messages += verdict.messages
    crashes += verdict.crashes
    forgotten += verdict.forgotten
    slowest = Math.max(slowest, verdict.healedAfter)
  }
  console.log(
    `R1: ${seeds} seeds, ${messages} messages, ${crashes} crashes that took ${forgotten} silent commits, healed after at most ${slowest / 1000} simulated s`,
  )
  // A world in which nothing happens proves nothing.
  expect(messages).toBeGreaterThan(seeds * 5)
  expect(crashes).toBeGreaterThan(seeds / 2)
  if (seeds >= 100) expect(forgotten).toBeGreaterThan(0)
})
