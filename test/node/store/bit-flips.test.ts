/**
 * Single flipped bits in the closed database (QUALITY R6): every one is noticed once its page is read, and none ever
 * gives wrong data. `TULNIC_FLIPS` says how many.
 */
import { expect, test } from 'vitest'
import type { Write } from '../../../src/node/store/records.ts'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import { StoreError } from '../../../src/node/store/store.ts'
import { toBase32 } from '../../../src/protocol/index.ts'
import { amount } from '../../amount.ts'
import { below, seeded, seedOfRun } from '../../protocol/seeded.ts'
import { FaultFiles } from './fault-files.ts'
import {
  conversationRow,
  eventRow,
  frameRow,
  KEY,
  messageRow,
  prekeyRow,
  putMessage,
  sessionRow,
  skippedRow,
  tidyAll,
} from './rows.ts'

const ROWS = 200
const SEED = seedOfRun(6)
const PAGE = 4096

const disk = (): FaultFiles => new FaultFiles({ random: () => 0 })
const open = (files: FaultFiles, key = KEY) => openSqlite({ files, key, path: 'the test disk' })

/** A closed database with rows of every size in it. */
async function filled(): Promise<Uint8Array> {
  const files = disk()
  const store = await open(files)
  for (let n = 1; n <= ROWS; n++) {
    const writes: Write[] = [
      putMessage(messageRow(n)),
      { op: 'put', table: 'session', key: `s${n % 7}`, row: sessionRow(n) },
      { op: 'put', table: 'skipped', key: `s/ec/${n}`, row: skippedRow(n) },
      { op: 'put', table: 'seen', key: `seen ${n}`, row: { at: n } },
      { op: 'put', table: 'frame', key: `${n}`, row: frameRow(n) },
      { op: 'put', table: 'event', key: `${n}`, row: eventRow(n) },
      { op: 'put', table: 'conversation', key: `c${n % 5}`, row: conversationRow },
      { op: 'put', table: 'prekey', key: `p${n % 3}`, row: prekeyRow },
    ]
    await store.commit(writes)
  }
  await tidyAll(store)
  await store.close()
  expect(files.names()).toEqual(['profile.db'])
  return files.bytesOf('profile.db') as Uint8Array
}

/** All that the store can say: every page of the file that is in use is read for it. */
async function everything(files: FaultFiles): Promise<string> {
  const store = await open(files)
  try {
    const keys = Array.from({ length: ROWS }, (_, n) => [
      { table: 'skipped', key: `s/ec/${n + 1}` } as const,
      { table: 'seen', key: `seen ${n + 1}` } as const,
      { table: 'message', key: toBase32(messageRow(n + 1).id) } as const,
    ]).flat()
    // Forgets nothing, but walks the index of age and the events.
    await store.commit([
      { op: 'forget', table: 'seen', before: 0 },
      { op: 'forget', table: 'skipped', before: 0 },
      { op: 'forget-events', before: 0, now: Number.MAX_SAFE_INTEGER },
      { op: 'trim-skipped', session: 's', keep: ROWS },
    ])
    return JSON.stringify([
      await store.read(keys),
      await store.all('session'),
      await store.all('frame'),
      await store.all('conversation'),
      await store.all('prekey'),
      await store.history({ conversation: 1, limit: 1e9, before: null, search: null }),
      await store.history({ conversation: 1, limit: 1e9, before: null, search: 'number' }),
      await store.search('message', 1e9),
      await store.byCounter(1, 1, 0, 1e9, 1e9),
      await store.events(0, 1e9),
      await store.last(),
    ])
  } finally {
    await store.close()
  }
}

test(`every flipped bit is noticed, or lies where nothing is stored (seed ${SEED})`, async () => {
  const random = seeded(SEED)
  const good = await filled()
  const files = disk()
  files.put('profile.db', good)
  const truth = await everything(files)
  const pagesRead = readPages(files)
  await everything(files)
  const flips = amount('flips', 100)
  let noticed = 0
  for (let i = 0; i < flips; i++) {
    const flipped = good.slice()
    // Spread over the file, the first page always included.
    const at = i === 0 ? below(random, PAGE) : Math.floor((good.length * (i + below(random, 1000) / 1000)) / flips)
    flipped[at] = (flipped[at] as number) ^ (1 << below(random, 8))
    const broken = disk()
    broken.put('profile.db', flipped)
    const said = await everything(broken).catch((error: unknown) => error)
    const where = `bit flipped in byte ${at} of ${good.length}, seed ${SEED}`
    if (said instanceof StoreError) {
      expect(['damaged', 'key'], where).toContain(said.kind)
      expect(said.message, where).toMatch(/backup|another profile/)
      noticed++
    } else {
      expect(said, where).toBe(truth)
      expect(pagesRead.has(Math.floor(at / PAGE)), `${where}: a page that was read`).toBe(false)
    }
  }
  console.log(`bit flips: ${noticed} of ${flips} noticed, the others in pages that hold nothing`)
  // Pages that the index gave back, and lie zeroed and free, are the only ones never read.
  expect(noticed).toBeGreaterThanOrEqual(flips * 0.85)
})

/** The pages that are read from here on. */
function readPages(files: FaultFiles): ReadonlySet<number> {
  const pages = new Set<number>()
  const read = files.read.bind(files)
  files.read = (handle, into, at) => {
    if (into.length >= PAGE) pages.add(Math.floor(at / PAGE))
    return read(handle, into, at)
  }
  return pages
}

test('each bit of the first 100 bytes, where the key check and the header are, is noticed', async () => {
  const good = await filled()
  for (let at = 0; at < 100; at++) {
    const flipped = good.slice()
    flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
    const broken = disk()
    broken.put('profile.db', flipped)
    await expect(everything(broken), `byte ${at}`).rejects.toMatchObject({
      name: 'StoreError',
      kind: at < 16 ? 'key' : 'damaged',
    })
  }
})

test('a wrong key, a file cut short and a file that is none are told apart', async () => {
  const good = await filled()
  const opening = (bytes: Uint8Array, key = KEY): Promise<string> => {
    const files = disk()
    files.put('profile.db', bytes)
    return open(files, key).then(
      () => 'opened',
      (error: StoreError) => error.kind,
    )
  }
  expect(await opening(good)).toBe('opened')
  expect(await opening(good, new Uint8Array(32))).toBe('key')
  expect(await opening(new TextEncoder().encode('this is no database at all'.repeat(400)))).toBe('key')
  for (const length of [1, 15, 16, 100, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE, good.length - 1, good.length - PAGE]) {
    expect(await opening(good.slice(0, length)), `${length} bytes left`).toBe('damaged')
  }
})
