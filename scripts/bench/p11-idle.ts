/**
 * P11: bytes on the wire in an idle hour with ten contacts, all of whom serve the hash table.
 *
 * Eleven nodes, each with a process, run on a clock that is 60 times as fast (6 times where TULNIC_LONG is set), so that what is
 * done once in ten minutes or an hour is done in the run and not guessed: pings, looks at who is still there, refreshes of the
 * routing table, questions of reach. Only what waits for an answer waits as long as ever. The first hour does not count: joining
 * refreshes more often. Counted is what all of them write to TCP (traffic.ts). Multicast is the local network's, not a
 * contact's, and is not counted. What happens once a day (a hello on a new connection and news of addresses, about 8 kB a contact)
 * is added as a twenty-fourth.
 *
 * Beside it, in the same run: the same with the hash table off. And because eleven nodes are a small hash table: an idle hour of
 * one node among 10 000 servers of the simulator, from its dials and questions and what a dial and a question cost on real
 * connections; as much as it asks others, others ask it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ErrandCalls } from './errand.ts'
import { type Bench, judged, type Result } from './result.ts'
import { quiet } from './swarm/meter.ts'
import { Swarm } from './swarm/swarm.ts'
import { Whole } from './swarm/whole.ts'
import { sentBy, startTalker, type Talker } from './talkers.ts'
import { startWorker } from './worker.ts'

const CONTACTS = 10
const SPEED = process.env.TULNIC_LONG !== undefined ? 6 : 60
const HOUR_MS = 3_600_000
const DAILY_BYTES = 8_000

const SERVERS = 10_000
const HOURS = 24
const TICK_MS = 5_000

export const bench: Bench = async () => {
  // Both at once: they wait most of the time, and share nothing.
  const [measured, without] = await Promise.all([idleHour(true), idleHour(false)])
  return [result(measured, without), await amongMany()]
}

function result(measured: number, without: number): Result {
  const daily = (DAILY_BYTES * CONTACTS) / 24
  return judged({
    id: 'P11',
    what: `an idle hour with ${CONTACTS} contacts, daily work by calculation; ratio with / without the hash table`,
    value: (measured + daily) / 1e6,
    unit: 'MB',
    peer: { name: 'the hash table off', value: (without + daily) / 1e6 },
    ratio: measured / without,
    bar: { of: 'value', atMost: 1 },
  })
}

async function idleHour(dht: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-bench-'))
  const talkers: Talker[] = []
  const open = async (): Promise<Talker> => {
    const talker = startTalker()
    const directory = join(folder, String(talkers.push(talker)))
    await talker.ask('open', { directory, control: false, mdns: false, net: { dht }, speed: SPEED })
    return talker
  }
  try {
    const node = await open()
    const link = await node.ask('invite', CONTACTS)
    const others = await Promise.all(Array.from({ length: CONTACTS }, open))
    await Promise.all(others.map((other) => other.ask('add', link)))
    await node.ask('reached', CONTACTS)
    await delay(HOUR_MS / SPEED)
    const servers = await node.ask('servers')
    if (dht && servers < CONTACTS) throw new Error(`it knows ${servers} servers, and all ${CONTACTS} contacts serve`)
    const before = await sentBy(talkers)
    await delay(HOUR_MS / SPEED)
    return (await sentBy(talkers)) - before
  } finally {
    await Promise.all(talkers.map((talker) => talker.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the hash table alone costs a server among many, both ways: mean of some hours. */
async function amongMany(): Promise<Result> {
  const errands = startWorker<ErrandCalls>('errand.ts')
  const { dial, question } = await errands.ask('run').finally(() => errands.stop())
  let now = Date.now()
  const swarm = new Swarm(SERVERS, {}, () => now)
  const [node] = await swarm.join(
    1,
    (peer, begin, board, machine) => new Whole(peer, begin, board, machine, { serves: true }),
  )
  if (node === undefined) throw new Error('nobody joined')
  const hour = async (): Promise<void> => {
    for (const end = now + HOUR_MS; now < end; now += TICK_MS) {
      node.tick()
      await new Promise((resolve) => setImmediate(resolve))
      if (node.meter.running > 0) await quiet(node.meter)
    }
  }
  await hour()
  node.meter.take()
  for (let i = 0; i < HOURS; i++) await hour()
  const { reached, find, get, put, ping, bytes } = node.meter.take()
  await node.stop()
  const asked = (reached * dial + (find + get + put + ping) * question + bytes) / HOURS
  const mean = (count: number): string => (count / HOURS).toFixed(1)
  return judged({
    id: 'P11',
    what: `an idle hour of the hash table alone among ${SERVERS} servers: ${mean(reached)} dials of ${Math.round(dial)} B, ${mean(find + get + put + ping)} questions of ${Math.round(question)} B and ${mean(bytes)} B in them; as much is asked of it`,
    value: (2 * asked) / 1e6,
    unit: 'MB',
    bar: { of: 'value', atMost: 1 },
  })
}
