/**
 * P11: bytes on the wire for one message of 256 B with all acknowledgements, and of an idle hour with ten contacts.
 *
 * Counted is what each node's process writes to TCP, and for each write 104 B: the headers of its segment (IPv4, TCP, time
 * stamps) and of a bare acknowledgement. Multicast is the local network's, not a contact's, and is not counted. An hour is
 * 60 × one minute, or 6 × ten minutes where TULNIC_LONG is set; what happens only once a day (a hello on a new connection and
 * news of addresses, about 8 kB a contact) is added as a twenty-fourth.
 *
 * Beside the message: a raw libp2p stream that carries a message and a receipt of our padded sizes, and nothing besides. The
 * idle hour's peer (Jami) is not on npm: none is measured here.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withRawPair } from './raw-pair.ts'
import { type Bench, judged, type Result } from './result.ts'
import { startTalker, type Talker, withPair } from './talkers.ts'
import type { Traffic } from './traffic.ts'

const BYTES = 256
const WARM_UP = 100
const COUNT = 200
const CONTACTS = 10
const MINUTE_MS = 60_000
const DAILY_BYTES = 8_000
/** IPv4 20, TCP 20, its time stamps 12; and the same for the acknowledgement. */
const SEGMENT_BYTES = 104

export const bench: Bench = async () => {
  const minutes = process.env.TULNIC_LONG !== undefined ? 10 : 1
  return [await oneMessage(), await idleHour(minutes)]
}

async function oneMessage(): Promise<Result> {
  const value = await withPair({}, ({ alice, bob, toBob }) =>
    bytesEach(
      (count) => alice.ask('latency', { to: toBob, count, bytes: BYTES }),
      () => sentBy([alice, bob]),
    ),
  )
  const raw = await withRawPair(({ stored, traffic }) => bytesEach(stored, async () => allOf(await traffic())))
  const what = `one ${BYTES} B message with all acknowledgements, mean of ${COUNT}`
  const peer = { name: 'raw libp2p stream, padded message and receipt', value: raw }
  return judged({ id: 'P11', what, value, unit: 'B', peer, ratio: value / raw, bar: { of: 'value', atMost: 4000 } })
}

async function bytesEach(send: (count: number) => Promise<unknown>, sent: () => Promise<number>): Promise<number> {
  await send(WARM_UP)
  const before = await sent()
  await send(COUNT)
  return ((await sent()) - before) / COUNT
}

async function idleHour(minutes: number): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-bench-'))
  const others: Talker[] = []
  const node = startTalker()
  try {
    await node.ask('open', { directory: join(folder, 'node'), control: false, mdns: false })
    const link = await node.ask('invite', CONTACTS)
    for (let i = 0; i < CONTACTS; i++) {
      const other = startTalker()
      others.push(other)
      await other.ask('open', { directory: join(folder, `${i}`), control: false, mdns: false })
      await other.ask('add', link)
    }
    await node.ask('reached', CONTACTS)
    // What the meeting leaves to be said is said by then.
    await delay(10_000)
    const before = await sentBy([node, ...others])
    await delay(minutes * MINUTE_MS)
    const measured = (await sentBy([node, ...others])) - before
    const value = ((measured * 60) / minutes + (DAILY_BYTES * CONTACTS) / 24) / 1e6
    const what = `an idle hour with ${CONTACTS} contacts, from ${minutes} min (${measured} B) and daily work by calculation`
    return judged({ id: 'P11', what, value, unit: 'MB', bar: { of: 'value', atMost: 1 } })
  } finally {
    await Promise.all([node, ...others].map((talker) => talker.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Bytes of all that these have sent, headers included. */
async function sentBy(talkers: readonly Talker[]): Promise<number> {
  return allOf(await Promise.all(talkers.map((talker) => talker.ask('traffic'))))
}

function allOf(traffic: readonly Traffic[]): number {
  return traffic.reduce((sum, { bytes, writes }) => sum + bytes + writes * SEGMENT_BYTES, 0)
}
