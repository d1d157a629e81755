/**
 * The tables of docs/delivery.md.
 */
import { DAY, HOUR, type Rhythm } from './hours.ts'
import type { Cell, Delays } from './measure.ts'
import { theoryAlwaysOn, theoryTogether } from './possible.ts'

const MINUTE = HOUR / 60

/** By the names of their places on the page. */
export const TABLES: Readonly<Record<string, (cells: readonly Cell[]) => string>> = {
  daily: (cells) => deliveryTable(cells, 'daily'),
  random: (cells) => deliveryTable(cells, 'random', theory),
  sender: (cells) => senderTable(cells),
  bytes: (cells) => bytesTable(cells),
}

type Column = readonly [head: string, of: (cell: Cell) => string]

const WHICH: readonly Column[] = [
  ['online', ({ share }) => `${Math.round(100 * share)} %`],
  ['carriers', ({ carriers }) => (carriers === 'always-on' ? 'always on' : carriers === 0 ? 'none' : `${carriers}`)],
]

function table(cells: readonly Cell[], columns: readonly Column[]): string {
  const row = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`
  const heads = [row(columns.map(([head]) => head)), row(columns.map(() => '---'))]
  return [...heads, ...inOrder(cells).map((cell) => row(columns.map(([, of]) => of(cell))))].join('\n')
}

/** By share, then by carriers: who compares carriers has them below each other. */
const inOrder = (cells: readonly Cell[]): readonly Cell[] => [...cells].sort((a, b) => a.share - b.share)

function deliveryTable(cells: readonly Cell[], rhythm: Rhythm, more: readonly Column[] = []): string {
  const within = (n: number): ((cell: Cell) => string) => {
    return ({ within: all }) => {
      const one = all[n]
      if (one === undefined) return ''
      return one.least === one.most
        ? percent(one.all)
        : `${percent(one.all)} (${percent(one.least)}–${percent(one.most)})`
    }
  }
  return table(
    cells.filter((cell) => cell.rhythm === rhythm),
    [
      ['online (as drawn)', ({ share, online }) => `${percent(100 * share)} % (${percent(100 * online)})`],
      ...WHICH.slice(1),
      ['within 1 h, %', within(0)],
      ['1 day, %', within(1)],
      ['7 days, %', within(2)],
      ['30 days, %', within(3)],
      ['delay: median, 95 %, 99 %', ({ delays }) => allOf(delays)],
      ['at best', ({ possible }) => allOf(possible)],
      ['at best in 100 circles: 1 h, 1 day, 7 days, %', ({ best }) => best.slice(0, 3).map(percent).join(', ')],
      ...more,
    ],
  )
}

const theory: readonly Column[] = [
  [
    'theory: 1 h, 1 day, 7 days, %',
    ({ share, carriers }) => {
      const of = carriers === 0 ? theoryTogether : carriers === 'always-on' ? theoryAlwaysOn : undefined
      return of === undefined
        ? ''
        : of(share, [HOUR, DAY, 7 * DAY])
            .map((part) => percent(100 * part))
            .join(', ')
    },
  ],
]

function senderTable(cells: readonly Cell[]): string {
  const saw = (n: number): ((cell: Cell) => string) => {
    return ({ saw: all }) => {
      const one = all[n]
      return one === undefined ? '' : [one.queued, one.carried, one.delivered].map(percent).join(', ')
    }
  }
  return table(
    cells.filter(({ rhythm }) => rhythm === 'daily'),
    [
      ...WHICH,
      ['after 1 h: waiting, carried, delivered, %', saw(0)],
      ['after 1 day', saw(1)],
      ['`carried` was seen of', ({ carried }) => (carried === 0 ? '' : `${percent(carried)} %`)],
      ['after', ({ carriedAfter }) => (carriedAfter === null ? '' : time(carriedAfter))],
      ['`delivered` was seen after: median, 95 %, 99 %', ({ told }) => allOf(told)],
    ],
  )
}

function bytesTable(cells: readonly Cell[]): string {
  return table(
    cells.filter(({ rhythm }) => rhythm === 'daily'),
    [
      ...WHICH,
      ['envelopes a text', ({ envelopes }) => (envelopes === 0 ? '' : envelopes.toFixed(1))],
      ['mail, kB a text', ({ mailBytes }) => (mailBytes === 0 ? '' : kilobytes(mailBytes))],
      ['a day: hellos, links, mail, kB', ({ day }) => [day.hello, day.links, day.mail].map(kilobytes).join(', ')],
      ['below streams, kB', ({ day }) => kilobytes(day.below)],
      ['look-ups', ({ lookUps }) => `${lookUps}`],
      ['puts', ({ puts }) => `${puts}`],
    ],
  )
}

const percent = (value: number): string => (value > 99.5 && value < 99.95 ? value.toFixed(1) : value.toFixed(0))
const kilobytes = (bytes: number): string => (bytes < 9950 ? (bytes / 1000).toFixed(1) : (bytes / 1000).toFixed(0))
const allOf = (delays: Delays): string => delays.map(time).join(', ')

function time(ms: number | null): string {
  if (ms === null) return '> 30 d'
  if (ms < MINUTE) return `${Math.round(ms / 1000)} s`
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`
  return ms < 2 * DAY ? `${(ms / HOUR).toFixed(1)} h` : `${(ms / DAY).toFixed(1)} d`
}
