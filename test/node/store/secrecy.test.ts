/**
 * Nothing that people write is on the disk in clear (QUALITY S8), neither while the profile is open nor after, and the
 * files are for their owner alone.
 */
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KEY_FILE, nodejsPlatform } from '../../../src/node/platform/nodejs.ts'
import { type Migration, SCHEMA } from '../../../src/node/store/schema.ts'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import type { Store } from '../../../src/node/store/store.ts'
import { FaultFiles } from './fault-files.ts'
import { contactRow, conversationRow, KEY, messageRow, putMessage, temporaryFolder, tidyAll } from './rows.ts'

const CANARY = 'canarybirdsings'

/** What stands in clear in any file under the folder: needles as UTF-8 and UTF-16, and the header of a clear database. */
function inClear(folder: string): string[] {
  const needles = [
    Buffer.from(CANARY),
    Buffer.from(CANARY, 'utf16le'),
    Buffer.from('SQLite format 3'),
    Buffer.from('create table'),
    Buffer.from(KEY),
  ]
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => needles.some((needle) => readFileSync(file).includes(needle)))
}

async function fill(store: Store): Promise<void> {
  for (let seq = 1; seq <= 300; seq++)
    await store.commit([putMessage(messageRow(seq, { text: `${CANARY} ${seq} ${CANARY.repeat(seq % 20)}` }))])
  await store.commit([
    { op: 'put', table: 'contact', key: CANARY, row: { ...contactRow, givenName: CANARY } },
    { op: 'put', table: 'conversation', key: CANARY, row: { ...conversationRow, draft: CANARY } },
  ])
}

test('no canary in the data directory or the temporary one, while open and after', async () => {
  const folder = temporaryFolder()
  const stray = new Set(readdirSync(tmpdir()))
  const platform = await nodejsPlatform(folder)
  const store = await platform.makeStore(KEY)
  await fill(store)
  expect(readdirSync(folder).sort()).toEqual(['profile.db', 'profile.db-wal'])
  expect(inClear(folder)).toEqual([])
  await tidyAll(store)
  // A search that sorts more than fits in the cache would spill, if anything did.
  expect((await store.search(CANARY, 1e9)).length).toBe(300)
  expect(inClear(folder)).toEqual([])
  await store.close()
  expect(readdirSync(folder)).toEqual(['profile.db'])
  expect(inClear(folder)).toEqual([])
  const leftInTmp = readdirSync(tmpdir()).filter((name) => !stray.has(name) && /sqlite|etilqs|\.db/i.test(name))
  expect(leftInTmp).toEqual([])
  // The check itself sees a canary that is there.
  writeFileSync(join(folder, 'clear'), `x${CANARY}`)
  expect(inClear(folder)).toEqual([join(folder, 'clear')])
})

/** A step that fails unless the search index holds just this many words. */
function wordsLeft(count: number): Migration {
  return {
    to: SCHEMA.length + 1,
    statements: [
      'create virtual table vocabulary using fts5vocab(message_index, row)',
      `create table counted(words integer check(words = ${count})) strict`,
      'insert into counted select count(*) from vocabulary',
    ],
  }
}

test('the words of an erased conversation leave the search index', async () => {
  const files = new FaultFiles({ random: () => 0 })
  const open = (schema: readonly Migration[]): Promise<Store> =>
    openSqlite({ files, key: KEY, path: 'the test disk', schema })
  const store = await open(SCHEMA)
  for (let seq = 1; seq <= 200; seq++)
    await store.commit([putMessage(messageRow(seq, { text: `${CANARY}${seq} spoken` }))])
  await store.commit([putMessage(messageRow(201, { conversation: 2, text: 'what stays' }))])
  await tidyAll(store)
  await store.commit([{ op: 'erase-conversation', conversation: 1 }])
  await tidyAll(store)
  await store.close()
  // Left are "what", "stays" and the number of their conversation.
  await expect(open([...SCHEMA, wordsLeft(4)])).rejects.toThrow()
  await (await open([...SCHEMA, wordsLeft(3)])).close()
})

test.skipIf(process.platform === 'win32')(
  '0700 and 0600, whatever was there before and whatever the umask',
  async () => {
    const folder = temporaryFolder()
    const mode = (name = ''): string => (statSync(join(folder, name)).mode & 0o777).toString(8)
    chmodSync(folder, 0o755)
    let platform = await nodejsPlatform(folder)
    expect(mode()).toBe('700')
    await platform.writeKeyFile({ version: 1, finished: true, argon2id: null, wrapped: KEY })
    let store = await platform.makeStore(KEY)
    await store.commit([putMessage(messageRow(1))])
    expect(['profile.db', 'profile.db-wal', KEY_FILE].map(mode)).toEqual(['600', '600', '600'])
    await store.close()
    for (const name of ['profile.db', KEY_FILE]) chmodSync(join(folder, name), 0o644)
    platform = await nodejsPlatform(folder)
    expect(['profile.db', KEY_FILE].map(mode)).toEqual(['600', '600'])
    store = await platform.openStore(KEY)
    expect((await store.last()).message).toBe(1)
    await store.close()
  },
)
