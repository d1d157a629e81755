/**
 * What a commit costs: each page that it changes is encrypted, written to the log, and moved into the database later.
 *
 * The rows are those that an engine in steady talk commits; a new index shows here as one page more.
 */
import { expect, test } from 'vitest'
import type { FrameRow, Write } from '../../../src/node/store/records.ts'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import { FaultFiles } from './fault-files.ts'
import {
  ANA,
  ANAS_PHONE,
  conversationRow,
  deliveryRow,
  eventRow,
  frameRow,
  KEY,
  messageRow,
  NOON,
  putMessage,
  sessionRow,
} from './rows.ts'

/** A page in the log, with its header. */
const LOGGED_PAGE = 4096 + 24

const delivery = (n: number): Write => ({
  op: 'put',
  table: 'delivery',
  key: ANAS_PHONE,
  row: { ...deliveryRow, cursor: n },
})
/** Both rows of a conversation; what is put as it was costs nothing. */
const talk = (n: number): Write[] => [
  { op: 'put', table: 'conversation', key: ANA, row: { ...conversationRow, counter: n } },
  delivery(n),
]
const frame = (n: number): Write => ({ op: 'put', table: 'frame', key: String(n), row: frameRow(n) satisfies FrameRow })
const event = (n: number): Write => ({ op: 'put', table: 'event', key: String(n), row: eventRow(NOON + n) })
const session = (n: number): Write => ({ op: 'put', table: 'session', key: 's', row: sessionRow(NOON + n) })
const seen = (n: number): Write => ({ op: 'put', table: 'seen', key: `seen ${n}`, row: { at: NOON + n } })

test.each<{ what: string; most: number; writes: (n: number) => readonly Write[] }>([
  {
    what: 'a text is sent',
    most: 8,
    writes: (n) => [putMessage(messageRow(n)), ...talk(n), session(n), frame(100 + n), event(n)],
  },
  {
    what: 'a text is received, and its receipt made',
    most: 9,
    writes: (n) => [putMessage(messageRow(n)), ...talk(n), session(n), seen(n), frame(100 + n), event(n)],
  },
  { what: 'a receipt is taken in', most: 4, writes: (n) => [delivery(n), session(n), seen(n), event(n)] },
  {
    what: 'an acknowledgement is taken in',
    most: 2,
    writes: (n) => [{ op: 'delete', table: 'frame', key: String(n) }, delivery(n)],
  },
])('$what: $most pages', async ({ most, writes }) => {
  const files = new FaultFiles({ random: () => 0 })
  const store = await openSqlite({ files, key: KEY, path: 'the test disk' })
  const pages: number[] = []
  await store.commit([...Array.from({ length: 40 }, (_, n) => frame(n)), ...talk(0), session(0)])
  for (let n = 1; n <= 30; n++) {
    const before = files.sizeOf('profile.db-wal')
    await store.commit(writes(n))
    pages.push((files.sizeOf('profile.db-wal') - before) / LOGGED_PAGE)
  }
  await store.close()
  // Now and then a page is full, and another begins: what is usual counts.
  const usual = pages.sort((a, b) => a - b)[15]
  expect(usual, pages.join(' ')).toBeLessThanOrEqual(most)
  expect(usual).toBeGreaterThan(most - 2)
})
