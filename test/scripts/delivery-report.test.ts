/**
 * docs/delivery.md and its picture are what the code makes of the committed figures, and the figures are whole.
 */
import { expect, test } from 'vitest'
import { SEEDS, settings } from '../../scripts/bench/delivery/measure.ts'
import { committed, readFigures, report } from '../../scripts/bench/delivery/report.ts'

const cells = readFigures()

test('the page and the picture are made of the figures beside them', () => {
  expect(report(cells)).toEqual(committed())
})

test('each setting was measured, and each text was followed', () => {
  expect(cells.map(({ rhythm, share, carriers }) => ({ rhythm, share, carriers }))).toEqual(settings())
  for (const cell of cells) {
    expect(cell).toMatchObject({ seeds: SEEDS, wrong: 0, failed: 0 })
    expect(cell.texts).toBe(SEEDS * 8 * 12)
    for (const { queued, carried, delivered } of cell.saw)
      expect(Math.abs(queued + carried + delivered - 100)).toBeLessThan(0.2)
    expect(cell.mailBytes > 0, 'mail without carriers').toBe(cell.carriers !== 0)
  }
})

test('a changed figure changes both', () => {
  const changed = cells.map((cell) => ({ ...cell, delays: [1, 2, 3] as const }))
  const made = report(changed)
  expect(made.page).not.toBe(committed().page)
  expect(made.picture).not.toBe(committed().picture)
})
