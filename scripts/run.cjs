'use strict'
/**
 * Runs a script of this project under the right Node.js: `node scripts/run.cjs [STEP]… -- FILE [ARGUMENT]…`, the steps of
 * ensure.cjs first, FILE relative to the project.
 *
 * Holds: the script runs in the caller's folder; signals reach it once; this process ends as it ended, and never before it.
 */
const { spawn } = require('child_process')
const path = require('path')
const { ensure } = require('./ensure.cjs')
const { findRuntime, howToGetOne } = require('./runtime/find.cjs')

const words = process.argv.slice(2)
const dashes = words.indexOf('--')
ensure(words.slice(0, dashes))
const runtime = findRuntime()
if (!runtime) {
  console.error(howToGetOne())
  process.exit(1)
}
const [script, ...rest] = words.slice(dashes + 1)
const child = spawn(runtime, [path.join(__dirname, '..', script), ...rest], { stdio: 'inherit' })

// A terminal sends Ctrl-C to the whole group, so the child has it already; a signal sent by hand reaches this process alone.
process.on('SIGINT', () => {
  if (!process.stdin.isTTY) child.kill('SIGINT')
})
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))

// npm passes a signal to the shell between us, and that shell dies of it alone: losing it is the only sign.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM')
}, 500).unref()

child.on('error', (error) => {
  console.error(`${runtime} could not be started (${error.message}). ${howToGetOne()}`)
  process.exit(1)
})
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code)
  for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(each)
  process.kill(process.pid, signal)
})
