/**
 * Delivery and delay against churn and carriers: which settings are measured, and what of their outcomes is told.
 */
import { type Amount, bestOf, FOLLOWED, FRIENDS, type Outcome, runCircle, type Setting } from './circle.ts'
import { DAY, HOUR, type Rhythm } from './hours.ts'
import type { Text } from './ledger.ts'

const MEASURED: readonly {
  readonly rhythm: Rhythm
  readonly carriers: readonly Setting['carriers'][]
  readonly shares: readonly number[]
}[] = [
  { rhythm: 'daily', carriers: [0, 1, 2, 3, 5, 'always-on'], shares: [0.05, 0.1, 0.2, 0.4, 0.8] },
  { rhythm: 'random', carriers: [0, 2, 'always-on'], shares: [0.1, 0.2, 0.4, 0.8] },
]
export const SEEDS = 3
/** Other circles, of which only the hours are drawn. */
const CIRCLES = 100
export const AMOUNT: Amount = { days: 3, textsADay: 4 }

/** For a curve: from a minute to thirty days, evenly on a logarithmic scale. */
const POINTS = 40
export const TIMES: readonly number[] = Array.from(
  { length: POINTS + 1 },
  (_, n) => 60_000 * (FOLLOWED / 60_000) ** (n / POINTS),
)
/** An hour, a day, a week, thirty days. */
const UNTIL = [HOUR, DAY, 7 * DAY, FOLLOWED]

/** Below a stream (estimated): headers of yamux and Noise, and of a TCP segment and its acknowledgement. */
const PACKET_BYTES = 12 + 18 + 104
/** A connection with TCP, Noise, negotiation, hello and reach, as measured (docs/scale.md): the hello is in here once more. */
const CONNECTION_BYTES = 5300
/** A question and its answer after each 45 s of silence: HEAD of a message each. */
const SILENT_BYTES_AN_HOUR = (3600 / 45) * 2 * (5 + PACKET_BYTES)

/** Median, what 95 and 99 of 100 stay below, in ms; `null`: more than thirty days. */
export type Delays = readonly [number | null, number | null, number | null]

export interface Cell extends Setting {
  readonly seeds: number
  readonly texts: number
  /** As it came out. */
  readonly online: number
  /** Delivered within an hour, a day, a week, thirty days, in %: of all, and of the seed with fewest and with most. */
  readonly within: readonly { readonly all: number; readonly least: number; readonly most: number }[]
  readonly delays: Delays
  /** The earliest that any program could have brought them. */
  readonly possible: Delays
  /** The same in CIRCLES other circles, of which only the hours are known: within an hour, a day, a week, thirty days, in %. */
  readonly best: readonly number[]
  /** Until the sender saw that it was delivered. */
  readonly told: Delays
  /** Of all texts, in %: the sender saw `carried` before it saw `delivered`; and then after how long, median, ms. */
  readonly carried: number
  readonly carriedAfter: number | null
  /** What the sender saw an hour and a day after writing, %. */
  readonly saw: readonly { readonly queued: number; readonly carried: number; readonly delivered: number }[]
  /** `failed` was said. */
  readonly failed: number
  /** When all had met at last: lost, doubled or disordered. */
  readonly wrong: number
  /** Of a text, counted: envelopes, and bytes of mail. */
  readonly envelopes: number
  readonly mailBytes: number
  /** Bytes of a friend's day, all traffic shared out among the eight: three that are counted, and what is estimated to lie below. */
  readonly day: { readonly hello: number; readonly links: number; readonly mail: number; readonly below: number }
  /** Of a friend's day. */
  readonly lookUps: number
  readonly puts: number
  /** % delivered by each of TIMES, and at best. */
  readonly curve: readonly number[]
  readonly possibleCurve: readonly number[]
}

/** All settings, those of one circle together: a circle that knows each other is made once. */
export const settings = (): readonly Setting[] =>
  MEASURED.flatMap(({ rhythm, carriers, shares }) =>
    carriers.flatMap((carrying) => shares.map((share) => ({ rhythm, share, carriers: carrying }))),
  )

/** Measures one setting over seeds 1 to `seeds`. Throws where a text was lost, doubled or disordered. */
export async function measureCell(setting: Setting, seeds = SEEDS, amount = AMOUNT): Promise<Cell> {
  const outcomes: Outcome[] = []
  for (let seed = 1; seed <= seeds; seed++) outcomes.push(await runCircle(setting, seed, amount))
  const [first] = outcomes.flatMap(({ wrong }) => wrong)
  if (first !== undefined) throw new Error(`${JSON.stringify(setting)}: ${first}`)
  return cellOf(setting, outcomes)
}

export function cellOf(setting: Setting, outcomes: readonly Outcome[]): Cell {
  const texts = outcomes.flatMap((outcome) => outcome.texts)
  const arrived = texts.map((text) => text.arrived)
  const seen = texts.filter(({ carried, told }) => carried < told).map(({ carried }) => carried)
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((all, one) => all + of(one), 0)
  const friendDays = sum(({ days }) => days * FRIENDS)
  const daily = (of: (outcome: Outcome) => number): number => Math.round(sum(of) / friendDays)
  const each = UNTIL.map((until) => outcomes.map((one) => percent(one.texts, ({ arrived: ms }) => ms <= until)))
  return {
    ...setting,
    seeds: outcomes.length,
    texts: texts.length,
    online: round(sum(({ online }) => online) / outcomes.length, 3),
    within: UNTIL.map((until, n) => ({
      all: round(
        percent(arrived, (ms) => ms <= until),
        1,
      ),
      least: round(Math.min(...(each[n] ?? [])), 1),
      most: round(Math.max(...(each[n] ?? [])), 1),
    })),
    delays: delaysOf(arrived),
    possible: delaysOf(texts.map((text) => text.possible)),
    best: bestWithin(setting),
    told: delaysOf(texts.map((text) => text.told)),
    carried: round((100 * seen.length) / texts.length, 1),
    carriedAfter: quantile(seen, 0.5),
    saw: [HOUR, DAY].map((after) => sawAfter(texts, after)),
    failed: texts.filter(({ failed }) => failed).length,
    wrong: outcomes.flatMap(({ wrong }) => wrong).length,
    envelopes: round(sum(({ traffic }) => traffic.envelopes) / texts.length, 2),
    mailBytes: Math.round(sum(({ traffic }) => traffic.mail) / texts.length),
    day: {
      hello: daily(({ traffic }) => traffic.hello),
      links: daily(({ traffic }) => traffic.links),
      mail: daily(({ traffic }) => traffic.mail),
      below: daily(belowStreams),
    },
    lookUps: daily(({ traffic }) => traffic.lookUps),
    puts: daily(({ traffic }) => traffic.puts),
    curve: curveOf(arrived),
    possibleCurve: curveOf(texts.map((text) => text.possible)),
  }
}

function belowStreams({ traffic: { writes, connections }, linkHours }: Outcome): number {
  return writes * PACKET_BYTES + connections * CONNECTION_BYTES + linkHours * SILENT_BYTES_AN_HOUR
}

function sawAfter(texts: readonly Text[], after: number): Cell['saw'][number] {
  const delivered = percent(texts, ({ told }) => told <= after)
  const carried = percent(texts, (text) => text.told > after && text.carried <= after)
  return { delivered: round(delivered, 1), carried: round(carried, 1), queued: round(100 - delivered - carried, 1) }
}

function bestWithin(setting: Setting, amount = AMOUNT): readonly number[] {
  const delays = bestOf(setting, CIRCLES, amount)
  return UNTIL.map((until) =>
    round(
      percent(delays, (ms) => ms <= until),
      1,
    ),
  )
}

const curveOf = (times: readonly number[]): readonly number[] =>
  TIMES.map((time) =>
    round(
      percent(times, (ms) => ms <= time),
      1,
    ),
  )

const percent = <T>(list: readonly T[], is: (one: T) => boolean): number => (100 * list.filter(is).length) / list.length

const delaysOf = (times: readonly number[]): Delays => [
  quantile(times, 0.5),
  quantile(times, 0.95),
  quantile(times, 0.99),
]

/** The smallest that so many stay at or below. */
function quantile(times: readonly number[], share: number): number | null {
  const sorted = [...times].sort((a, b) => a - b)
  const found = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  return found === undefined || found > FOLLOWED ? null : found
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
