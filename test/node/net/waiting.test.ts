import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { within } from '../../../src/node/net/waiting.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const LATE_MS = 20
const MANY = 200

/** Signals that all ended while nobody listened, after a garbage collection. */
async function endedUnheard(make: () => AbortSignal): Promise<readonly AbortSignal[]> {
  const signals = Array.from({ length: MANY }, make)
  await once(AbortSignal.timeout(2 * LATE_MS), 'abort')
  // What was collected is forgotten in a later turn of the loop.
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return signals.filter(({ aborted }) => aborted)
}

test('a time that ran out while nobody listened has run out for whoever asks later', async () => {
  const stopped = new AbortController()
  expect(await endedUnheard(() => within(LATE_MS, stopped.signal))).toHaveLength(MANY)
  // The control: what Node.js has for it does forget. Once this fails, `within` is needed no more.
  const native = await endedUnheard(() => AbortSignal.any([stopped.signal, AbortSignal.timeout(LATE_MS)]))
  expect(native.length).toBeLessThan(MANY)
})

test('it ends with any of the signals, also with one that ended before', async () => {
  const [stopped, left] = [new AbortController(), new AbortController()]
  const signal = within(3_600_000, stopped.signal, left.signal)
  expect(signal.aborted).toBe(false)
  left.abort()
  expect(signal.aborted).toBe(true)
  expect(within(3_600_000, stopped.signal, left.signal).aborted).toBe(true)
  expect(within(3_600_000, stopped.signal).aborted).toBe(false)
})
