/**
 * Erasing a long conversation: one row written, out of sight at once, gone from the disk in bounded pieces of housekeeping,
 * whatever crash comes between.
 */
import { expect, test } from 'vitest'
import type { MessageRow } from '../../../src/node/store/records.ts'
import { type Migration, SCHEMA } from '../../../src/node/store/schema.ts'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import type { Store } from '../../../src/node/store/store.ts'
import { toBase32 } from '../../../src/protocol/index.ts'
import { FaultFiles } from './fault-files.ts'
import { KEY, messageRow, putMessage, putMessages, tidyAll } from './rows.ts'

const MANY = 1500
/** Texts of which each is a piece of its own. */
const LONG = 20
/** A page in the log, with its header. */
const LOGGED_PAGE = 4096 + 24

const open = (files: FaultFiles, schema = SCHEMA): Promise<Store> =>
  openSqlite({ files, key: KEY, path: 'the test disk', schema })

const erased = (seq: number): MessageRow => messageRow(seq, { text: `secret ${seq} common` })
const kept = (seq: number): MessageRow => messageRow(seq, { conversation: 2, text: `other ${seq} common` })
const ERASE = { op: 'erase-conversation', conversation: 1 } as const

async function filled(): Promise<{ files: FaultFiles; store: Store }> {
  const files = new FaultFiles({ random: () => 0 })
  const store = await open(files)
  await store.commit(putMessages(...Array.from({ length: MANY }, (_, n) => erased(n + 1)), kept(MANY + 1)))
  await tidyAll(store)
  return { files, store }
}

/** Everything that any query still gives of conversation 1. */
async function seen(store: Store): Promise<readonly unknown[]> {
  const all = { conversation: 1, limit: 99, before: null }
  const { id } = erased(7)
  return [
    ...(await store.history({ ...all, search: null })),
    ...(await store.history({ ...all, search: 'secret' })),
    ...(await store.history({ ...all, before: erased(MANY), search: 'common' })),
    ...(await store.historyAfter(1, { lamport: 0, author: 0, counter: 0 }, 99)),
    ...(await store.byCounter(1, 1, 1, MANY, 99)),
    ...(await store.search('secret', 99)),
    ...(await store.search('common', 99)).filter(({ conversation }) => conversation === 1),
    ...(await Promise.all([1, 7, MANY].map((seq) => store.messageBySeq(seq)))),
    ...(await store.read([{ table: 'message', key: toBase32(id) }])),
  ].filter((row) => row !== undefined)
}

/** How many rows and how many words are still in the file. */
async function expectLeft(files: FaultFiles, rows: number, words: number): Promise<void> {
  const count: Migration = {
    to: SCHEMA.length + 1,
    statements: [
      'create virtual table vocabulary using fts5vocab(message_index, row)',
      `create table counted(rows integer check(rows = ${rows}), words integer check(words = ${words})) strict`,
      'insert into counted select (select count(*) from message), (select count(*) from vocabulary)',
    ],
  }
  await (await open(files, [...SCHEMA, count])).close()
}

test('an erased conversation is out of every answer at once, at the cost of few pages', async () => {
  const { files, store } = await filled()
  expect((await seen(store)).length).toBeGreaterThan(600)
  await store.commit([putMessage(kept(MANY + 2))])
  const before = files.sizeOf('profile.db-wal')
  await store.commit([ERASE])
  expect((files.sizeOf('profile.db-wal') - before) / LOGGED_PAGE).toBeLessThanOrEqual(4)
  expect(await seen(store)).toEqual([])
  expect((await store.search('common', 99)).map(({ seq }) => seq)).toEqual([MANY + 2, MANY + 1])
  await store.close()
  const again = await open(files)
  expect(await seen(again)).toEqual([])
  await again.close()
})

test('its rows and words go in pieces that do not grow with it, and go on after a power cut between any two', async () => {
  const { files, store } = await filled()
  const long = Array.from({ length: LONG }, (_, n) => messageRow(MANY + 2 + n, { text: 'secret '.repeat(300) }))
  await store.commit(putMessages(...long))
  await store.commit([ERASE])
  files.cut()
  let after = await open(files)
  let pieces = 0
  while (await after.tidy()) {
    pieces++
    // A cut takes back what housekeeping did since the disk was last waited for: with one after another it would never end.
    if (pieces % 10 !== 5 || pieces > 40) continue
    files.cut()
    after = await open(files)
    expect(await seen(after)).toEqual([])
  }
  expect(pieces).toBeGreaterThan(MANY / 64 + LONG)
  await after.close()
  // "other", its number, "common", and the number of its conversation.
  await expectLeft(files, 1, 4)
})

test('what comes later stays, also under the id or the number of an erased message, and what is erased again goes too', async () => {
  const { files, store } = await filled()
  await store.commit([ERASE])
  const again = erased(7).id
  const later = [
    messageRow(MANY + 2, { id: again, text: 'anew common' }),
    messageRow(8, { id: messageRow(9999).id, text: 'anew common' }),
    messageRow(MANY + 3, { text: 'anew common' }),
  ]
  await store.commit(putMessages(...later))
  expect(await store.read([{ table: 'message', key: toBase32(again) }])).toEqual([later[0]])
  expect((await store.search('anew', 9)).map(({ seq }) => seq)).toEqual([MANY + 3, MANY + 2, 8])
  await store.commit([{ op: 'delete', table: 'message', key: toBase32(erased(9).id) }])
  await tidyAll(store)
  const page = { conversation: 1, limit: 99, before: null, search: null }
  expect(await store.history(page)).toEqual(later.toSorted((a, b) => b.lamport - a.lamport))
  await store.commit([ERASE])
  await store.commit([putMessage(messageRow(MANY + 4, { text: 'last' }))])
  await store.commit([ERASE])
  await store.close()
  const reopened = await open(files)
  expect(await reopened.history(page)).toEqual([])
  await tidyAll(reopened)
  expect(await reopened.last()).toMatchObject({ message: MANY + 4 })
  await reopened.close()
  await expectLeft(files, 1, 4)
})

test('the number of a conversation has a bound', async () => {
  const { store } = await filled()
  for (const conversation of [2 ** 24, -1, Number.NaN])
    await expect(store.commit([{ op: 'erase-conversation', conversation }])).rejects.toThrow(RangeError)
  expect((await seen(store)).length).toBeGreaterThan(600)
  await store.close()
})
