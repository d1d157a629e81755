/**
 * The figures of scripts/scale.ts as a picture and as a table. The picture takes its colours from whoever looks at it: dark on
 * light, or light on dark.
 */
import type { Figures, Scale } from './bench/swarm/measure.ts'

interface Line {
  readonly name: string
  readonly of: (scale: Scale) => number
  /** Named after the classes of the style below. */
  readonly look: 'ours' | 'fewer' | 'half' | 'peer'
}

interface Panel {
  readonly title: string
  readonly most: number
  readonly lines: readonly Line[]
}

const WIDTH = 240
const HEIGHT = 190
const LEFT = 42
const TOP = 34
const GAP = 66
const LEGEND = 92

export function drawScale(scales: readonly Scale[]): string {
  const sizes = scales.map(({ servers }) => servers)
  const most = (...of: readonly ((scale: Scale) => number)[]): number =>
    1.1 * Math.max(...scales.flatMap((scale) => of.map((one) => one(scale))))
  const panels: readonly Panel[] = [
    {
      title: 'hops to a record',
      most: Math.log2(Math.max(...sizes)),
      lines: [
        { name: 'log₂ N', look: 'peer', of: ({ servers }) => Math.log2(servers) },
        { name: 'half gone', look: 'half', of: ({ get }) => get[2].hops },
        { name: 'a fifth gone', look: 'fewer', of: ({ get }) => get[1].hops },
        { name: 'all there', look: 'ours', of: ({ get }) => get[0].hops },
      ],
    },
    {
      title: 'records found, %',
      most: 100,
      lines: [
        { name: 'half gone', look: 'half', of: ({ get }) => percent(get[2]) },
        { name: 'a fifth gone', look: 'fewer', of: ({ get }) => percent(get[1]) },
        { name: 'all there', look: 'ours', of: ({ get }) => percent(get[0]) },
      ],
    },
    {
      title: 'questions asked',
      most: most(
        ({ put }) => put.messages,
        ({ plain }) => plain.put.messages,
      ),
      lines: [
        { name: 'put, kad-dht’s defaults', look: 'peer', of: ({ plain }) => plain.put.messages },
        { name: 'put', look: 'half', of: ({ put }) => put.messages },
        { name: 'look-up', look: 'ours', of: ({ get }) => get[0].messages },
      ],
    },
  ]
  const width = LEFT + panels.length * (WIDTH + GAP) - GAP + 28
  const height = TOP + HEIGHT + LEGEND
  const drawn = panels.map(
    (panel, i) => `<g transform="translate(${LEFT + i * (WIDTH + GAP)} ${TOP})">${drawPanel(panel, scales)}</g>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Hops, records found and questions asked in hash tables of ${sizes[0]} to ${sizes.at(-1)} servers">
<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .axis { stroke: #8c959f; stroke-width: 1; fill: none }
  polyline { fill: none; stroke-width: 2 }
  .ours { stroke: #0969da } .fewer { stroke: #9a6700; stroke-dasharray: 7 3 } .half { stroke: #cf222e; stroke-dasharray: 2 3 } .peer { stroke: #8c959f; stroke-dasharray: 10 3 2 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .ours { stroke: #58a6ff } .fewer { stroke: #e3b341 } .half { stroke: #ff7b72 }
  }
</style>
${drawn.join('\n')}
</svg>
`
}

function drawPanel({ title, most, lines }: Panel, scales: readonly Scale[]): string {
  const sizes = scales.map(({ servers }) => servers)
  const [low, high] = [Math.log10(Math.min(...sizes)), Math.log10(Math.max(...sizes))]
  const x = (servers: number): number => Math.round(((Math.log10(servers) - low) / (high - low || 1)) * WIDTH)
  const y = (value: number): number => Math.round(HEIGHT - (value / most) * HEIGHT)
  const ticks = [0, 0.5, 1].map((part) => part * most)
  return [
    `<text class="title" x="0" y="-14">${title}</text>`,
    `<path class="axis" d="M0 0V${HEIGHT}H${WIDTH}"/>`,
    ...ticks.map((tick) => `<text x="-6" y="${y(tick) + 4}" text-anchor="end">${Math.round(tick)}</text>`),
    ...sizes
      .filter((size) => Number.isInteger(Math.log10(size)))
      .map(
        (size) => `<text x="${x(size)}" y="${HEIGHT + 16}" text-anchor="middle">${size.toLocaleString('en')}</text>`,
      ),
    ...lines.map(({ look, of }) => {
      const points = scales.map((scale) => `${x(scale.servers)},${y(of(scale))}`)
      return `<polyline class="${look}" points="${points.join(' ')}"/>`
    }),
    ...lines.toReversed().map(({ name, look }, i) => {
      const at = HEIGHT + 34 + i * 16
      return `<polyline class="${look}" points="0,${at - 4} 26,${at - 4}"/><text x="34" y="${at}">${name}</text>`
    }),
  ].join('')
}

const percent = ({ ok, of }: Figures): number => (100 * ok) / of

export function tableOfScale(scales: readonly Scale[]): string {
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  const found = ({ ok, of }: Figures): string => `${ok} of ${of}`
  const hops = ({ hops: mean, hopsMost }: Figures): string => `${mean.toFixed(1)} (${hopsMost})`
  const seconds = ({ ms, ms95 }: Figures): string => `${(ms / 1000).toFixed(1)} (${(ms95 / 1000).toFixed(1)})`
  const head = [
    'servers',
    'gone',
    'found',
    'hops, mean (most)',
    'log₂ N',
    'questions of a look-up',
    's, median (95 %)',
    'questions of a put',
    'kad-dht’s defaults: look-up, put',
  ]
  const rows = scales.flatMap(({ servers, put, get, plain }) =>
    get.map((one, i) =>
      row([
        servers.toLocaleString('en'),
        ['none', '20 %', 'half'][i] ?? '',
        found(one),
        hops(one),
        Math.log2(servers).toFixed(1),
        one.messages,
        seconds(one),
        i === 0 ? `${put.messages} (${found(put)})` : '',
        i === 0 ? `${plain.get.messages} (${found(plain.get)}), ${plain.put.messages}` : '',
      ]),
    ),
  )
  return [row(head), row(head.map(() => '---')), ...rows].join('\n')
}
