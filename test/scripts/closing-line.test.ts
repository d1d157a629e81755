import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tulnic-closing-line-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction')
  const reporter = resolve('scripts/closing-line.ts')
  const config = `import { ClosingLine } from ${JSON.stringify(reporter)}
export default { test: { include: ['*.test.ts'], reporters: ['dot', new ClosingLine()] } }`
  writeFileSync(join(folder, 'vitest.config.ts'), config)
  const files = {
    good: "test('a', () => {})\ntest('b', () => {})",
    bad: "test('c', () => { throw new Error('c') })\ntest('d', () => {})",
    skipping: "test.skip('e needs a browser', () => {})\ntest('f', () => {})",
    broken: "import './nothing.ts'\ntest('g', () => {})",
    late: "test('h', () => { setTimeout(() => { throw new Error('late') }, 0) })\ntest('i', () => new Promise((r) => setTimeout(r, 50)))",
    empty: "test.skip('j', () => {})",
  }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, `${name}.test.ts`), `import { test } from 'vitest'\n${text}\n`)
  }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Exit code and last lines of a run of these files. */
function run(...files: string[]): { code: number | null; lines: string[] } {
  const vitest = resolve('node_modules/vitest/vitest.mjs')
  const { status, stdout } = spawnSync(process.execPath, [vitest, 'run', ...files], { cwd: folder, encoding: 'utf8' })
  return { code: status, lines: stdout.trimEnd().split('\n') }
}

test('the last line counts, and nothing follows it', () => {
  const { code, lines } = run('good')
  expect({ code, last: lines.at(-1) }).toEqual({ code: 0, last: '2 passed, 0 failed' })
})

test('a failure is counted and fails the run', () => {
  const { code, lines } = run('good', 'bad')
  expect({ code, last: lines.at(-1) }).toEqual({ code: 1, last: '3 passed, 1 failed' })
})

test('what was skipped is named', () => {
  const { code, lines } = run('good', 'skipping')
  expect({ code, last: lines.slice(-2) }).toEqual({
    code: 0,
    last: ['skipped: skipping.test.ts > e needs a browser', '3 passed, 0 failed, 1 skipped'],
  })
})

test('a file that cannot be loaded is a failure', () => {
  const { code, lines } = run('good', 'broken')
  expect({ code, last: lines.at(-1) }).toEqual({ code: 1, last: '2 passed, 1 failed' })
})

test('an error outside a test is a failure', () => {
  const { code, lines } = run('late')
  expect({ code, last: lines.at(-1) }).toEqual({ code: 1, last: '2 passed, 1 failed' })
})

test('a run in which no test ran fails', () => {
  expect(run('empty')).toMatchObject({ code: 1 })
  const { code, lines } = run('there is no such file')
  expect({ code, last: lines.at(-1) }).toEqual({ code: 1, last: '0 passed, 0 failed' })
})
