/**
 * The package's bin, with a stand-in for the command line behind it: it runs from any folder, under an old Node.js too
 * where the machine has one, passes signals on and ends as its child.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SCRIPTS = fileURLToPath(new URL('../../../scripts', import.meta.url))

/** Says what it is, waits for a signal or ends by itself: what its first argument says. */
const STAND_IN = `
const [what, ...rest] = process.argv.slice(2)
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => { console.log(name); process.exit(7) })
console.log(JSON.stringify({ version: process.versions.node, rest, cwd: process.cwd(), pid: process.pid }))
if (what === 'wait') setInterval(() => {}, 1000)
if (what === 'die') process.kill(process.pid, 'SIGKILL')
if (what === 'code') process.exit(3)
`

/** Another Node.js of this machine that is too old to run tulnic itself, if there is one. */
function oldNode(): string | undefined {
  const found = ['/usr/local/bin/node', '/usr/bin/node'].find(
    (path) =>
      existsSync(path) && Number(/^v(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1]) < 24,
  )
  return found
}

let root: string
let bin: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tulnic with a space-'))
  mkdirSync(join(root, 'scripts', 'runtime'), { recursive: true })
  mkdirSync(join(root, 'dist', 'node', 'cli'), { recursive: true })
  bin = join(root, 'scripts', 'tulnic.cjs')
  cpSync(join(SCRIPTS, 'tulnic.cjs'), bin)
  cpSync(join(SCRIPTS, 'runtime', 'find.cjs'), join(root, 'scripts', 'runtime', 'find.cjs'))
  const modules = join(root, 'scripts', 'runtime', 'node_modules', `node-${process.platform}-${process.arch}`, 'bin')
  mkdirSync(modules, { recursive: true })
  symlinkSync(process.execPath, join(modules, 'node'))
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  writeFileSync(join(root, 'dist', 'node', 'cli', 'main.js'), STAND_IN)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function launch(node: string, args: readonly string[]): { child: ChildProcess; lines: () => string } {
  const child = spawn(node, [bin, ...args], { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout?.on('data', (chunk) => (out += chunk))
  child.stderr?.on('data', (chunk) => (out += chunk))
  return { child, lines: () => out }
}

const old = oldNode()
const runtimes: readonly (readonly [string, string | undefined])[] = [
  ['this Node.js', process.execPath],
  ['an older Node.js', old],
]

for (const [name, node = ''] of runtimes) {
  describe.skipIf(node === '')(`the bin under ${name}`, () => {
    it('runs the command line under a Node.js that is new enough, with its arguments, where it was called', async () => {
      const { child, lines } = launch(node, ['x', 'two words', '--json'])
      expect((await once(child, 'close'))[0]).toBe(0)
      const said = JSON.parse(lines())
      expect(said).toMatchObject({ rest: ['two words', '--json'], cwd: tmpdir() })
      expect(Number(said.version.split('.')[0])).toBeGreaterThanOrEqual(24)
    })

    it('ends with the exit code, or the signal, of the command line', async () => {
      expect(await once(launch(node, ['code']).child, 'close')).toEqual([3, null])
      expect(await once(launch(node, ['die']).child, 'close')).toEqual([null, 'SIGKILL'])
    })

    it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('passes %s on, and does not end before', async (signal) => {
      const { child, lines } = launch(node, ['wait'])
      await once(child.stdout!, 'data')
      child.kill(signal)
      expect(await once(child, 'close')).toEqual([7, null])
      expect(lines()).toContain(signal)
    })
  })
}

describe('the bin', () => {
  it('says what to do where nothing was built', async () => {
    rmSync(join(root, 'dist', 'node', 'cli', 'main.js'))
    const { child, lines } = launch(process.execPath, ['start'])
    expect((await once(child, 'close'))[0]).toBe(1)
    expect(lines()).toMatch(/^tulnic: [^\n]*npm run build[^\n]*\n$/)
  })

  it.skipIf(old === undefined)('says which Node.js it needs where there is none', async () => {
    writeFileSync(join(root, 'dist', 'node', 'cli', 'main.js'), STAND_IN)
    rmSync(join(root, 'scripts', 'runtime', 'node_modules'), { recursive: true })
    const { child, lines } = launch(old ?? '', ['start'])
    expect((await once(child, 'close'))[0]).toBe(1)
    expect(lines()).toMatch(/^tulnic: [^\n]*Node\.js 24[^\n]*\n$/)
  })
})
