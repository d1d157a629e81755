'use strict'
/**
 * Which Node.js runs tulnic: the machine's own where it is new enough, else the one that `scripts/ensure.cjs` fetched into
 * this folder. Plain old JavaScript: an outdated Node.js must be able to read it, or nobody gets a sentence.
 */
const fs = require('fs')
const path = require('path')

/** 24.7 is the first with Argon2id in node:crypto; libp2p needs 22, and running .ts files as they are 22.18. */
const FLOOR = [24, 7]

/** The oldest Node.js whose npm can fetch the newer one. */
const OLDEST = 20

function newEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])
}

/** The path of a Node.js that is new enough; `undefined`: none yet. */
function findRuntime() {
  if (newEnough()) return process.execPath
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const fetched = path.join(__dirname, 'node_modules', `node-${platform}-${process.arch}`, 'bin', file)
  return fs.existsSync(fetched) ? fetched : undefined
}

/** What to do where {@link findRuntime} finds none. */
function howToGetOne() {
  return `tulnic needs Node.js ${FLOOR.join('.')} or newer, this is ${process.version}: install it from https://nodejs.org and run the same command again.`
}

module.exports = { FLOOR, OLDEST, newEnough, findRuntime, howToGetOne }
