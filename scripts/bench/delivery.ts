/**
 * How much is delivered, and when, where nobody is always online: against how much of the time friends are online, and how many
 * carry for each other (docs/delivery.md says what is real in it). Writes the figures, the picture and the tables of that page.
 *
 *     npm run bench -- delivery                    all settings, three seeds each: a quarter of an hour
 *     TULNIC_SEEDS=1 npm run bench -- delivery     fewer seeds: some minutes, and nothing is written
 *
 * Beside each figure: the same circle without carriers. Fails where a text was lost, doubled or disordered.
 */
import { type Cell, measureCell, SEEDS, settings } from './delivery/measure.ts'
import { writeFigures, writeReport } from './delivery/report.ts'
import { type Bench, judged, type Result } from './result.ts'

const seeds = Number(process.env.TULNIC_SEEDS ?? SEEDS)

export const bench: Bench = async () => {
  if (!Number.isInteger(seeds) || seeds < 1)
    throw new Error(`TULNIC_SEEDS=${process.env.TULNIC_SEEDS} is no number of seeds`)
  const cells: Cell[] = []
  for (const setting of settings()) {
    cells.push(await measureCell(setting, seeds))
    console.error(`${setting.rhythm} hours, online ${100 * setting.share} %, carriers: ${setting.carriers}`)
  }
  if (seeds === SEEDS) {
    writeFigures(cells)
    writeReport(cells)
  }
  return cells.filter(({ carriers }) => carriers !== 0).map((cell) => withinADay(cell, cells))
}

function withinADay(cell: Cell, cells: readonly Cell[]): Result {
  const { rhythm, share, carriers, texts } = cell
  const alone = cells.find((one) => one.rhythm === rhythm && one.share === share && one.carriers === 0)
  const [value, control] = [cell, alone].map((one) => one?.within[1]?.all ?? Number.NaN) as [number, number]
  return judged({
    id: 'mail',
    what: `of ${texts} texts there within a day, ${rhythm} hours, online ${100 * share} %, carriers: ${carriers}`,
    value,
    unit: '%',
    peer: { name: 'nobody carries', value: control },
    ratio: value / control,
    bar: { of: 'ratio', atLeast: 1 },
  })
}
