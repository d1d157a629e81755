/**
 * S10 and S5 without a stopwatch: one abusive peer in a process of its own, at an address of its own, does to a node what the
 * table of attacks holds, as a stranger and as a contact; two who talk meanwhile lose nothing, and what it holds of the node
 * stays within the limits and is gone when it is. How long messages take is measured by `npm run bench -- s10`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Abuser } from '../../scripts/bench/abuse/abuser.ts'
import { ATTACKS } from '../../scripts/bench/abuse/attacks.ts'
import { type Pair, withPair } from '../../scripts/bench/talkers.ts'
import { startWorker, type Worker } from '../../scripts/bench/worker.ts'
import { LIMITS } from '../../src/node/net/protocols.ts'

const FROM = '127.0.0.66'
const MESSAGES = 10
/** What an attack has done, at least, before it counts as one. */
const DONE = 20
const MEMORY = 64 * 1024 * 1024
/** The pair's connection, the abuser's contact, and one that is just being closed. */
const OWN_SOCKETS = 4
/** In a flood a few more are just being closed. */
const CLOSING = 4
const DEADLINE_MS = 60_000

let pair: Pair
let abuser: Worker<Abuser>
let ready: Promise<void>
let release: () => void = () => {}
let ended: Promise<void>
let heap = 0

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-abuse-'))
  abuser = startWorker<Abuser>('abuse/abuser.ts')
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  ready = new Promise((resolve, reject) => {
    ended = withPair({ execArgv: ['--expose-gc'] }, async (made) => {
      pair = made
      await abuser.ask('befriend', { directory: folder, link: await made.bob.ask('invite', 1) })
      resolve()
      await held
    }).finally(() => rmSync(folder, { recursive: true, force: true }))
    ended.catch(reject)
  })
  await ready
  // What every conversation needs is there before memory is compared.
  await talk(200)
  heap = await pair.bob.ask('heap')
})

afterAll(async () => {
  await abuser.stop()
  release()
  await ended
})

const talk = (count: number): Promise<unknown> => pair.alice.ask('latency', { to: pair.toBob, count, bytes: 256 })

test('texts of a contact that are as long and as odd as may be arrive as they were sent, and honest ones beside them', async () => {
  await pair.bob.ask('arrived', 0)
  const written = abuser.ask('write', 20)
  await talk(MESSAGES)
  await written
  // Honest texts are among them.
  const arrived = await pair.bob.ask('arrived', 20 + MESSAGES)
  expect(arrived.filter((text) => text.includes('\u202egnp.exe') || text.length > 1000).length).toBeGreaterThanOrEqual(
    20,
  )
  await abuser.ask('leave')
})

test.for(ATTACKS.map(({ name }) => name))('under %s', { timeout: 180_000 }, async (name) => {
  const { bob } = pair
  const address = `/ip4/127.0.0.1/tcp/${await bob.ask('port')}`
  await abuser.ask('begin', { name, address, from: FROM })
  await expect.poll(async () => (await abuser.ask('tally')).done, { timeout: DEADLINE_MS }).toBeGreaterThan(DONE)
  // Each resolves with its receipt: none is lost.
  await talk(MESSAGES)
  const sockets = await bob.ask('sockets')
  const grown = (await bob.ask('heap')) - heap
  const others = await bob.ask('others')
  await abuser.ask('end')
  expect(sockets).toBeLessThanOrEqual(LIMITS.unknownOfPrefix + OWN_SOCKETS + CLOSING)
  expect(grown).toBeLessThan(MEMORY)
  expect(others.stored).toBeLessThanOrEqual(LIMITS.recordsOfPrefix)
  // Nobody reserves a place, or is relayed, but contacts.
  expect(others.places).toBeLessThanOrEqual(2)
  expect(others.relayed).toBeLessThanOrEqual(LIMITS.relayedByStranger * LIMITS.unknownOfPrefix)
  await expect.poll(() => bob.ask('sockets'), { timeout: DEADLINE_MS, interval: 100 }).toBeLessThanOrEqual(OWN_SOCKETS)
})
