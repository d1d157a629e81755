import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'

/** An npm that notes each call, answers as `npm-answer` says, and waits for `go` where `npm-waits` stands. */
const NPM = `
const fs = require('node:fs')
const root = process.env.CHECKOUT
fs.appendFileSync(root + '/npm-calls', process.argv.slice(2).join(' ') + '\\n')
if (fs.existsSync(root + '/npm-waits')) process.stderr.write('waiting'), fs.writeFileSync(root + '/npm-began', '')
while (fs.existsSync(root + '/npm-waits')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
if (fs.existsSync(root + '/npm-fails')) console.error('npm error no route'), process.exit(1)
fs.mkdirSync(process.cwd() + '/node_modules', { recursive: true })
`

/** A script that says when it is up, and `bye` when it is asked to stop. */
const STOPS = `
process.on('SIGTERM', () => { console.log('bye'); process.exit(0) })
console.log('up')
setInterval(() => {}, 1e6)
`

interface End {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly said: string
}

interface Checkout {
  readonly path: (name: string) => string
  readonly start: (...args: string[]) => ChildProcess
  readonly run: (...args: string[]) => Promise<End>
}

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A checkout with nothing in it but the scripts, in a folder whose name has a space. */
function checkout(): Checkout {
  const folder = join(mkdtempSync(join(tmpdir(), 'tulnic-ensure-')), 'a checkout')
  folders.push(dirname(folder))
  const path = (name: string): string => join(folder, name)
  for (const name of ['scripts/ensure.cjs', 'scripts/run.cjs', 'scripts/runtime/find.cjs']) cpSync(name, path(name))
  writeFileSync(path('package-lock.json'), '{}')
  writeFileSync(path('npm-cli.js'), NPM)
  const env = { ...process.env, npm_execpath: path('npm-cli.js'), CHECKOUT: folder }
  const start = (...args: string[]): ChildProcess => spawn(process.execPath, args, { env, cwd: folder })
  return { path, start, run: (...args) => ended(start(...args)) }
}

async function ended(child: ChildProcess): Promise<End> {
  let out = ''
  let said = ''
  child.stdout?.on('data', (bytes) => {
    out += bytes
  })
  child.stderr?.on('data', (bytes) => {
    said += bytes
  })
  const [code, signal] = await once(child, 'close')
  return { code, signal, out, said }
}

const callsOf = (path: (name: string) => string): string[] =>
  existsSync(path('npm-calls')) ? readFileSync(path('npm-calls'), 'utf8').trim().split('\n') : []

test('installs once, without any script, and again when the lock changed', async () => {
  const { path, run } = checkout()
  expect((await run('scripts/ensure.cjs', 'install')).code).toBe(0)
  expect((await run('scripts/ensure.cjs', 'install')).said).toBe('')
  expect(callsOf(path)).toHaveLength(1)
  expect(callsOf(path)[0]).toMatch(/^ci --ignore-scripts /)

  writeFileSync(path('package-lock.json'), '{"packages":{}}')
  expect((await run('scripts/ensure.cjs', 'install')).code).toBe(0)
  expect(callsOf(path)).toHaveLength(2)
})

test('installs again when node_modules was deleted', async () => {
  const { path, run } = checkout()
  await run('scripts/ensure.cjs', 'install')
  rmSync(path('node_modules'), { recursive: true })
  await run('scripts/ensure.cjs', 'install')
  expect(callsOf(path)).toHaveLength(2)
})

test('says what npm said and one sentence, and tries again the next time', async () => {
  const { path, run } = checkout()
  writeFileSync(path('npm-fails'), '')
  const { code, said, out } = await run('scripts/ensure.cjs', 'install')
  expect(code).toBe(1)
  expect(out).toBe('')
  expect(said).toMatch(/npm error no route\n.*The packages could not be installed\. The network is needed this once/)
  rmSync(path('npm-fails'))
  expect((await run('scripts/ensure.cjs', 'install')).code).toBe(0)
})

test('of two at once one installs and the other waits for it', async () => {
  const { path, start } = checkout()
  writeFileSync(path('npm-waits'), '')
  const both = [start('scripts/ensure.cjs', 'install'), start('scripts/ensure.cjs', 'install')]
  const ends = both.map(ended)
  await Promise.race(both.map((child) => said(child, 'waiting for another command')))
  rmSync(path('npm-waits'))
  expect((await Promise.all(ends)).map(({ code }) => code)).toEqual([0, 0])
  expect(callsOf(path)).toHaveLength(1)
})

test('takes over from one that was killed', async () => {
  const { path, start, run } = checkout()
  writeFileSync(path('npm-waits'), '')
  const killed = start('scripts/ensure.cjs', 'install')
  const end = ended(killed)
  await began(path('npm-began'))
  killed.kill('SIGKILL')
  await end
  rmSync(path('npm-waits'))
  expect(existsSync(path('.ensure/lock/owner'))).toBe(true)
  expect((await run('scripts/ensure.cjs', 'install')).code).toBe(0)
  expect(callsOf(path)).toHaveLength(2)
})

test('a script ends as it ended, in the folder of the caller', async () => {
  const { path, run } = checkout()
  writeFileSync(path('ends.cjs'), 'console.log(process.cwd(), process.argv.slice(2)); process.exit(3)')
  const { code, out } = await run('scripts/run.cjs', '--', 'ends.cjs', '--', 'a b')
  expect({ code, out }).toEqual({ code: 3, out: `${dirname(path('ends.cjs'))} [ '--', 'a b' ]\n` })
})

test('SIGTERM reaches the script, which ends before its runner', async () => {
  const { path, start } = checkout()
  writeFileSync(path('stops.cjs'), STOPS)
  const child = start('scripts/run.cjs', '--', 'stops.cjs')
  const end = ended(child)
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
  child.kill('SIGTERM')
  expect(await end).toMatchObject({ code: 0, out: 'up\nbye\n' })
})

test.skipIf(process.platform === 'win32')('a shell that dies between npm and the runner ends the script', async () => {
  const { path, start } = checkout()
  writeFileSync(path('stops.cjs'), STOPS)
  const shell = `${JSON.stringify(process.execPath)} scripts/run.cjs -- stops.cjs; echo after`
  writeFileSync(
    path('shell.cjs'),
    `require('child_process').spawn('sh', ['-c', ${JSON.stringify(shell)}], { stdio: 'inherit' })
    .on('spawn', function () { process.on('SIGTERM', () => this.kill('SIGTERM')) })`,
  )
  const child = start('shell.cjs')
  const end = ended(child)
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
  child.kill('SIGTERM')
  expect((await end).out).toBe('up\nbye\n')
})

test('a script that dies of a signal takes its runner with it', async () => {
  const { path, run } = checkout()
  writeFileSync(path('dies.cjs'), "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1e6)")
  expect(await run('scripts/run.cjs', '--', 'dies.cjs')).toMatchObject({ code: null, signal: 'SIGTERM' })
})

function said(child: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve) => {
    let all = ''
    child.stderr?.on('data', (bytes) => {
      all += bytes
      if (all.includes(words)) resolve()
    })
  })
}

async function began(file: string): Promise<void> {
  const signal = AbortSignal.timeout(60_000)
  const changes = watch(dirname(file), { signal })
  if (existsSync(file)) return
  for await (const _ of changes) if (existsSync(file)) return
}
