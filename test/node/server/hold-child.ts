/**
 * Once it is told `go` on stdin, tries to hold the profile in the directory of its argument, and says on stdout how it went.
 * Then it does what it is told: `stopping` (says so when asked), `release` (gives free and ends).
 */
import { createInterface } from 'node:readline'
import type { HolderState } from '../../../src/node/api.ts'
import { ApiError } from '../../../src/node/api-error.ts'
import { holdProfile } from '../../../src/node/server/lock.ts'
import { serveSocket } from '../../../src/node/server/socket.ts'
import { DoubleNode } from './double-node.ts'

const [directory = ''] = process.argv.slice(2)
let state: HolderState = 'claiming'
const door = {
  openCode: async () => ({ url: '' }),
  holder: async () => ({ pid: process.pid, url: null, state }),
}
const say = (words: object): void => void process.stdout.write(`${JSON.stringify(words)}\n`)

const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
say({ ready: true })
await orders.next()
try {
  const lock = await holdProfile(directory, (socket) =>
    serveSocket(socket, { node: Promise.resolve(new DoubleNode('open')), door, stop: () => {} }),
  )
  state = 'running'
  say({ held: true, pid: process.pid })
  for await (const line of orders) {
    if (line === 'stopping') {
      state = 'stopping'
      say({ stopping: true })
    }
    if (line === 'release') break
  }
  await lock.release()
  process.exit(0)
} catch (error) {
  if (!(error instanceof ApiError)) throw error
  say({ held: false, code: error.code, message: error.message })
  process.exit(0)
}
