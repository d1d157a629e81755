/**
 * `npm run bench [-- NAME…] [--json]`: runs the benchmarks of this folder and says how far each figure is from its bar.
 *
 *     npm run bench -- p1 p6        only these
 *     npm run bench -- delivery     one that runs only when it is asked for by name: it writes a page of docs/
 *
 * Holds: each file runs in a process of its own, one at a time, so none warms or slows another; a benchmark that fails to run
 * is named and makes the command fail; a bar that is missed is printed and does not: machines differ.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Bench, margin, type Result } from './result.ts'

const FOLDER = import.meta.dirname
const BY_NAME_ONLY = ['delivery.ts']

/** What a file's own process sends back. */
type Report = { readonly results: readonly Result[] } | { readonly failed: string }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, run: { type: 'string' } },
})
if (values.run === undefined) await runAll()
else await runOne(values.run)

async function runAll(): Promise<void> {
  const usual = globSync('[ps][0-9]*.ts', { cwd: FOLDER }).sort()
  const files = [...usual, ...BY_NAME_ONLY]
  const chosen =
    positionals.length === 0 ? usual : files.filter((file) => positionals.some((name) => isCalled(file, name)))
  if (chosen.length === 0) {
    console.error(`no benchmark is called ${positionals.join(' or ')}: there are ${files.map(nameOf).join(', ')}`)
    process.exitCode = 2
    return
  }
  const all: Result[] = []
  for (const file of chosen) {
    console.error(`${nameOf(file)} …`)
    const report = await inItsOwnProcess(file)
    if ('failed' in report) {
      console.error(`${nameOf(file)} could not run: ${report.failed}`)
      process.exitCode = 1
    } else all.push(...report.results)
  }
  console.log(values.json ? JSON.stringify(all) : table(all))
}

async function inItsOwnProcess(file: string): Promise<Report> {
  const child = fork(import.meta.filename, ['--run', file], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  let report: Report = { failed: 'its process ended without a result' }
  child.on('message', (message: Report) => {
    report = message
  })
  await once(child, 'exit')
  return report
}

async function runOne(file: string): Promise<void> {
  const report = await resultsOf(file).then(
    (results): Report => ({ results }),
    (error: unknown): Report => ({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
  process.send?.(report, () => process.exit(0))
}

async function resultsOf(file: string): Promise<readonly Result[]> {
  const module: { bench?: Bench } = await import(join(FOLDER, file))
  if (!module.bench) throw new Error(`${file} exports no function called bench`)
  return module.bench()
}

function table(results: readonly Result[]): string {
  const rows = results.map((result) => [
    result.id,
    result.what,
    `${figure(result.value)} ${result.unit}`,
    result.peer ? `${result.peer.name}: ${figure(result.peer.value)} ${result.unit}` : '',
    result.ratio === undefined ? '' : `${figure(result.ratio)}×`,
    barOf(result),
    result.met ? `met (${figure(margin(result))} of it)` : `MISSED (${figure(margin(result))} of it)`,
  ])
  const head = ['', 'what', 'here', 'peer, same run', 'ratio', 'bar', '']
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)))
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const met = results.filter((result) => result.met).length
  return [...lines, '', `${met} of ${results.length} bars met`].join('\n')
}

function barOf({ bar, unit }: Result): string {
  const sign = 'atLeast' in bar ? '≥' : '≤'
  const limit = 'atLeast' in bar ? bar.atLeast : bar.atMost
  return `${sign} ${figure(limit)}${bar.of === 'ratio' ? '×' : ` ${unit}`}`
}

function figure(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}

/** `p1` and `p1-ratchet` call `p1-ratchet.ts`, and not `p10-start.ts`. */
function isCalled(file: string, name: string): boolean {
  return nameOf(file) === name || file.startsWith(`${name}-`)
}

function nameOf(file: string): string {
  return basename(file, '.ts')
}
