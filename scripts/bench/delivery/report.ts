/**
 * The report: figures in docs/pictures/delivery.json, the picture beside them, the tables of docs/delivery.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cell } from './measure.ts'
import { drawDelivery } from './picture.ts'
import { TABLES } from './tables.ts'

const DOCS = join(import.meta.dirname, '..', '..', '..', 'docs')
const FIGURES = join(DOCS, 'pictures', 'delivery.json')
const PICTURE = join(DOCS, 'pictures', 'delivery.svg')
const PAGE = join(DOCS, 'delivery.md')

export const readFigures = (): readonly Cell[] => JSON.parse(readFileSync(FIGURES, 'utf8'))

/** One setting a line. */
export function writeFigures(cells: readonly Cell[]): void {
  writeFileSync(FIGURES, `[\n${cells.map((cell) => JSON.stringify(cell)).join(',\n')}\n]\n`)
}

/** The page and the picture as they are to be. */
export function report(cells: readonly Cell[]): { readonly page: string; readonly picture: string } {
  let page = readFileSync(PAGE, 'utf8')
  for (const [name, table] of Object.entries(TABLES)) {
    const place = new RegExp(`(<!-- table: ${name} -->\n)[\\s\\S]*?(<!-- end of table -->)`)
    if (!place.test(page)) throw new Error(`docs/delivery.md has no place for the table "${name}"`)
    page = page.replace(place, (_, before, after) => `${before}${table(cells)}\n${after}`)
  }
  return { page, picture: drawDelivery(cells) }
}

/** What is there, to compare. */
export const committed = (): { readonly page: string; readonly picture: string } => ({
  page: readFileSync(PAGE, 'utf8'),
  picture: readFileSync(PICTURE, 'utf8'),
})

export function writeReport(cells: readonly Cell[]): void {
  const { page, picture } = report(cells)
  writeFileSync(PAGE, page)
  writeFileSync(PICTURE, picture)
}
