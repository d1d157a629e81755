/**
 * S10: what one abusive peer costs two who talk: the latency of their messages, the memory of the node that is abused, and how
 * long it takes until that is over.
 *
 * Three processes: Alice sends to Bob one by one, and waits for each receipt; the abuser does one thing to Bob after another
 * (abuse/attacks.ts), as a stranger and as a contact of his. Quiet turns and turns under attack alternate in one run, so that a
 * slow minute of the machine hits both alike; a ratio is the p99 of all attacked turns over that of all quiet ones of the same
 * attack.
 *
 * The abuser speaks from an address of its own (127.0.0.66), as on the internet, where limits by address can tell it from
 * others. It runs with the lowest priority: the processor that it burns beside us on two cores is no cost of ours; what it
 * makes Bob's process do is, and that is measured with all the rest. It is not slowed down otherwise.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as elapsed } from 'node:timers/promises'
import type { Abuser } from './abuse/abuser.ts'
import { ATTACKS } from './abuse/attacks.ts'
import { type Bench, judged, type Result } from './result.ts'
import { type Pair, withPair } from './talkers.ts'
import { startWorker, type Worker } from './worker.ts'

const BYTES = 256
const WARM_UP = 500
/** A p99 of four turns is the eighth worst of 800: of some thirty attacks, two or three were over the bar by chance. */
const TURNS = 12
/** Uncounted at the beginning of each turn, and counted. */
const TURN_WARM_UP = 30
const EACH = 200
const FROM = '127.0.0.66'
const MEMORY_MB = 64
const RECOVERY_S = 10

export const bench: Bench = () =>
  withPair({}, async (pair) => {
    const folder = mkdtempSync(join(tmpdir(), 'tulnic-abuse-'))
    const abuser = startWorker<Abuser>('abuse/abuser.ts')
    try {
      await abuser.ask('befriend', { directory: folder, link: await pair.bob.ask('invite', 1) })
      await abuser.ask('leave')
      await latencies(pair, WARM_UP)
      const results: Result[] = []
      for (const { name } of ATTACKS) results.push(...(await underAttack(name, pair, abuser)))
      return results
    } finally {
      await abuser.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

const latencies = ({ alice, toBob }: Pair, count: number): Promise<readonly number[]> =>
  alice.ask('latency', { to: toBob, count, bytes: BYTES })

async function underAttack(name: string, pair: Pair, abuser: Worker<Abuser>): Promise<readonly Result[]> {
  const address = `/ip4/127.0.0.1/tcp/${await pair.bob.ask('port')}`
  const quiet: number[] = []
  const attacked: number[] = []
  let grown = 0
  let slowest = 0
  let done = 0
  let refused = 0
  for (let turn = 0; turn < TURNS; turn++) {
    quiet.push(...(await latencies(pair, TURN_WARM_UP + EACH)).slice(TURN_WARM_UP))
    const before = resident(pair)
    await abuser.ask('begin', { name, address, from: FROM })
    const watching = new AbortController()
    const watched = highest(pair, watching.signal)
    await elapsed(300)
    attacked.push(...(await latencies(pair, TURN_WARM_UP + EACH)).slice(TURN_WARM_UP))
    watching.abort()
    grown = Math.max(grown, (await watched) - before)
    const tally = await abuser.ask('end')
    done += tally.done
    refused += tally.refused
    slowest = Math.max(slowest, await recovery(pair, quantile(quiet, 0.99)))
  }
  const about = { id: 'S10', unit: 'ms' }
  return [
    judged({
      ...about,
      what: `p99 under ${name} (${done} done, ${refused} refused)`,
      value: quantile(attacked, 0.99),
      peer: { name: 'quiet', value: quantile(quiet, 0.99) },
      ratio: quantile(attacked, 0.99) / quantile(quiet, 0.99),
      bar: { of: 'ratio', atMost: 2 },
    }),
    judged({
      id: 'S10',
      what: `memory under ${name}`,
      value: grown,
      unit: 'MB',
      bar: { of: 'value', atMost: MEMORY_MB },
    }),
    judged({
      id: 'S10',
      what: `recovery from ${name}`,
      value: slowest,
      unit: 's',
      bar: { of: 'value', atMost: RECOVERY_S },
    }),
  ]
}

/** Seconds until ten messages in a row take no longer than twice the quiet p99. */
async function recovery(pair: Pair, p99: number): Promise<number> {
  const begun = performance.now()
  for (;;) {
    const times = await latencies(pair, 10)
    if (Math.max(...times) <= 2 * p99) return (performance.now() - begun) / 1000
    if (performance.now() - begun > 60_000) return 60
  }
}

/** MB that Bob's process has in memory. */
function resident({ bob }: Pair): number {
  const kilobytes = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${bob.process.pid}/status`, 'utf8'))?.[1]
  return (Number(kilobytes) * 1024) / 1e6
}

async function highest(pair: Pair, stop: AbortSignal): Promise<number> {
  let most = 0
  while (!stop.aborted) {
    most = Math.max(most, resident(pair))
    await elapsed(50)
  }
  return most
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN
}
