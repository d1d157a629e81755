/**
 * P2: latency of one message between two processes on this machine, from the call of `send` to its own `delivered` event,
 * sent one by one, stored on both sides before it is acknowledged; the same with a long history.
 *
 * Milliseconds depend on the machine and on its hour, so three yardsticks are measured in the same rounds:
 *
 *     raw libp2p echo       the transport and its encryption
 *     three plain commits   the echo, with the transactions that our promise cannot do without (raw-rows.ts) in plain
 *                           node:sqlite: before sending, before acknowledging, before telling. Whoever stores before it
 *                           speaks pays this; what we take beyond it is ours to answer for.
 *     without cryptography  our own engine, commits and network with primitives that do nothing: what the cryptography costs
 *
 * The bars in milliseconds stay as they were set; 2.5× is the one that was set over three commits without cryptography, on a
 * machine where those took 0.93 ms. All are there from the beginning and take turns, so that a slow minute hits each of
 * them; a ratio is the median of the rounds'. Each turn begins with messages that do not count, the same number for all: a process
 * that has waited for the others' turns may be slow at first (cold caches), which no conversation is that sends one by one.
 */
import { withRawPair } from './raw-pair.ts'
import { type Bench, judged, type Result } from './result.ts'
import { type Pair, withPair } from './talkers.ts'

const BYTES = 256
const WARM_UP = 500
const ROUNDS = 15
/** Uncounted at the beginning of each turn, and counted. */
const TURN_WARM_UP = 50
const EACH = 100
const HISTORY = 100_000

export const bench: Bench = () =>
  withRawPair((raw) =>
    withPair({ control: true }, (control) =>
      withPair({}, (fresh) =>
        withPair({ history: HISTORY }, async (old) => {
          const { first, later, ...yardsticks } = await measure({
            echo: raw.echo,
            stored: raw.stored,
            without: (count) => latencies(control, count),
            first: (count) => latencies(fresh, count),
            later: (count) => latencies(old, count),
          })
          return [
            ...results('', first, yardsticks),
            ...results(`, after ${HISTORY.toLocaleString('en')} messages`, later, yardsticks),
          ]
        }),
      ),
    ),
  )

type Times = readonly number[]
type Rounds = readonly Times[]

/** The times of each contender, by its rounds. */
async function measure<Name extends string>(
  contenders: Record<Name, (count: number) => Promise<Times>>,
): Promise<Record<Name, Rounds>> {
  const names = Object.keys(contenders) as Name[]
  const rounds = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Times[]>
  for (const name of names) await contenders[name](WARM_UP)
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) rounds[name].push((await contenders[name](TURN_WARM_UP + EACH)).slice(TURN_WARM_UP))
  }
  return rounds
}

function latencies({ alice, toBob }: Pair, count: number): Promise<Times> {
  return alice.ask('latency', { to: toBob, count, bytes: BYTES })
}

interface Yardsticks {
  readonly echo: Rounds
  readonly stored: Rounds
  readonly without: Rounds
}

function results(when: string, ours: Rounds, { echo, stored, without }: Yardsticks): Result[] {
  const absolute = (share: number, name: string, atMost: number): Result =>
    judged({
      id: 'P2',
      what: `send to receipt ${name}${when}`,
      value: quantile(ours.flat(), share),
      unit: 'ms',
      peer: { name: 'raw libp2p echo', value: quantile(echo.flat(), share) },
      bar: { of: 'value', atMost },
    })
  const relative = (share: number, name: string, peer: string, rounds: Rounds, ratio: number): Result =>
    judged({
      id: 'P2',
      what: `the same ${name}${when}, as a ratio`,
      value: quantile(ours.flat(), share),
      unit: 'ms',
      peer: { name: peer, value: quantile(rounds.flat(), share) },
      ratio,
      bar: { of: 'ratio', atMost: 2.5 },
    })
  return [
    absolute(0.5, 'p50', 3),
    relative(0.5, 'p50', 'three plain commits', stored, medianRatio(ours, stored)),
    relative(0.5, 'p50', 'without cryptography', without, medianRatio(ours, without)),
    absolute(0.99, 'p99', 10),
    // A round is too short for a p99 of its own.
    relative(0.99, 'p99', 'three plain commits', stored, quantile(ours.flat(), 0.99) / quantile(stored.flat(), 0.99)),
  ]
}

/** The median of the rounds' ratios, each between the medians of one round. */
function medianRatio(ours: Rounds, theirs: Rounds): number {
  const ratios = ours.map((round, i) => quantile(round, 0.5) / quantile(theirs[i] ?? [], 0.5))
  return quantile(ratios, 0.5)
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN
}
