/**
 * P3: messages a second between two processes on this machine: stored, acknowledged, receipted, in order; one way, and both
 * ways at once. Measured in the sender, from the first call to the last receipt.
 */
import { type Bench, judged } from './result.ts'
import { type Pair, withPair } from './talkers.ts'

const BYTES = 256
const WARM_UP = 5_000
const COUNT = 20_000

export const bench: Bench = () =>
  withPair({}, async (pair) => {
    await oneWay(pair, WARM_UP)
    await bothWays(pair, WARM_UP)
    const one = await oneWay(pair, COUNT)
    const both = await bothWays(pair, COUNT)
    return [
      judged({ id: 'P3', what: `${BYTES} B one way`, value: one, unit: 'msg/s', bar: { of: 'value', atLeast: 8000 } }),
      judged({
        id: 'P3',
        what: `${BYTES} B both ways at once, each`,
        value: both,
        unit: 'msg/s',
        bar: { of: 'value', atLeast: 5000 },
      }),
    ]
  })

async function oneWay({ alice, bob, toBob }: Pair, count: number): Promise<number> {
  const ms = await alice.ask('flood', { to: toBob, count, bytes: BYTES })
  inOrder(await bob.ask('arrived', count), count)
  return (count / ms) * 1000
}

/** Of the slower direction. */
async function bothWays({ alice, bob, toBob, toAlice }: Pair, count: number): Promise<number> {
  const ms = await Promise.all([
    alice.ask('flood', { to: toBob, count, bytes: BYTES }),
    bob.ask('flood', { to: toAlice, count, bytes: BYTES }),
  ])
  for (const talker of [alice, bob]) inOrder(await talker.ask('arrived', count), count)
  return (count / Math.max(...ms)) * 1000
}

/** Each text begins with its number. */
function inOrder(texts: readonly string[], count: number): void {
  const wrong = texts.findIndex((text, i) => Number.parseInt(text, 10) !== i)
  if (texts.length !== count || wrong >= 0)
    throw new Error(`${texts.length} of ${count} arrived; out of order at ${wrong}`)
}
