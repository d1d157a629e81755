/** Step of `npm run check`: the directions of docs/architecture.md hold in src/, scripts/ and test/. */
import { globSync, readFileSync } from 'node:fs'
import { findings } from './directions/directions.ts'
import { rules } from './directions/rules.ts'

const names = globSync(['src/**/*.{ts,tsx}', 'scripts/**/*.ts', 'test/**/*.ts', '*.config.ts'], {
  exclude: (name) => name.includes('node_modules'),
})
const files = new Map(names.map((name) => [name.replaceAll('\\', '/'), readFileSync(name, 'utf8')]))
const found = findings(files, rules)
for (const { file, line, rule, says } of found) console.log(`${file}:${line} ${says} (${rule})`)
process.exitCode = found.length === 0 && files.size > 0 ? 0 : 1
