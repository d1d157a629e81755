/**
 * Measures how the hash table grows and writes docs/pictures/scale.json, the picture beside it, and the table of docs/scale.md.
 *
 *     node scripts/run.cjs install -- scripts/scale.ts                        100, 1 000 and 10 000 servers: ten minutes
 *     node scripts/run.cjs install -- scripts/scale.ts --sizes 100,300        others
 *     node scripts/run.cjs install -- scripts/scale.ts --draw                 only draws what was measured
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HUNDRED, measureScale, type Scale } from './bench/swarm/measure.ts'
import { drawScale, tableOfScale } from './scale-picture.ts'

const DOCS = join(import.meta.dirname, '..', 'docs')
const FIGURES = join(DOCS, 'pictures', 'scale.json')
const TABLE = /(<!-- table -->\n)[\s\S]*?(<!-- end of table -->)/

const { values } = parseArgs({
  options: { sizes: { type: 'string', default: '100,1000,10000' }, draw: { type: 'boolean', default: false } },
})

if (!values.draw) {
  const scales: Scale[] = []
  for (const size of values.sizes.split(',').map(Number)) {
    scales.push(await measureScale(size, HUNDRED))
    console.log(JSON.stringify(scales.at(-1)))
    writeFileSync(FIGURES, `${JSON.stringify(scales, null, 2)}\n`)
  }
}
const scales: readonly Scale[] = JSON.parse(readFileSync(FIGURES, 'utf8'))
writeFileSync(join(DOCS, 'pictures', 'scale.svg'), drawScale(scales))
const page = join(DOCS, 'scale.md')
writeFileSync(page, readFileSync(page, 'utf8').replace(TABLE, `$1${tableOfScale(scales)}\n$2`))
process.exit(0)
