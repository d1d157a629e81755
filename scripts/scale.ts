/**
 * Measures how the hash table grows and writes docs/pictures/scale.json, the picture beside it, and the table of docs/scale.md.
 *
 *     node scripts/run.cjs install -- scripts/scale.ts                        100, 1 000 and 10 000 servers: ten minutes
 *     node scripts/run.cjs install -- scripts/scale.ts --sizes 300 --each 3   another, with fewer look-ups; beside those that are there
 *     node scripts/run.cjs install -- scripts/scale.ts --draw                 only draws what was measured
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HUNDRED, measureScale, type Scale } from './bench/swarm/measure.ts'
import { drawScale, tableOfScale } from './scale-picture.ts'

const DOCS = join(import.meta.dirname, '..', 'docs')
const FIGURES = join(DOCS, 'pictures', 'scale.json')
const TABLE = /(<!-- table -->\n)[\s\S]*?(<!-- end of table -->)/

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '100,1000,10000' },
    nodes: { type: 'string', default: String(HUNDRED.nodes) },
    each: { type: 'string', default: String(HUNDRED.each) },
    draw: { type: 'boolean', default: false },
  },
})
const read = (): readonly Scale[] => (existsSync(FIGURES) ? JSON.parse(readFileSync(FIGURES, 'utf8')) : [])

if (!values.draw) {
  const amount = { nodes: Number(values.nodes), each: Number(values.each) }
  for (const size of values.sizes.split(',').map(Number)) {
    const scale = await measureScale(size, amount)
    const others = read().filter(({ servers }) => servers !== size)
    const all = [...others, scale].toSorted((a, b) => a.servers - b.servers)
    writeFileSync(FIGURES, `${JSON.stringify(all, null, 2)}\n`)
  }
}
const scales = read()
writeFileSync(join(DOCS, 'pictures', 'scale.svg'), drawScale(scales))
const page = join(DOCS, 'scale.md')
writeFileSync(page, readFileSync(page, 'utf8').replace(TABLE, `$1${tableOfScale(scales)}\n$2`))
process.exit(0)
