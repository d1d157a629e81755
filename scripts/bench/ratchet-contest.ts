/**
 * P1: encrypt and decrypt one 256 B message, one way and with the direction changing each time, against libsignal.
 *
 * Both run in this process, in alternating rounds, so that a slow minute of the machine hits each of them; the state is decoded
 * and encoded for every message. Judged is the median of the rounds' ratios to the peer. Each filling of the primitives has a
 * file, and so a process, of its own, as no process of ours runs two: together, what the engine learns of one slows the other.
 */
import { randomFillSync } from 'node:crypto'
import type { Primitives } from '../../src/protocol/index.ts'
import {
  accountFromEntropy,
  createBundle,
  createDeviceLog,
  deviceKeys,
  initiate,
  openInit,
  openMessage,
  readHeader,
  respond,
  sealMessage,
} from '../../src/protocol/index.ts'
import { signalPair } from './raw-libsignal.ts'
import { judged, type Result } from './result.ts'

const MESSAGE_BYTES = 256
const ROUNDS = 11
/** Messages a round. */
const MESSAGES = 2000
const NOW = 1_750_000_000_000
const PEER = 'libsignal'

type Pass = (forth: boolean) => void | Promise<void>

/** What the ratio to the peer must reach; `null` where no bar is set. */
export interface Bars {
  readonly oneWay: number
  readonly pingPong: number | null
}

/** Lets this filling of the primitives run against the peer. */
export async function contest(p: Primitives, name: string, bars: Bars): Promise<readonly Result[]> {
  const message = random(MESSAGE_BYTES)
  const signal = await signalPair()
  const passes = [(forth: boolean) => signal.pass(forth, message), pair(p, message)]
  const results: Result[] = []
  for (const [way, alternates, bar] of [
    ['one way', false, bars.oneWay],
    ['ping-pong', true, bars.pingPong],
  ] as const) {
    if (bar === null) continue
    const rounds = await measure(passes, alternates)
    const peerTimes = rounds.map((round) => round[0] ?? 0)
    const times = rounds.map((round) => round[1] ?? 0)
    results.push(
      judged({
        id: 'P1',
        what: `encrypt + decrypt ${MESSAGE_BYTES} B ${way}, ${name}; ratio ${PEER} / ours`,
        value: median(times),
        unit: 'µs',
        peer: { name: PEER, value: median(peerTimes) },
        ratio: median(times.map((time, round) => (peerTimes[round] ?? 0) / time)),
        bar: { of: 'ratio', atLeast: bar },
      }),
    )
  }
  return results
}

/** µs a message for each of `passes`, round by round; the first round warms up and does not count. */
async function measure(passes: readonly Pass[], alternates: boolean): Promise<number[][]> {
  const rounds: number[][] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const times: number[] = []
    for (const pass of passes) {
      const start = performance.now()
      for (let i = 0; i < MESSAGES; i++) {
        const passing = pass(!alternates || i % 2 === 0)
        if (passing !== undefined) await passing
      }
      times.push(((performance.now() - start) / MESSAGES) * 1000)
    }
    if (round > 0) rounds.push(times)
  }
  return rounds
}

/** Two of our devices after a handshake and an answer; each pass seals, opens and checks one message. */
function pair(p: Primitives, message: Uint8Array): Pass {
  const alice = person(p)
  const bob = person(p)
  const { bundle, secrets } = createBundle(p, random, { log: bob.log, device: bob.device, createdAt: NOW })
  const none = { inviteSecret: null, oneTimeKey: null }
  const initiated = initiate(p, random, alice, bundle, none, message, NOW)
  const init = openInit(p, secrets.sealSeed, initiated.frame)
  const responded =
    init && respond(p, random, bob, { bundle, secrets, oneTimeSeed: null, inviteSecret: null }, init, NOW)
  if (responded === undefined) throw new Error('the handshake failed')
  const states = { alice: initiated.session, bob: responded.session }
  const heads = { own: random(16), peer: random(16) }
  const pass = (forth: boolean): void => {
    const [from, to] = forth ? (['alice', 'bob'] as const) : (['bob', 'alice'] as const)
    const sealed = sealMessage(p, random, states[from], message, heads, NOW)
    states[from] = sealed.state
    const header = readHeader(p, states[to], sealed.frame)
    const opened = header && openMessage(p, random, states[to], sealed.frame, header, [], NOW)
    if (opened === undefined || Buffer.compare(opened.plaintext, message) !== 0)
      throw new Error('opened something else')
    states[to] = opened.state
  }
  pass(false)
  return pass
}

function person(p: Primitives) {
  const account = accountFromEntropy(p, random(32))
  const device = { signingSeed: random(32), dhSeed: random(32) }
  return { account: account.key, device, log: createDeviceLog(p, account, deviceKeys(p, device), NOW) }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

/** Random bytes from a pool, as the platform draws them: a system call for each nonce would be measured instead. */
const pool = new Uint8Array(8192)
let drawn = pool.length
function random(n: number): Uint8Array {
  if (drawn + n > pool.length) {
    randomFillSync(pool)
    drawn = 0
  }
  const bytes = pool.slice(drawn, drawn + n)
  pool.fill(0, drawn, drawn + n)
  drawn += n
  return bytes
}
