/**
 * When the status is told: in virtual time.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Status } from '../../src/node/api.ts'
import { StatusNews } from '../../src/node/status-news.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const status = (over: Partial<Status> = {}): Status => ({
  phase: 'open',
  self: null,
  online: false,
  peers: 0,
  addresses: [],
  queued: 0,
  contacts: { total: 0, reached: 0 },
  network: 'none',
  lan: { on: false, peers: 0, only: false },
  isPrivate: false,
  storage: { path: '/nowhere', bytes: 0, trouble: null },
  version: 'test',
  startedAt: new Date(0).toISOString(),
  findings: [],
  ...over,
})

/** A node whose status is `now.status`, and all that was told of it. */
function watched() {
  const now = { status: status(), computed: 0 }
  const told: Status[] = []
  const news = new StatusNews(
    async () => {
      now.computed++
      return now.status
    },
    (one) => told.push(one),
  )
  return { now, told, news }
}

test('a change is told at once, and however much happens, a few times a second, the last change too', async () => {
  const { now, told, news } = watched()
  news.look()
  await vi.advanceTimersByTimeAsync(1)
  expect(told).toHaveLength(1)
  for (let queued = 1; queued <= 2000; queued++) {
    now.status = status({ queued })
    news.look()
    await vi.advanceTimersByTimeAsync(1)
  }
  await vi.advanceTimersByTimeAsync(1000)
  expect(told.at(-1)?.queued).toBe(2000)
  expect(told.length).toBeGreaterThan(4)
  expect(told.length).toBeLessThan(10)
  expect(now.computed).toBe(told.length)
})

test('a change soon after one that was told is told too, although nothing else happens', async () => {
  const { now, told, news } = watched()
  news.look()
  await vi.advanceTimersByTimeAsync(1)
  now.status = status({ queued: 7 })
  news.look()
  await vi.advanceTimersByTimeAsync(1)
  expect(told).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1000)
  expect(told.map(({ queued }) => queued)).toEqual([0, 7])
})

test('what nobody sees is not told: nothing new, or bytes on the disk', async () => {
  const { now, told, news } = watched()
  for (const bytes of [0, 0, 5000, 9000]) {
    now.status = status({ storage: { path: '/nowhere', bytes, trouble: null } })
    news.look()
    await vi.advanceTimersByTimeAsync(1000)
  }
  expect(now.computed).toBe(4)
  expect(told).toHaveLength(1)
  now.status = status({ storage: { path: '/nowhere', bytes: 9000, trouble: 'The disk is full: make room.' } })
  news.look()
  await vi.advanceTimersByTimeAsync(1000)
  expect(told.at(-1)?.storage.trouble).toBe('The disk is full: make room.')
})

test('a status that could not be had is asked for again by the next thing that happens', async () => {
  const { told, now } = watched()
  let closed = true
  const news = new StatusNews(
    async () => {
      if (closed) throw new Error('the store is closed')
      return now.status
    },
    (one) => told.push(one),
  )
  news.look()
  await vi.advanceTimersByTimeAsync(1000)
  expect(told).toEqual([])
  closed = false
  news.look()
  await vi.advanceTimersByTimeAsync(1000)
  expect(told).toHaveLength(1)
})

test('after the end nothing is told', async () => {
  const { told, news } = watched()
  news.look()
  news.stop()
  news.look()
  await vi.advanceTimersByTimeAsync(1000)
  expect(told).toEqual([])
})
