/**
 * R1 for people who move: nothing is lost, and they find each other again, whatever servers of the DHT do meanwhile.
 *
 * `SIM_SEEDS` says how many (60), `SIM_FIRST` where to begin.
 */
import { expect, test } from 'vitest'
import { performMoving } from './moving.ts'

const seeds = Number(process.env.SIM_SEEDS ?? 60)
const first = Number(process.env.SIM_FIRST ?? 1)

test(`R1: who moves is found again and loses nothing, over ${seeds} seeds`, {
  timeout: 600_000 + seeds * 3000,
}, async () => {
  const sum = { messages: 0, moves: 0, renewals: 0, lookUps: 0 }
  let slowest = 0
  for (let seed = first; seed < first + seeds; seed++) {
    const { wrong, messages, moves, renewals, lookUps, healedAfter } = await performMoving(seed)
    expect(wrong, `seed ${seed}: replay by SIM_FIRST=${seed} SIM_SEEDS=1`).toEqual([])
    sum.messages += messages
    sum.moves += moves
    sum.renewals += renewals
    sum.lookUps += lookUps
    slowest = Math.max(slowest, healedAfter)
  }
  console.log(`R1: ${seeds} seeds, ${JSON.stringify(sum)}, healed after at most ${slowest / 1000} simulated s`)
  // A world in which nobody moves proves nothing.
  expect(sum.moves).toBeGreaterThan(seeds * 5)
  expect(sum.renewals).toBeGreaterThan(seeds * 3)
  expect(sum.lookUps).toBeGreaterThan(seeds * 5)
  expect(sum.messages).toBeGreaterThan(seeds * 5)
})
