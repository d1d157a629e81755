/**
 * P3: what goes through a relay, and long texts: messages and bytes a second between two processes on this machine, stored and
 * acknowledged, directly and through a third process that relays. Texts of 16 KiB are the longest there are; files are not yet.
 *
 * Beside it, in alternating rounds: a raw libp2p stream between two processes. Judged is what a relay leaves of the direct
 * path's rate. Everything together stays below the 16 MiB after which a relayed connection ends (net/protocols.ts).
 */
import { MESSAGE_BYTES } from './raw-exchanges.ts'
import { type RawPair, withRawPair } from './raw-pair.ts'
import { type Bench, judged, type Result } from './result.ts'
import { type Pair, withPair, withRelayedPair } from './talkers.ts'

const ROUNDS = 3
const SHORT = { bytes: 256, count: 1500 }
const LONG = { bytes: 16_384, count: 120 }
const RAW_COUNT = 20_000
const MIB = 1024 * 1024

/**
 * With a relay three processes share what two had, and every byte is encrypted twice as often: a third is left where
 * cryptography of the way is all there is. Ours is mostly commits, which a relay does not make.
 */
const LEFT = 0.33

export const bench: Bench = () =>
  withRawPair((raw) =>
    withPair({}, (direct) =>
      withRelayedPair(async (relayed) => {
        const messages = await rounds(SHORT, direct, relayed, raw)
        const bytes = await rounds(LONG, direct, relayed, raw)
        if ((await relayed.alice.ask('via', relayed.toBob)) !== 'relayed')
          throw new Error('they are not relayed any more')
        const each = (rate: number): number => (rate * LONG.bytes) / MIB
        const rawBytes = (bytes.raw * MESSAGE_BYTES) / MIB
        return [
          result(`${SHORT.bytes} B through a relay`, 'msg/s', messages.relayed, messages.direct, messages.left),
          result(`${LONG.bytes} B through a relay`, 'MiB/s', each(bytes.relayed), each(bytes.direct), bytes.left),
          against(`${SHORT.bytes} B through a relay`, 'msg/s', messages.relayed, messages.raw),
          against(`${LONG.bytes} B directly`, 'MiB/s', each(bytes.direct), rawBytes),
          against(`${LONG.bytes} B through a relay`, 'MiB/s', each(bytes.relayed), rawBytes),
        ]
      }),
    ),
  )

interface Rates {
  /** Messages a second: medians. */
  readonly direct: number
  readonly relayed: number
  readonly raw: number
  /** Median of what the relay leaves, round by round. */
  readonly left: number
}

async function rounds({ bytes, count }: typeof SHORT, direct: Pair, relayed: Pair, raw: RawPair): Promise<Rates> {
  const each = { direct: [] as number[], relayed: [] as number[], raw: [] as number[] }
  for (const pair of [direct, relayed]) await rate(pair, bytes, Math.ceil(count / 10))
  await raw.forth(RAW_COUNT / 10)
  for (let round = 0; round < ROUNDS; round++) {
    each.direct.push(await rate(direct, bytes, count))
    each.relayed.push(await rate(relayed, bytes, count))
    each.raw.push((RAW_COUNT / (await raw.forth(RAW_COUNT))) * 1000)
  }
  const left = each.relayed.map((one, i) => one / (each.direct[i] ?? Number.NaN))
  return { direct: median(each.direct), relayed: median(each.relayed), raw: median(each.raw), left: median(left) }
}

async function rate({ alice, bob, toBob }: Pair, bytes: number, count: number): Promise<number> {
  const ms = await alice.ask('flood', { to: toBob, count, bytes })
  const texts = await bob.ask('arrived', count)
  const wrong = texts.findIndex((text, i) => Number.parseInt(text, 10) !== i)
  if (texts.length !== count || wrong >= 0)
    throw new Error(`${texts.length} of ${count} arrived; out of order at ${wrong}`)
  return (count / ms) * 1000
}

function result(what: string, unit: string, value: number, direct: number, ratio: number): Result {
  const peer = { name: 'the same directly', value: direct }
  return judged({
    id: 'P3',
    what: `${what}; ratio relayed / direct`,
    value,
    unit,
    peer,
    ratio,
    bar: { of: 'ratio', atLeast: LEFT },
  })
}

/** No bar is set on what storing and acknowledging leave of a stream that does neither: the figures of P3 have theirs. */
function against(what: string, unit: string, value: number, raw: number): Result {
  const peer = { name: 'raw libp2p stream, nothing stored', value: raw }
  return judged({
    id: 'P3',
    what: `${what}; ratio ours / raw`,
    value,
    unit,
    peer,
    ratio: value / raw,
    bar: { of: 'ratio', atLeast: 0 },
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
