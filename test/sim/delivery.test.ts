/**
 * The report on delivery (docs/delivery.md) in small: real nodes on a virtual clock, fewer seeds. What it says of carriers holds,
 * nothing comes before it can, and what is counted as bytes is what the net writes.
 */
import { streamPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import { type Amount, type Outcome, runCircle, type Setting } from '../../scripts/bench/delivery/circle.ts'
import { DAY, HOUR, hoursOf } from '../../scripts/bench/delivery/hours.ts'
import { cellOf } from '../../scripts/bench/delivery/measure.ts'
import { Meter } from '../../scripts/bench/delivery/meter.ts'
import { earliest, theoryAlwaysOn, theoryTogether } from '../../scripts/bench/delivery/possible.ts'
import { EnvelopeWriter } from '../../src/node/net/envelopes.ts'
import { Exchange } from '../../src/node/net/exchange.ts'
import { answerGreeting, greet } from '../../src/node/net/hello.ts'
import {
  readMail,
  readSignature,
  readStatus,
  readVisit,
  visit,
  writeMail,
  writeProof,
  writeStatus,
  writeTaken,
} from '../../src/node/net/mail/box.ts'
import type { Acquaintances } from '../../src/node/net/net.ts'
import { LIMITS } from '../../src/node/net/protocols.ts'
import { Chance } from './random.ts'

const DEADLINE_MS = 60_000
const SMALL: Amount = { days: 1, textsADay: 8 }
const SEEDS = [1, 2]
const TWENTY = { rhythm: 'daily', share: 0.2 } as const

async function outcomesOf(carriers: Setting['carriers']): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const seed of SEEDS) outcomes.push(await runCircle({ ...TWENTY, carriers }, seed, SMALL))
  return outcomes
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length
const delaysOf = (outcomes: readonly Outcome[]): readonly number[] =>
  outcomes.flatMap(({ texts }) => texts.map(({ arrived }) => arrived))

test('carriers bring texts sooner, never before they can, and each once', { timeout: 1_200_000 }, async () => {
  const none = await outcomesOf(0)
  const two = await outcomesOf(2)
  const always = await outcomesOf('always-on')
  for (const outcomes of [none, two, always]) {
    const texts = outcomes.flatMap((outcome) => outcome.texts)
    expect(texts).toHaveLength(SEEDS.length * 8 * 8)
    expect(outcomes.flatMap(({ wrong }) => wrong)).toEqual([])
    for (const { arrived, possible, told } of texts) {
      expect(arrived).toBeGreaterThanOrEqual(possible)
      expect(told).toBeGreaterThanOrEqual(arrived)
    }
  }
  expect(mean(delaysOf(two))).toBeLessThan(0.8 * mean(delaysOf(none)))
  expect(mean(delaysOf(always))).toBeLessThan(0.8 * mean(delaysOf(two)))

  // Close to the best: a program that forgot about a carrier would be hours behind it.
  for (const outcomes of [two, always]) {
    const late = outcomes.flatMap(({ texts }) => texts.map(({ arrived, possible }) => arrived - possible))
    expect(mean(late)).toBeLessThan(HOUR)
  }

  const [alone, carried] = [cellOf({ ...TWENTY, carriers: 0 }, none), cellOf({ ...TWENTY, carriers: 2 }, two)]
  expect(alone).toMatchObject({ envelopes: 0, mailBytes: 0, carried: 0, carriedAfter: null })
  expect(carried.carried).toBeGreaterThan(30)
  expect(carried.envelopes).toBeGreaterThan(0.3)
  // The parts of a day are all that was written, and an envelope has a kilobyte at least.
  const days = two.reduce((sum, one) => sum + 8 * one.days, 0)
  const written = two.reduce((sum, { traffic: { hello, links, mail } }) => sum + hello + links + mail, 0)
  expect((carried.day.hello + carried.day.links + carried.day.mail) * days).toBeCloseTo(written, -3)
  expect(carried.mailBytes).toBeGreaterThan(2 * 1024 * carried.envelopes * 0.5)
})

test('the same seed gives the same outcome, another one another', { timeout: 600_000 }, async () => {
  const small = { days: 1, textsADay: 2 }
  const setting: Setting = { rhythm: 'random', share: 0.4, carriers: 1 }
  const first = await runCircle(setting, 5, small)
  const other = await runCircle(setting, 6, small)
  expect(await runCircle(setting, 5, small)).toEqual(first)
  expect(other).not.toEqual(first)
})

test.for([0.05, 0.2, 0.8])('theory and drawn hours agree on who meets when, at a share of %d', (share) => {
  const chance = new Chance(7)
  const times = [HOUR, 6 * HOUR, DAY, 3 * DAY]
  const always = [{ from: 0, to: Number.POSITIVE_INFINITY }]
  const direct: number[] = []
  const carried: number[] = []
  while (direct.length < 2000) {
    const writer = hoursOf('random', share, 4 * DAY, () => chance.next())
    // Somebody who writes is online.
    if (writer[0]?.from !== 0) continue
    const reader = hoursOf('random', share, 4 * DAY, () => chance.next())
    direct.push(earliest(0, writer, reader, []))
    carried.push(earliest(0, writer, reader, [always]))
  }
  const shares = (delays: readonly number[]): number[] =>
    times.map((time) => delays.filter((ms) => ms <= time).length / delays.length)
  for (const [delays, theory] of [
    [direct, theoryTogether(share, times)],
    [carried, theoryAlwaysOn(share, times)],
  ] as const)
    for (const [n, part] of theory.entries()) expect(Math.abs((shares(delays)[n] ?? 0) - part)).toBeLessThan(0.04)
})

test.for(['daily', 'random'] as const)('%s hours have the share that they are to have', (rhythm) => {
  const chance = new Chance(3)
  for (const share of [0.05, 0.2, 0.4, 0.8]) {
    const all = Array.from({ length: 200 }, () => hoursOf(rhythm, share, 30 * DAY, () => chance.next()))
    const online = mean(all.map((spans) => spans.reduce((sum, { from, to }) => sum + to - from, 0) / (30 * DAY)))
    expect(Math.abs(online - share)).toBeLessThan(0.05 * share)
    for (const spans of all)
      for (const [n, { from, to }] of spans.entries()) {
        expect(from).toBeLessThan(to)
        expect(from).toBeGreaterThan(spans[n - 1]?.to ?? -1)
      }
  }
})

/** Two ends in memory, and how many bytes both sent. */
async function counted() {
  const [here, there] = await streamPair()
  const sum = { bytes: 0 }
  for (const end of [here, there])
    end.addEventListener('message', ({ data }) => {
      sum.bytes += data.byteLength
    })
  return { here, there, sum }
}

const random = (n: number): Uint8Array => new Uint8Array(n).fill(7)

test('the meter counts what the net writes: frames and acknowledgements', async () => {
  const { here, sum } = await counted()
  const writer = new EnvelopeWriter(
    LIMITS,
    async () => here,
    () => {},
  )
  const meter = new Meter()
  const frames = [1, 300, 5000].map((length, n) => ({ id: random(16).fill(n), bytes: random(length) }))
  writer.send(frames)
  writer.acknowledge(frames.map(({ id }) => id))
  meter.effect({ type: 'send', connection: 1, frames })
  meter.effect({ type: 'acknowledge', connection: 1, ids: frames.map(({ id }) => id) })
  await expect.poll(() => sum.bytes, { timeout: DEADLINE_MS }).toBe(meter.traffic.links)
  expect(meter.traffic.links).toBeGreaterThan(5300)
})

test('the meter counts what the net writes: a hello', async () => {
  const { here, there, sum } = await counted()
  const nobody = { random, day: () => 1, recognise: () => undefined } as unknown as Acquaintances
  const signal = AbortSignal.timeout(DEADLINE_MS)
  const ends = { local: random(38), remote: random(38) }
  const told = [
    greet(
      here,
      nobody,
      ends,
      null,
      () => [],
      () => true,
      signal,
    ),
    answerGreeting(there, nobody, ends, null, signal),
  ]
  expect(await Promise.all(told)).toEqual(['stranger', 'stranger'])
  const meter = new Meter()
  meter.input({
    type: 'connected',
    connection: 1,
    contact: 'a',
    device: 'b',
    via: 'direct',
    address: '',
    dialed: true,
  } as never)
  meter.input({
    type: 'connected',
    connection: 1,
    contact: 'b',
    device: 'a',
    via: 'direct',
    address: '',
    dialed: false,
  } as never)
  expect(meter.traffic).toMatchObject({ connections: 1, hello: sum.bytes })
})

test('the meter counts what the net writes: leaving mail, and fetching it', async () => {
  const signal = AbortSignal.timeout(DEADLINE_MS)
  const meter = new Meter()
  const [box, envelope] = [random(16), random(2048)]
  for (const purpose of ['leave', 'fetch'] as const) {
    const { here, there, sum } = await counted()
    const carrier = new Exchange(there, LIMITS.mailUnread, signal)
    const visiting = visit(here, purpose, box, random(32), LIMITS, signal, () => true)
    expect(await readVisit(carrier, LIMITS)).toMatchObject({ purpose })
    writeProof(carrier, random(32), random(64))
    const visitor = (await visiting)?.exchange
    if (visitor === undefined) throw new Error('no visit')
    const before = meter.traffic.mail
    if (purpose === 'leave') {
      writeMail(visitor, envelope)
      expect(await readMail(carrier)).toHaveLength(envelope.length)
      writeStatus(carrier, 'ok')
      expect(await readStatus(visitor, LIMITS)).toBe('ok')
      meter.input({ type: 'mail-put', request: 1, envelope })
    } else {
      visitor.write(random(64))
      expect(await readSignature(carrier, LIMITS)).toHaveLength(64)
      writeMail(carrier, envelope)
      expect(await readMail(visitor)).toHaveLength(envelope.length)
      writeTaken(visitor, [random(16)])
      meter.effect({ type: 'open-box', connection: 1, box, carrierKey: random(32) })
      meter.effect({ type: 'hand-over', connection: 1, box, letters: [{ id: random(16), bytes: envelope }] })
      meter.effect({ type: 'take-letters', connection: 1, box, ids: [random(16)] })
    }
    await expect.poll(() => sum.bytes, { timeout: DEADLINE_MS }).toBe(meter.traffic.mail - before)
  }
})
