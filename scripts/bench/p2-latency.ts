/**
 * P2: latency of one message between two processes on this machine, from the call of `send` to its own `delivered` event,
 * sent one by one, stored on both sides before it is acknowledged; the same with a long history.
 *
 * Beside it: a raw libp2p echo, and the control: the same engine, commits and network without cryptography. All are there from
 * the beginning and take turns, so that a slow minute of the machine hits each of them; a ratio is the median of the rounds'.
 */
import { measureRawEcho, startRawEcho } from './raw-echo.ts'
import { type Bench, judged, type Result } from './result.ts'
import { type Pair, withPair } from './talkers.ts'

const BYTES = 256
const WARM_UP = 300
const ROUNDS = 15
const EACH = 100
const HISTORY = 100_000

export const bench: Bench = () =>
  withPair({ control: true }, (without) =>
    withPair({}, (fresh) => withPair({ history: HISTORY }, (old) => measure(without, fresh, old))),
  )

async function measure(without: Pair, fresh: Pair, old: Pair): Promise<readonly Result[]> {
  const echo = await startRawEcho()
  try {
    const contenders = [
      ...[without, fresh, old].map((pair) => (count: number) => latencies(pair, count)),
      (count: number) => measureRawEcho(echo.address, count, BYTES),
    ]
    const rounds: Times[][] = contenders.map(() => [])
    for (const contender of contenders) await contender(WARM_UP)
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, contender] of contenders.entries()) rounds[i]?.push(await contender(EACH))
    }
    const [control = [], first = [], later = [], raw = []] = rounds
    return [
      ...results('', first, control, raw),
      ...results(`, after ${HISTORY.toLocaleString('en')} messages`, later, control, raw),
    ]
  } finally {
    await echo.stop()
  }
}

type Times = readonly number[]

function latencies({ alice, toBob }: Pair, count: number): Promise<Times> {
  return alice.ask('latency', { to: toBob, count, bytes: BYTES })
}

function results(when: string, rounds: readonly Times[], control: readonly Times[], raw: readonly Times[]): Result[] {
  const all = rounds.flat()
  const ratio = quantile(
    rounds.map((round, i) => quantile(round, 0.5) / quantile(control[i] ?? [], 0.5)),
    0.5,
  )
  const peer = { name: 'without cryptography', value: quantile(control.flat(), 0.5) }
  const p50 = quantile(all, 0.5)
  return [
    judged({
      id: 'P2',
      what: `send to receipt p50${when}`,
      value: p50,
      unit: 'ms',
      peer: { name: 'raw libp2p echo', value: quantile(raw.flat(), 0.5) },
      bar: { of: 'value', atMost: 3 },
    }),
    judged({
      id: 'P2',
      what: `the same p50${when}, as a ratio`,
      value: p50,
      unit: 'ms',
      peer,
      ratio,
      bar: { of: 'ratio', atMost: 2.5 },
    }),
    judged({
      id: 'P2',
      what: `send to receipt p99${when}`,
      value: quantile(all, 0.99),
      unit: 'ms',
      peer: { name: 'without cryptography', value: quantile(control.flat(), 0.99) },
      bar: { of: 'value', atMost: 10 },
    }),
  ]
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN
}
