/**
 * P10: the start of a profile with 100 000 stored messages, until `ready` and until the list of conversations is there; and the
 * memory that is resident when it then rests, connected. Its peer (Jami) is not on npm: none is measured here.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { loadResident } from '../../src/node/engine/load.ts'
import { nodejsPlatform } from '../../src/node/platform/nodejs.ts'
import { storeHistory } from './history.ts'
import { Program, withProfiles } from './program.ts'
import { type Bench, judged } from './result.ts'

const HISTORY = 100_000
const ROUNDS = 5
/** What start-up leaves behind is collected by then, and housekeeping has become rare. */
const IDLE_MS = 15_000

export const bench: Bench = () =>
  withProfiles(async (alice, bob) => {
    for (const directory of [alice, bob]) await fill(directory)
    const other = new Program(bob, ['--no-mdns'])
    await other.ready()
    const times: number[] = []
    for (let round = 1; round < ROUNDS; round++) {
      const { ms, program } = await start(alice)
      times.push(ms)
      await program.stop()
    }
    const { ms, program } = await start(alice)
    times.push(ms)
    await delay(IDLE_MS)
    const megabytes = program.residentMegabytes()
    await Promise.all([program.stop(), other.stop()])
    times.sort((a, b) => a - b)
    const stored = HISTORY.toLocaleString('en')
    const results = [
      judged({
        id: 'P10',
        what: `start with ${stored} messages until the list is there, median of ${ROUNDS}`,
        value: (times[ROUNDS >> 1] ?? 0) / 1000,
        unit: 's',
        bar: { of: 'value', atMost: 2 },
      }),
    ]
    if (megabytes === undefined) return results
    const what = `resident memory after ${IDLE_MS / 1000} s, connected, ${stored} messages`
    return [...results, judged({ id: 'P10', what, value: megabytes, unit: 'MB', bar: { of: 'value', atMost: 200 } })]
  })

async function fill(directory: string): Promise<void> {
  const platform = await nodejsPlatform(directory)
  const file = await platform.readKeyFile()
  if (file === null) throw new Error('there is no profile')
  const store = await platform.openStore(file.wrapped)
  await storeHistory(
    store,
    await loadResident(platform.primitives, store),
    platform.primitives,
    HISTORY,
    platform.now(),
  )
  await store.close()
}

async function start(directory: string): Promise<{ ms: number; program: Program }> {
  const begun = performance.now()
  const program = new Program(directory, ['--no-mdns'])
  const client = await program.ready()
  const [conversation] = await client.call('conversations')
  if (conversation?.last === null || conversation === undefined) throw new Error('the history is not there')
  await client.call('history', { to: conversation.contact.id, limit: 50 })
  return { ms: performance.now() - begun, program }
}
