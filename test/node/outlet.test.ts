/**
 * Where effects go: in their order, although telling a stored message takes a read, and although clocks jump.
 */
import { describe, expect, test } from 'vitest'
import type { AnyEvent, NodeEvent } from '../../src/node/api.ts'
import type { Effect, NetEffect } from '../../src/node/engine/effect.ts'
import type { Input } from '../../src/node/engine/input.ts'
import { Outlet } from '../../src/node/outlet.ts'
import type { Net } from '../../src/node/net/net.ts'
import type { Platform } from '../../src/node/platform/platform.ts'
import type { Queries } from '../../src/node/queries.ts'
import { Replies } from '../../src/node/replies.ts'
import { StoreError } from '../../src/node/store/store.ts'

/** An outlet with a clock, a timer and a disk that are variables. */
function world() {
  const told: AnyEvent[] = []
  const performed: NetEffect[] = []
  const taken: Input[] = []
  const clock = { now: 1000, at: Number.NaN, ring: () => {} }
  /** What a read of a stored event will answer, by its number. */
  const reads = new Map<number, PromiseWithResolvers<readonly NodeEvent[]>>()
  const read = (number: number): PromiseWithResolvers<readonly NodeEvent[]> => {
    const found = reads.get(number) ?? Promise.withResolvers<readonly NodeEvent[]>()
    reads.set(number, found)
    return found
  }
  const queries = { expand: (number: number) => read(number).promise } as unknown as Queries
  const platform = {
    now: () => clock.now,
    wake: (at: number, callback: () => void) => {
      Object.assign(clock, { at, ring: callback })
      return () => Object.assign(clock, { at: Number.NaN, ring: () => {} })
    },
  } as unknown as Platform
  const replies = new Replies()
  const outlet = new Outlet((event) => told.push(event), queries, replies, platform)
  const net = { perform: (effect: NetEffect) => performed.push(effect) } as unknown as Net
  return {
    outlet,
    told,
    performed,
    taken,
    clock,
    read,
    replies,
    net,
    connect: () => outlet.connect(net, (input) => taken.push(input)),
  }
}

const stored = (number: number): Effect => ({
  type: 'stored-event',
  number,
  at: 0,
  body: { t: 'warning', text: `${number}` },
})
const event = (id: string): NodeEvent => ({ id, at: '', type: 'warning', text: id })
/** Lets everything that was resolved go its way. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const close = (connection: number): NetEffect => ({ type: 'close', connection })

describe('stored events', () => {
  test('are told in the order of their numbers, however long each read takes', async () => {
    const { outlet, told, read } = world()
    for (const number of [1, 2, 3]) outlet.perform(stored(number))
    read(3).resolve([event('3.0')])
    read(2).resolve([event('2.0'), event('2.1')])
    await turn()
    expect(told).toEqual([])
    outlet.perform(stored(4))
    read(4).resolve([event('4.0')])
    read(1).resolve([event('1.0')])
    await turn()
    expect(told.map((one) => 'id' in one && one.id)).toEqual(['1.0', '2.0', '2.1', '3.0', '4.0'])
  })

  test('of which one cannot be read do not hold up the others', async () => {
    const { outlet, told, read } = world()
    for (const number of [1, 2]) outlet.perform(stored(number))
    read(1).reject(new StoreError('io', 'The disk cannot be read.'))
    read(2).resolve([event('2.0')])
    await turn()
    expect(told).toEqual([event('2.0')])
  })
})

describe('before there is a network', () => {
  test('what it is to do is held, and done in order once it is there, before anything later', () => {
    const { outlet, performed, connect } = world()
    for (const connection of [1, 2, 3]) outlet.perform(close(connection))
    expect(performed).toEqual([])
    connect()
    expect(performed).toEqual([1, 2, 3].map(close))
    outlet.perform(close(4))
    expect(performed).toEqual([1, 2, 3, 4].map(close))
  })

  test('who asked is answered at once', async () => {
    const { outlet, replies } = world()
    const [yes, no] = [replies.expect(), replies.expect()]
    outlet.perform({ type: 'reply', command: yes.id, value: 7 })
    outlet.perform({ type: 'refuse', command: no.id, error: { code: 'usage', message: 'No.' } })
    expect(await yes.answer).toBe(7)
    await expect(no.answer).rejects.toMatchObject({ code: 'usage', message: 'No.' })
  })
})

describe('the one timer', () => {
  const wake = (at: number): Effect => ({ type: 'wake', at })

  test('keeps the earliest time, and rings once', () => {
    const { outlet, clock, taken, connect } = world()
    connect()
    for (const [at, kept] of [
      [5000, 5000],
      [6000, 5000],
      [4000, 4000],
      [4000, 4000],
    ] as const) {
      outlet.perform(wake(at))
      expect(clock.at).toBe(kept)
    }
    clock.now = 4000
    clock.ring()
    expect(taken).toEqual([{ type: 'timer' }])
    outlet.perform(wake(9000))
    expect(clock.at, 'what was asked for before it rang is over').toBe(9000)
  })

  test('rings at once where the clock was set forward past it and nobody called back', () => {
    const { outlet, clock, connect } = world()
    connect()
    outlet.perform(wake(5000))
    // The machine's timer, which counts milliseconds and not dates, is still waiting.
    clock.now = 1_000_000
    clock.at = Number.NaN
    outlet.perform(wake(1_009_000))
    expect(clock.at).toBe(5000)
    expect(clock.at <= clock.now, 'which is past').toBe(true)
  })

  test('rings for what is asked by a clock that was set back', () => {
    const { outlet, clock, connect } = world()
    connect()
    clock.now = 1_000_000
    outlet.perform(wake(1_005_000))
    clock.now = 1000
    outlet.perform(wake(6000))
    expect(clock.at).toBe(6000)
  })

  test('is taken back when the outlet stops', () => {
    const { outlet, clock, taken, connect } = world()
    connect()
    outlet.perform(wake(5000))
    const { ring } = clock
    outlet.stop()
    expect(clock.at).toBeNaN()
    ring()
    expect(taken, 'one that was on the way is not heard').toEqual([])
  })
})

test('what fails is told as a warning: a disk in its own words, the rest without any of its insides', () => {
  const { outlet, told } = world()
  outlet.report(new StoreError('full', 'The disk is full: make room.'))
  outlet.report(new TypeError('secret'))
  expect(told).toMatchObject([
    { type: 'warning', text: 'The disk is full: make room.' },
    { type: 'warning', text: expect.not.stringContaining('secret') },
  ])
})
