/**
 * When the disk is waited for: a sync for each commit that asks for one, none for the others, and never "on the disk" said of
 * what is only with the system.
 */
import { expect, test } from 'vitest'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import { StoreError } from '../../../src/node/store/store.ts'
import { FaultFiles } from './fault-files.ts'
import { eventRow, KEY, messageRow, putMessage } from './rows.ts'

const LOG = 'profile.db-wal'

async function opened() {
  const files = new FaultFiles({ random: () => 0 })
  const store = await openSqlite({ files, key: KEY, path: 'the test disk' })
  await store.commit([putMessage(messageRow(1))])
  let syncs = 0
  files.fault = (operation, name) => {
    if (operation === 'sync' && name === LOG) syncs++
    return undefined
  }
  return { files, store, syncs: () => syncs }
}

test('a commit waits for the disk unless it is told not to', async () => {
  const { store, syncs } = await opened()
  await store.commit([putMessage(messageRow(2))])
  await store.commit([putMessage(messageRow(3))], 'now')
  expect(syncs()).toBe(2)
  for (let seq = 4; seq < 50; seq++) await store.commit([putMessage(messageRow(seq))], 'with-next')
  expect(syncs()).toBe(2)
  await store.close()
})

test.each([
  { what: 'writes nothing', writes: [] },
  { what: 'changes nothing', writes: [{ op: 'delete', table: 'seen', key: 'nothing' }] as const },
  { what: 'writes', writes: [{ op: 'put', table: 'event', key: '1', row: eventRow(1) }] as const },
])('what did not wait is on the disk with the next that does, even if that $what', async ({ writes }) => {
  const { files, store, syncs } = await opened()
  await store.commit([putMessage(messageRow(2))], 'with-next')
  await store.commit(writes, 'now')
  expect(syncs()).toBe(1)
  // And once there, there is nothing more to wait for.
  await store.commit([], 'now')
  expect(syncs()).toBe(1)
  await store.commit([putMessage(messageRow(3))], 'with-next')
  files.cut()
  const after = await openSqlite({ files, key: KEY, path: 'the test disk' })
  expect((await after.last()).message).toBeGreaterThanOrEqual(2)
  await after.close()
})

test('where the disk fails while it is waited for, the store fails', async () => {
  const { files, store } = await opened()
  await store.commit([putMessage(messageRow(2))], 'with-next')
  files.fault = (operation) => (operation === 'sync' ? 'EIO' : undefined)
  const failure = await store.commit([], 'now').catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(StoreError)
  expect(failure).toMatchObject({ kind: 'io' })
  files.fault = () => undefined
  await expect(store.commit([])).rejects.toBe(failure)
  await store.close()
})
