#!/usr/bin/env node
'use strict'
/**
 * The package's bin: runs the command line (dist/node/cli/main.js) under a Node.js that is new enough.
 *
 * Where this one is too old it starts the newer one as a child, passes signals on, and ends as the child ended and never
 * before it. A terminal signals both at once: the command line takes two signals of one moment for one.
 *
 * Holds: works from any folder; plain old JavaScript, for the same reason as runtime/find.cjs.
 */
const { spawn } = require('child_process')
const fs = require('fs')
const path = require('path')
const { pathToFileURL } = require('url')
const { newEnough, findRuntime, howToGetOne } = require('./runtime/find.cjs')

const MAIN = path.join(__dirname, '..', 'dist', 'node', 'cli', 'main.js')
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

if (!fs.existsSync(MAIN)) end(`tulnic is not built yet: run "npm run build" in ${path.dirname(__dirname)}.`)
else if (newEnough()) import(pathToFileURL(MAIN).href)
else runUnderNewer()

function runUnderNewer() {
  const runtime = findRuntime()
  if (!runtime) return end(howToGetOne())
  const child = spawn(runtime, [__filename].concat(process.argv.slice(2)), { stdio: 'inherit' })
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => end(`${runtime} could not be started (${error.message}). ${howToGetOne()}`))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    for (const each of SIGNALS) process.removeAllListeners(each)
    process.kill(process.pid, signal)
  })
}

function end(sentence) {
  process.stderr.write(`tulnic: ${sentence}\n`)
  process.exit(1)
}
