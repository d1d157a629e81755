/**
 * When people are online: spans of time, drawn from a seed. Two assumptions, and neither is a measurement of people.
 *
 *     random   sessions and pauses of memoryless length, four of each a day: the model that theory is made for
 *     daily    a time zone, and four sessions a day at hours of one's own, which shift and stretch from day to day; nobody at night
 *
 * A share of the time is met by how long sessions last, not by how many there are: at 5 % one lasts 18 minutes, at 20 % 72.
 */
const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export type Rhythm = 'random' | 'daily'

/** From 0 up to, not including, 1: chance that can be replayed. */
type Draw = () => number

/** Online from one millisecond to another. */
export interface Span {
  readonly from: number
  readonly to: number
}

const SESSIONS_A_DAY = 4
export const CYCLE = DAY / SESSIONS_A_DAY

/** Of one circle, three of five live in one zone, and one each eight hours before and after. */
const ZONES = [0, 0, 0, -8, 8]
const UP = 7 * HOUR
const AWAKE = 16 * HOUR
const PART = AWAKE / SESSIONS_A_DAY
const MIDDLE_OF_NIGHT = 3 * HOUR
const SHIFT = 45 * MINUTE

/** One person's, in order and apart, from 0 to `end`; `share` of all time. */
export function hoursOf(rhythm: Rhythm, share: number, end: number, draw: Draw): readonly Span[] {
  return apart(rhythm === 'random' ? randomHours(share, end, draw) : dailyHours(share, end, draw), end)
}

export const isWithin = (spans: readonly Span[], at: number): boolean =>
  spans.some(({ from, to }) => from <= at && at < to)

function randomHours(share: number, end: number, draw: Draw): Span[] {
  const lasts = (mean: number): number => -mean * Math.log(1 - draw())
  const spans: Span[] = []
  let at = draw() < share ? 0 : lasts(CYCLE * (1 - share))
  while (at < end) {
    const to = at + lasts(CYCLE * share)
    spans.push({ from: at, to })
    at = to + lasts(CYCLE * (1 - share))
  }
  return spans
}

function dailyHours(share: number, end: number, draw: Draw): Span[] {
  const zone = (ZONES[Math.floor(draw() * ZONES.length)] ?? 0) * HOUR
  const length = CYCLE * share
  const shift = (): number => (2 * draw() - 1) * SHIFT
  if (length >= PART) return allDay(share, end, zone, shift)
  const usual = Array.from({ length: SESSIONS_A_DAY }, (_, n) => UP + n * PART + draw() * (PART - length))
  const spans: Span[] = []
  for (let day = -DAY; day < end + DAY; day += DAY)
    for (const hour of usual) {
      const from = day + zone + hour + shift()
      spans.push({ from, to: from + length * (0.5 + draw()) })
    }
  return spans
}

/** Online but for a part of the night. */
function allDay(share: number, end: number, zone: number, shift: () => number): Span[] {
  const night = DAY * (1 - share)
  const spans: Span[] = []
  let from = -DAY
  for (let day = -DAY; day < end + 2 * DAY; day += DAY) {
    const middle = day + zone + MIDDLE_OF_NIGHT + shift()
    spans.push({ from, to: middle - night / 2 })
    from = middle + night / 2
  }
  return spans
}

/** In order, what overlaps made one, cut to the time from 0 to `end`. */
function apart(spans: readonly Span[], end: number): readonly Span[] {
  const joined: Span[] = []
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const cut = { from: Math.max(0, Math.round(from)), to: Math.min(end, Math.round(to)) }
    if (cut.to <= cut.from) continue
    const last = joined.at(-1)
    if (last !== undefined && cut.from <= last.to)
      joined.splice(-1, 1, { from: last.from, to: Math.max(last.to, cut.to) })
    else joined.push(cut)
  }
  return joined
}
