/**
 * Power cuts at any moment of a node's life (QUALITY R3): commits that wait for the disk and commits that do not, housekeeping,
 * checkpoints, opening and closing, on a disk that tears writes at sectors. `TULNIC_CUTS` says how many.
 */
import { expect, test } from 'vitest'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import { type Store, StoreError } from '../../../src/node/store/store.ts'
import { amount } from '../../amount.ts'
import { below, seeded, seedOfRun } from '../../protocol/seeded.ts'
import { FaultFiles } from './fault-files.ts'
import { eventRow, KEY, messageRow, putMessage, sessionRow } from './rows.ts'

/** Opened files are started anew after this many cuts, so that first beginnings are cut too. */
const CUTS_A_DISK = 10
const WORD = 'lighthouse'

interface Outcome {
  cuts: number
  acknowledged: number
  /** Messages whose commit did not wait, and whose absence after a cut is no loss. */
  silent: number
  forgotten: number
  lost: number
  corrupt: number
}

async function cutPower(cuts: number, seed: number, syncDoesNothing: boolean): Promise<Outcome> {
  const bytes = seeded(seed)
  const chance = (): number => below(bytes, 2 ** 32) / 2 ** 32
  const outcome: Outcome = { cuts: 0, acknowledged: 0, silent: 0, forgotten: 0, lost: 0, corrupt: 0 }
  let disk = new FaultFiles({ random: chance, syncDoesNothing })
  let acknowledged = 0
  while (outcome.cuts < cuts) {
    if (outcome.cuts % CUTS_A_DISK === 0) {
      disk = new FaultFiles({ random: chance, syncDoesNothing })
      acknowledged = 0
    }
    // Short lives cut the opening itself; long ones reach checkpoints.
    disk.operationsLeft = 1 + below(bytes, [12, 12, 12, 80, 80, 80, 80, 80, 80, 600][below(bytes, 10)] as number)
    const written = await live(disk, acknowledged, bytes, outcome)
    acknowledged = written.acknowledged
    disk.cut()
    outcome.cuts++
    const found = await inspect(disk)
    if (typeof found === 'number' && found >= acknowledged) {
      outcome.forgotten += Math.max(0, written.last - found)
      acknowledged = found
    } else {
      if (typeof found === 'number') outcome.lost++
      else outcome.corrupt++
      disk = new FaultFiles({ random: chance, syncDoesNothing })
      acknowledged = 0
    }
  }
  return outcome
}

/** Writes until the power goes; answers the last message that was acknowledged, and the last whose commit resolved. */
async function live(
  disk: FaultFiles,
  from: number,
  bytes: ReturnType<typeof seeded>,
  outcome: Outcome,
): Promise<{ acknowledged: number; last: number }> {
  let acknowledged = from
  let last = from
  let store: Store | undefined
  try {
    store = await open(disk)
    for (;;) {
      const next = last + 1
      const silent = below(bytes, 3) === 0
      const text = `${WORD} ${next} ${'long '.repeat(below(bytes, 12) === 0 ? 3000 : below(bytes, 60))}`
      await store.commit(
        [
          putMessage(messageRow(next, { text })),
          { op: 'put', table: 'session', key: 's', row: sessionRow(next) },
          { op: 'put', table: 'event', key: String(next), row: eventRow(next) },
        ],
        silent ? 'with-next' : 'now',
      )
      last = next
      if (silent) outcome.silent++
      // What changes nothing of its own brings the commits before it to the disk as well.
      if (silent && below(bytes, 3) === 0) await store.commit(below(bytes, 2) === 0 ? [] : CHANGES_NOTHING, 'now')
      else if (silent) continue
      outcome.acknowledged += last - acknowledged
      acknowledged = last
      if (below(bytes, 3) === 0) await store.tidy()
      if (below(bytes, 20) === 0) {
        await store.close()
        store = await open(disk)
      }
    }
  } catch (error) {
    // Whatever a cut does to a node, it learns of it as one StoreError.
    if (!(error instanceof StoreError)) throw error
  } finally {
    await store?.close()
  }
  return { acknowledged, last }
}

const CHANGES_NOTHING = [{ op: 'delete', table: 'seen', key: 'nothing' }] as const

/** How many messages are there, each whole and findable, with its session and event; or what is wrong. */
async function inspect(disk: FaultFiles): Promise<number | string> {
  try {
    const store = await open(disk)
    while (await store.tidy());
    const { message: last, event } = await store.last()
    const rows = await store.history({ conversation: 1, limit: 1e9, before: null, search: null })
    const found = await store.search(WORD, 1e9)
    const [session] = await store.read([{ table: 'session', key: 's' }])
    const events = await store.events(0, 1e9)
    await store.close()
    if (rows.length !== last || found.length !== last || event !== last || events.length !== last)
      return 'a row is missing'
    if (rows.some((row, i) => row.seq !== last - i || !row.text.startsWith(`${WORD} ${row.seq} `)))
      return 'a row is wrong'
    if (last > 0 && JSON.stringify(session) !== JSON.stringify(sessionRow(last)))
      return 'the session is not the one of the last commit'
    return last
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return `${error.kind}: ${error.message}`
  }
}

const open = (disk: FaultFiles): Promise<Store> => openSqlite({ files: disk, key: KEY, path: 'the test disk' })

const SEED = seedOfRun(2024)
/** Against hangs: ten times what 500 cuts take on a machine that does nothing else. A long run has none. */
const timeout = process.env.TULNIC_LONG ? 0 : 400_000

test(`no acknowledged message is lost in a power cut, and nothing is corrupt (seed ${SEED})`, { timeout }, async () => {
  const outcome = await cutPower(amount('cuts', 500), SEED, false)
  console.log(`power cuts: ${JSON.stringify(outcome)}, seed ${SEED}`)
  expect(outcome).toMatchObject({ lost: 0, corrupt: 0 })
  expect(outcome.acknowledged).toBeGreaterThan(outcome.cuts)
  expect(outcome.forgotten).toBeGreaterThan(outcome.cuts / 20)
})

test('wherever its making is cut, even with nothing of the first page on the disk, a database opens afterwards, and again', async () => {
  for (let operations = 1; operations < 25; operations++) {
    // Names survive, and whatever was synced: of the rest at most the size.
    const disk = new FaultFiles({ random: () => 0.99 })
    disk.operationsLeft = operations
    await open(disk).then(
      (store) => store.close(),
      () => undefined,
    )
    disk.cut()
    const store = await open(disk)
    await store.commit([putMessage(messageRow(1))])
    await store.close()
    const again = await open(disk)
    expect(await again.last(), `cut at operation ${operations}`).toMatchObject({ message: 1 })
    await again.close()
  }
})

test(`the control: on a disk whose sync does nothing, messages are lost (seed ${SEED})`, async () => {
  const { lost, corrupt } = await cutPower(30, SEED, true)
  expect(lost + corrupt).toBeGreaterThan(0)
})
