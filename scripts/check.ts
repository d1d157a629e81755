/**
 * `npm run check`: all that can be said of the sources without starting a node. One line a step with its time; what a failed
 * step printed follows its line; the last line counts the failures.
 *
 *     npm run check -- types lint     only these steps
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

interface Step {
  readonly name: string
  /** Arguments for this Node.js. */
  readonly run: readonly string[]
  /** Without this folder the step is left out: it needs packages that only some fetch. */
  readonly needs?: string
  /** What to do when it fails. */
  readonly mend: string
}

const BIOME = 'node_modules/@biomejs/biome/bin/biome'

const steps: readonly Step[] = [
  { name: 'format', run: [BIOME, 'format', '.'], mend: 'npm run format' },
  { name: 'lint', run: [BIOME, 'lint', '--error-on-warnings', '.'], mend: 'each finding says how' },
  { name: 'types', run: ['node_modules/typescript/bin/tsc', '-b', '--pretty', 'false'], mend: 'mend the types' },
  {
    name: 'types of the benchmarks with peers',
    run: ['node_modules/typescript/bin/tsc', '-b', 'scripts/bench', '--pretty', 'false'],
    needs: 'scripts/bench/node_modules',
    mend: 'mend the types',
  },
  { name: 'directions', run: ['scripts/check-directions.ts'], mend: 'each finding says what to do instead' },
  { name: 'unused', run: ['node_modules/knip/bin/knip.js', '--no-progress'], mend: 'delete it, or use it' },
  { name: 'packages', run: ['scripts/check-packages.ts'], mend: 'each finding says how' },
  { name: 'docs', run: ['scripts/check-docs.ts'], mend: 'mend the code block or what it shows' },
  {
    name: 'unit tests',
    run: ['node_modules/vitest/vitest.mjs', 'run', 'test/protocol', 'test/contract', 'test/scripts', '--reporter=dot'],
    mend: 'npx vitest run and the name of the file',
  },
]

const chosen = process.argv.slice(2)
const unknown = chosen.find((name) => !steps.some((step) => step.name === name))
if (unknown !== undefined) {
  console.error(`no step "${unknown}": ${steps.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const failed = steps.filter(({ name }) => chosen.length === 0 || chosen.includes(name)).filter((step) => !passes(step))
console.log(failed.length === 0 ? 'check: 0 failures' : `check: ${failed.length} failed: ${names(failed)}`)
process.exitCode = failed.length === 0 ? 0 : 1

function passes({ name, run, needs, mend }: Step): boolean {
  if (needs !== undefined && !existsSync(needs)) {
    console.log(`left out ${name}: there is no ${needs}`)
    return true
  }
  const begun = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, run, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  if (status !== 0) console.log(`${stdout}${stderr}`.replace(/^/gm, '    '), `\n    → ${mend}`)
  return status === 0
}

function names(list: readonly Step[]): string {
  return list.map(({ name }) => name).join(', ')
}
