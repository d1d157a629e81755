/**
 * The figures of the report as a picture. It takes its colours from whoever looks at it: dark on light, or light on dark.
 */
import type { Setting } from './circle.ts'
import { DAY, HOUR, type Rhythm } from './hours.ts'
import { type Cell, TIMES } from './measure.ts'
import { theoryAlwaysOn, theoryTogether } from './possible.ts'

const WIDTH = 280
const HEIGHT = 210
const LEFT = 46
const TOP = 34
const GAP = 70
const LEGEND = 132
const SHOWN = 0.2

interface Line {
  readonly name: string
  /** A class of the style below. */
  readonly look: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

interface Tick {
  readonly at: number
  readonly text: string
}

interface Panel {
  readonly title: string
  readonly across: readonly Tick[]
  readonly up: readonly Tick[]
  readonly lines: readonly Line[]
}

const [SOONEST, LATEST] = [TIMES[0], TIMES.at(-1)] as [number, number]
const LABELLED: readonly Tick[] = [
  { at: HOUR / 60, text: '1 min' },
  { at: HOUR, text: '1 h' },
  { at: DAY, text: '1 day' },
  { at: 7 * DAY, text: '7 d' },
  { at: 30 * DAY, text: '30 d' },
]

/** Where a time lies between the soonest and the latest, 0 to 1; `null`: later. */
const place = (ms: number | null): number =>
  ms === null || ms >= LATEST ? 1 : ms <= SOONEST ? 0 : Math.log(ms / SOONEST) / Math.log(LATEST / SOONEST)

const TIME_TICKS = LABELLED.map(({ at, text }) => ({ at: place(at), text }))
const PERCENT_TICKS = [0, 25, 50, 75, 100].map((percent) => ({ at: percent / 100, text: `${percent}` }))

const NAMES: readonly (readonly [carriers: Setting['carriers'], look: string, name: string])[] = [
  ['always-on', 'on', 'one node that is always on'],
  [5, 'five', '5 friends carry'],
  [3, 'three', '3 friends carry'],
  [2, 'two', '2 friends carry'],
  [1, 'one', '1 friend carries'],
  [0, 'none', 'nobody carries'],
]

export function drawDelivery(cells: readonly Cell[]): string {
  const panels = [
    curves(cells, 'daily', `daily hours, online ${100 * SHOWN} %: delivered, %`),
    byShare(cells),
    curves(cells, 'random', `random hours, online ${100 * SHOWN} %: delivered, %`),
  ]
  const width = LEFT + panels.length * (WIDTH + GAP) - GAP + 20
  const height = TOP + HEIGHT + LEGEND
  const drawn = panels.map(
    (panel, n) => `<g transform="translate(${LEFT + n * (WIDTH + GAP)} ${TOP})">${drawPanel(panel)}</g>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="How much is delivered by when, and how long 95 of 100 texts take, by how much of the time friends are online and who carries">
<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .axis { stroke: #8c959f; stroke-width: 1; fill: none }
  .grid { stroke: #8c959f; stroke-width: 0.5; opacity: 0.35 }
  polyline { fill: none; stroke-width: 2; stroke-linejoin: round }
  .on { stroke: #1a7f37 } .five { stroke: #0969da } .three { stroke: #8250df; stroke-dasharray: 8 3 } .two { stroke: #bf3989 } .one { stroke: #9a6700; stroke-dasharray: 6 3 } .none { stroke: #cf222e }
  .theory { stroke: #1f2328; stroke-width: 1; stroke-dasharray: 2 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .on { stroke: #3fb950 } .five { stroke: #58a6ff } .three { stroke: #a371f7 } .two { stroke: #f778ba } .one { stroke: #e3b341 } .none { stroke: #ff7b72 }
    .theory { stroke: #e6edf3 }
  }
</style>
${drawn.join('\n')}
</svg>
`
}

/** How much is delivered by when; in random hours, theory beside it. */
function curves(cells: readonly Cell[], rhythm: Rhythm, title: string): Panel {
  const lines = NAMES.flatMap(([carriers, look, name]): Line[] => {
    const cell = cells.find((one) => one.rhythm === rhythm && one.share === SHOWN && one.carriers === carriers)
    if (cell === undefined) return []
    return [{ name, look, points: TIMES.map((ms, n) => [place(ms), (cell.curve[n] ?? 0) / 100]) }]
  })
  const curve = (name: string, values: readonly number[]): Line => ({
    name,
    look: 'theory',
    points: TIMES.map((ms, n) => [place(ms), values[n] ?? 0]),
  })
  const theory = [
    curve('theory: until both are online', theoryTogether(SHOWN, TIMES)),
    curve('theory: until the reader is online', theoryAlwaysOn(SHOWN, TIMES)),
  ]
  return {
    title,
    across: TIME_TICKS,
    up: PERCENT_TICKS,
    lines: rhythm === 'random' ? [...lines, ...theory] : lines,
  }
}

/** How long 95 of 100 take, by how much of the time friends are online. */
function byShare(cells: readonly Cell[]): Panel {
  const daily = cells.filter(({ rhythm }) => rhythm === 'daily')
  const shares = [...new Set(daily.map(({ share }) => share))].sort((a, b) => a - b)
  const [least, most] = [shares[0], shares.at(-1)] as [number, number]
  const across = (share: number): number => Math.log(share / least) / Math.log(most / least)
  return {
    title: 'daily hours: until 95 % are delivered',
    across: shares.map((share) => ({ at: across(share), text: `${Math.round(100 * share)} %` })),
    up: TIME_TICKS,
    lines: NAMES.map(([carriers, look, name]) => ({
      name,
      look,
      points: daily
        .filter((cell) => cell.carriers === carriers)
        .sort((a, b) => a.share - b.share)
        .map(({ share, delays }) => [across(share), place(delays[1])] as const),
    })),
  }
}

function drawPanel({ title, across, up, lines }: Panel): string {
  const x = (at: number): number => Math.round(at * WIDTH)
  const y = (at: number): number => Math.round((1 - at) * HEIGHT)
  return [
    `<text class="title" x="0" y="-14">${title}</text>`,
    ...up.map(
      ({ at, text }) =>
        `<path class="grid" d="M0 ${y(at)}H${WIDTH}"/><text x="-6" y="${y(at) + 4}" text-anchor="end">${text}</text>`,
    ),
    `<path class="axis" d="M0 0V${HEIGHT}H${WIDTH}"/>`,
    ...across.map(({ at, text }) => `<text x="${x(at)}" y="${HEIGHT + 16}" text-anchor="middle">${text}</text>`),
    ...lines.map(({ look, points }) => {
      const drawn = points.map(([a, b]) => `${x(a)},${y(b)}`).join(' ')
      return `<polyline class="${look}" points="${drawn}"/>`
    }),
    ...legendOf(lines).map(({ name, look }, n) => {
      const at = HEIGHT + 38 + n * 16
      return `<polyline class="${look}" points="0,${at - 4} 26,${at - 4}"/><text x="34" y="${at}">${name}</text>`
    }),
  ].join('')
}

/** Both lines of theory look alike: the upper one is that with a carrier. */
function legendOf(lines: readonly Line[]): readonly Line[] {
  return lines
    .filter(({ look }, n) => lines.findIndex((other) => other.look === look) === n)
    .map((line) => (line.look === 'theory' ? { ...line, name: 'theory: nobody carries; always on' } : line))
}
