/**
 * Stored formats (QUALITY R13): a version-1 file opens in a later version with nothing lost, a later file is refused
 * by this one untouched, and a step that fails leaves the old version whole.
 */
import { expect, test } from 'vitest'
import { type Migration, SCHEMA } from '../../../src/node/store/schema.ts'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import { type Store, StoreError } from '../../../src/node/store/store.ts'
import { FaultFiles } from './fault-files.ts'
import { contactRow, KEY, messageRow, profileRow, putMessages, sessionRow, tidyAll } from './rows.ts'

const VERSION_1: readonly Migration[] = SCHEMA.slice(0, 1)
/** Made up: what a later version might do. */
const LATER: Migration = {
  to: 2,
  statements: [
    'alter table message add column starred integer not null default 0',
    'create index message_starred on message(starred) where starred = 1',
  ],
}
const BROKEN: Migration = {
  to: 2,
  statements: ['alter table message add column starred integer not null default 0', 'create table message(x)'],
}

const open = (files: FaultFiles, schema: readonly Migration[]): Promise<Store> =>
  openSqlite({ files, key: KEY, path: 'the test disk', schema })

async function versionOne(): Promise<FaultFiles> {
  const files = new FaultFiles({ random: () => 0 })
  const store = await open(files, VERSION_1)
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

test('a version-1 file goes on in version 2, once', async () => {
  const files = await versionOne()
  for (let start = 0; start < 2; start++) {
    const store = await open(files, [...VERSION_1, LATER])
    await expectWhole(store)
    await store.close()
  }
})

test('a file of a later version is refused with a sentence, and not one byte of it changes', async () => {
  const files = await versionOne()
  await (await open(files, [...VERSION_1, LATER])).close()
  const before = files.bytesOf('profile.db')
  const error = await open(files, VERSION_1).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ kind: 'newer', message: expect.stringContaining('later version of tulnic') })
  expect(files.bytesOf('profile.db')).toEqual(before)
})

test('a step that fails, or is cut off, changes nothing', async () => {
  const files = await versionOne()
  await expect(open(files, [...VERSION_1, BROKEN])).rejects.toThrow()
  const still = await open(files, VERSION_1)
  await expectWhole(still)
  await still.close()
  for (let operations = 1; operations < 12; operations++) {
    const cut = await versionOne()
    cut.operationsLeft = operations
    await open(cut, [...VERSION_1, LATER]).then(
      (store) => store.close(),
      () => undefined,
    )
    cut.cut()
    const store = await open(cut, [...VERSION_1, LATER])
    await expectWhole(store)
    await store.close()
  }
})
