/**
 * P2: latency of one message between two processes on this machine, from the call of `send` to its own `delivered` event,
 * sent one by one, stored on both sides before it is acknowledged; the same with a long history.
 *
 * Beside it: a raw libp2p echo, and the control: the same engine, commits and network without cryptography.
 */
import { type Bench, judged, type Result } from './result.ts'
import { startRawEcho, measureRawEcho } from './raw-echo.ts'
import { type PairOptions, withPair } from './talkers.ts'

const BYTES = 256
const WARM_UP = 300
const COUNT = 1500
const HISTORY = 100_000

export const bench: Bench = async () => {
  const echo = await rawEcho()
  const without = await latencies({ control: true })
  const fresh = await latencies({})
  const old = await latencies({ history: HISTORY })
  return [...results('', fresh, without, echo), ...results(`, after ${HISTORY.toLocaleString('en')} messages`, old, without, echo)]
}

function results(when: string, times: Times, without: Times, echo: Times): Result[] {
  return [
    judged({
      id: 'P2',
      what: `send to receipt p50${when}; ratio to the same without cryptography`,
      value: times.p50,
      unit: 'ms',
      peer: { name: 'without cryptography', value: without.p50 },
      ratio: times.p50 / without.p50,
      bar: { of: 'value', atMost: 3 },
    }),
    judged({
      id: 'P2',
      what: `the same p50${when}, as a ratio`,
      value: times.p50,
      unit: 'ms',
      peer: { name: 'without cryptography', value: without.p50 },
      ratio: times.p50 / without.p50,
      bar: { of: 'ratio', atMost: 2.5 },
    }),
    judged({
      id: 'P2',
      what: `send to receipt p99${when}`,
      value: times.p99,
      unit: 'ms',
      peer: { name: 'raw libp2p echo', value: echo.p99 },
      ratio: times.p99 / echo.p99,
      bar: { of: 'value', atMost: 10 },
    }),
  ]
}

interface Times {
  readonly p50: number
  readonly p99: number
}

async function latencies(options: PairOptions): Promise<Times> {
  return await withPair(options, async ({ alice, toBob }) => {
    await alice.ask('latency', { to: toBob, count: WARM_UP, bytes: BYTES })
    return quantiles(await alice.ask('latency', { to: toBob, count: COUNT, bytes: BYTES }))
  })
}

async function rawEcho(): Promise<Times> {
  const echo = await startRawEcho()
  try {
    return quantiles((await measureRawEcho(echo.address, WARM_UP + COUNT, BYTES)).slice(WARM_UP))
  } finally {
    await echo.stop()
  }
}

function quantiles(times: readonly number[]): Times {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}
