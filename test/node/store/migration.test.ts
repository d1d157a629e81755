/**
 * Stored formats (QUALITY R13): a file opens in a later version with nothing lost, a later file is refused
 * by this one untouched, and a step that fails leaves the old version whole.
 */
import { expect, test } from 'vitest'
import { type Migration, SCHEMA } from '../../../src/node/store/schema.ts'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import { openDatabase } from '../../../src/node/store/sqlite-opening.ts'
import { type Store, StoreError } from '../../../src/node/store/store.ts'
import { FaultFiles } from './fault-files.ts'
import { contactRow, frameRow, KEY, messageRow, profileRow, putMessages, sessionRow, tidyAll } from './rows.ts'

/** Made up: what a later version might do. */
const LATER: Migration = {
  to: SCHEMA.length + 1,
  statements: [
    'alter table message add column starred integer not null default 0',
    'create index message_starred on message(starred) where starred = 1',
  ],
}
const BROKEN: Migration = {
  to: SCHEMA.length + 1,
  statements: ['alter table message add column starred integer not null default 0', 'create table message(x)'],
}

const open = (files: FaultFiles, schema: readonly Migration[]): Promise<Store> =>
  openSqlite({ files, key: KEY, path: 'the test disk', schema })

async function current(): Promise<FaultFiles> {
  const files = new FaultFiles({ random: () => 0 })
  const store = await open(files, SCHEMA)
  await store.commit([
    { op: 'put', table: 'profile', key: 'self', row: profileRow },
    { op: 'put', table: 'contact', key: 'c', row: contactRow },
    { op: 'put', table: 'session', key: 's', row: sessionRow(1) },
    ...putMessages(messageRow(1), messageRow(2)),
  ])
  await tidyAll(store)
  await store.close()
  return files
}

async function expectWhole(store: Store): Promise<void> {
  const keys = [
    { table: 'profile', key: 'self' },
    { table: 'contact', key: 'c' },
    { table: 'session', key: 's' },
  ] as const
  expect(await store.read(keys)).toEqual([profileRow, contactRow, sessionRow(1)])
  expect(await store.history({ conversation: 1, limit: 9, before: null, search: null })).toEqual([
    messageRow(2),
    messageRow(1),
  ])
  expect((await store.search('number 1', 9)).length).toBe(1)
}

test('the steps are numbered 1, 2, 3 …', () => {
  expect(SCHEMA.map(({ to }) => to)).toEqual(SCHEMA.map((_, i) => i + 1))
})

test('a version-1 file goes on in this version', async () => {
  const files = new FaultFiles({ random: () => 0 })
  const first = await openDatabase({ files, key: KEY, path: 'the test disk', schema: SCHEMA.slice(0, 1) })
  const { id, text } = messageRow(1)
  first
    .prepare('insert into message values(1, ?, 1, 1, 1, 1, ?, ?, null, null, ?)')
    .run(id, messageRow(1).sentAt, messageRow(1).receivedAt, text)
  expect(first.run('pragma user_version')).toEqual(['1'])
  first.close()
  const store = await open(files, SCHEMA)
  await tidyAll(store)
  expect(await store.search('number', 9)).toEqual([messageRow(1)])
  await store.commit([{ op: 'erase-conversation', conversation: 1 }])
  expect(await store.search('number', 9)).toEqual([])
  await store.close()
})

test('a version-2 file goes on in this version: frames in flight bring what they brought', async () => {
  const files = new FaultFiles({ random: () => 0 })
  const second = await openDatabase({ files, key: KEY, path: 'the test disk', schema: SCHEMA.slice(0, 2) })
  const { device, contact, session, bytes, id, from, to } = frameRow(9)
  second
    .prepare('insert into frame values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(9, device, contact, session, bytes, id, from, to, 1, 1_700_000_000_000, 0, 4, 5)
  second.close()
  const store = await open(files, SCHEMA)
  const facts = { name: 1, addresses: 1_700_000_000_000, receipt: 0, secret: 4, grant: 5 }
  expect(await store.all('frame')).toEqual([{ key: '9', row: { ...frameRow(9), facts, made: 0, away: false } }])
  expect((await store.last()).frame).toBe(9)
  await store.close()
})

test('a file goes on in the next version, once', async () => {
  const files = await current()
  for (let start = 0; start < 2; start++) {
    const store = await open(files, [...SCHEMA, LATER])
    await expectWhole(store)
    await store.close()
  }
})

test('a file of a later version is refused with a sentence, and not one byte of it changes', async () => {
  const files = await current()
  await (await open(files, [...SCHEMA, LATER])).close()
  const before = files.bytesOf('profile.db')
  const error = await open(files, SCHEMA).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ kind: 'newer', message: expect.stringContaining('later version of tulnic') })
  expect(files.bytesOf('profile.db')).toEqual(before)
})

test('a step that fails, or is cut off, changes nothing', async () => {
  const files = await current()
  await expect(open(files, [...SCHEMA, BROKEN])).rejects.toThrow()
  const still = await open(files, SCHEMA)
  await expectWhole(still)
  await still.close()
  for (let operations = 1; operations < 12; operations++) {
    const cut = await current()
    cut.operationsLeft = operations
    await open(cut, [...SCHEMA, LATER]).then(
      (store) => store.close(),
      () => undefined,
    )
    cut.cut()
    const store = await open(cut, [...SCHEMA, LATER])
    await expectWhole(store)
    await store.close()
  }
})
