/**
 * A disk that is full, read-only, broken or out of file handles (QUALITY R7): one sentence, no corruption, and the
 * profile opens again with all that was acknowledged.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import { type Store, StoreError } from '../../../src/node/store/store.ts'
import { FaultFiles } from './fault-files.ts'
import { KEY, messageRow, openIn, putMessage, temporaryFolder, tidyAll } from './rows.ts'

const disk = (): FaultFiles => new FaultFiles({ random: () => 0 })
const open = (files: FaultFiles): Promise<Store> => openSqlite({ files, key: KEY, path: '/home/ana/.tulnic' })

/** Commits until the store fails; answers the failure and the last acknowledged message. */
async function untilFailure(
  store: Store,
  from = 0,
  text = 'x'.repeat(500),
): Promise<{ failure: unknown; acknowledged: number }> {
  for (let seq = from + 1; ; seq++) {
    try {
      await store.commit([putMessage(messageRow(seq, { text }))])
    } catch (failure) {
      return { failure, acknowledged: seq - 1 }
    }
    if (seq > from + 5000) throw new Error('the store never failed')
  }
}

async function expectWhole(store: Store, acknowledged: number): Promise<void> {
  await tidyAll(store)
  const rows = await store.history({ conversation: 1, limit: 1e9, before: null, search: null })
  expect(rows.length).toBeGreaterThanOrEqual(acknowledged)
  // The commit that failed may have reached the disk before the failure did: all of it or nothing.
  expect(rows.length).toBeLessThanOrEqual(acknowledged + 1)
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => rows.length - i))
}

test.each([
  { code: 'ENOSPC', kind: 'full', says: /disk is full: free some space/ },
  { code: 'EDQUOT', kind: 'full', says: /quota/ },
  { code: 'EROFS', kind: 'read-only', says: /read-only: make it writable/ },
  { code: 'EACCES', kind: 'read-only', says: /write permission/ },
  { code: 'EIO', kind: 'io', says: /disk reports an error: check its health/ },
  { code: 'EMFILE', kind: 'io', says: /too many files open: raise its limit/ },
])('$code in a running node: $kind, and all is there afterwards', async ({ code, kind, says }) => {
  for (const operation of ['write', 'sync'] as const) {
    const files = disk()
    let store = await open(files)
    await store.commit([putMessage(messageRow(1)), putMessage(messageRow(2))])
    files.fault = (asked) => (asked === operation ? code : undefined)
    const { failure, acknowledged } = await untilFailure(store, 2)
    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({ kind, message: expect.stringMatching(says) })
    expect((failure as StoreError).message).toContain('/home/ana/.tulnic')
    files.fault = () => undefined
    // What failed once does not speak again, though the disk would.
    await expect(store.commit([])).rejects.toBe(failure)
    expect(() => store.read([])).toThrow(failure as Error)
    await store.close()
    store = await open(files)
    await expectWhole(store, acknowledged)
    await store.commit([putMessage(messageRow(1000))])
    await store.close()
  }
})

test.each(['ENOSPC', 'EROFS', 'EIO', 'EMFILE'])(
  '%s while a new profile is made, and while an old one is opened',
  async (code) => {
    for (const operation of ['open', 'write', 'sync', 'read'] as const) {
      const files = disk()
      files.fault = (asked) => (asked === operation ? code : undefined)
      await expect(open(files), `${operation} of a new one`).rejects.toBeInstanceOf(StoreError)
      files.fault = () => undefined
      const store = await open(files)
      await store.commit([putMessage(messageRow(1))])
      await store.close()
      files.fault = (asked) => (asked === operation ? code : undefined)
      // A closed database is opened without a write: then there is nothing to fail.
      const opened = await open(files).catch((error: unknown) => error)
      if (operation === 'open' || operation === 'read') expect(opened).toBeInstanceOf(StoreError)
      else await (opened as Store).close()
      files.fault = () => undefined
      const again = await open(files)
      await expectWhole(again, 1)
      await again.close()
    }
  },
)

test('a disk that fills up by short writes: "full", and it goes on when there is room', async () => {
  const files = disk()
  let store = await open(files)
  files.capacity = 300_000
  const { failure, acknowledged } = await untilFailure(store)
  expect(failure).toMatchObject({ name: 'StoreError', kind: 'full' })
  expect(acknowledged).toBeGreaterThan(5)
  await store.close()
  files.capacity = Number.POSITIVE_INFINITY
  store = await open(files)
  await expectWhole(store, acknowledged)
  await store.close()
})

test('a failure in housekeeping fails the store, and loses nothing', async () => {
  const files = disk()
  let store = await open(files)
  for (let seq = 1; seq <= 40; seq++) await store.commit([putMessage(messageRow(seq))])
  files.fault = (asked) => (asked === 'write' ? 'EIO' : undefined)
  // Index pages wait for the next commit's sync, which then fails.
  const failure = await (async () => {
    await tidyAll(store)
    await store.commit([putMessage(messageRow(41))])
  })().catch((error: unknown) => error)
  expect(failure).toMatchObject({ name: 'StoreError', kind: 'io' })
  await store.close()
  files.fault = () => undefined
  store = await open(files)
  await expectWhole(store, 40)
  await store.close()
})

const canMount = process.platform === 'linux' && process.getuid?.() === 0 && mounts()

function mounts(): boolean {
  const probe = `/tmp/tulnic-mount-probe-${process.pid}`
  try {
    mkdirSync(probe)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync('umount', [probe], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(probe, { recursive: true, force: true })
  }
}

test.skipIf(!canMount)('a real small disk that is full (needs root and a tmpfs)', async () => {
  const folder = temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder])
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  const ballast = join(folder, 'ballast')
  writeFileSync(ballast, new Uint8Array(1_000_000))
  let store = await openIn(folder)
  const { failure, acknowledged } = await untilFailure(store)
  expect(failure).toMatchObject({ name: 'StoreError', kind: 'full' })
  expect(acknowledged).toBeGreaterThan(5)
  await store.close()
  rmSync(ballast)
  store = await openIn(folder)
  await expectWhole(store, acknowledged)
  await store.close()
})
