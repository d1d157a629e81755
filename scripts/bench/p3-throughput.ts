/**
 * P3: messages a second between two processes on this machine: stored, acknowledged, receipted, in order; one way, and both
 * ways at once. Measured in the sender, from the first call to the last receipt.
 *
 * Beside it, in alternating rounds: a raw libp2p stream that carries as many messages of the size of our envelopes and answers
 * with counters, storing nothing. Judged is the median of the rounds; the ratio is the median of theirs.
 *
 * Holds: a message that is lost, doubled or out of order makes the benchmark fail: it then has no figure.
 */
import { type RawPair, withRawPair } from './raw-pair.ts'
import { type Bench, judged, type Result } from './result.ts'
import { type Pair, withPair } from './talkers.ts'

const BYTES = 256
const WARM_UP = 5_000
const COUNT = 20_000
const ROUNDS = 3

export const bench: Bench = () =>
  withRawPair((raw) =>
    withPair({}, async (pair) => [
      await against(
        `${BYTES} B one way`,
        (count) => oneWay(pair, count),
        (count) => rawOneWay(raw, count),
        8000,
      ),
      await against(
        `${BYTES} B both ways at once, each`,
        (count) => bothWays(pair, count),
        (count) => rawBothWays(raw, count),
        5000,
      ),
    ]),
  )

/** Messages a second for `count` of them. */
type Rate = (count: number) => Promise<number>

async function against(what: string, ours: Rate, raw: Rate, atLeast: number): Promise<Result> {
  const rates: number[] = []
  const rawRates: number[] = []
  for (const rate of [ours, raw]) await rate(WARM_UP)
  for (let round = 0; round < ROUNDS; round++) {
    rates.push(await ours(COUNT))
    rawRates.push(await raw(COUNT))
  }
  return judged({
    id: 'P3',
    what: `${what}; ratio ours / raw`,
    value: median(rates),
    unit: 'msg/s',
    peer: { name: 'raw libp2p stream, nothing stored', value: median(rawRates) },
    ratio: median(rates.map((rate, i) => rate / (rawRates[i] ?? Number.NaN))),
    bar: { of: 'value', atLeast },
  })
}

async function rawOneWay({ forth }: RawPair, count: number): Promise<number> {
  return (count / (await forth(count))) * 1000
}

/** Of the slower direction. */
async function rawBothWays({ forth, back }: RawPair, count: number): Promise<number> {
  return (count / Math.max(...(await Promise.all([forth(count), back(count)])))) * 1000
}

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

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
