/**
 * Two processes with a raw side each (raw-exchanges.ts), as our two nodes are.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RawCalls } from './raw-side.ts'
import type { Traffic } from './traffic.ts'
import { startWorker } from './worker.ts'

export interface RawPair {
  /** Milliseconds of `count` messages one by one, measured in the first process. */
  readonly echo: (count: number) => Promise<readonly number[]>
  readonly stored: (count: number) => Promise<readonly number[]>
  /** Milliseconds for `count` messages from the first to the second. */
  readonly forth: (count: number) => Promise<number>
  readonly back: (count: number) => Promise<number>
  /** What each has sent so far. */
  readonly traffic: () => Promise<readonly Traffic[]>
}

/** Two sides for as long as `use` runs; their files go afterwards. */
export async function withRawPair<T>(use: (pair: RawPair) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-bench-'))
  const [one, two] = [startWorker<RawCalls>('raw-side.ts'), startWorker<RawCalls>('raw-side.ts')]
  try {
    const toOne = await one.ask('start', join(folder, 'one.db'))
    const toTwo = await two.ask('start', join(folder, 'two.db'))
    return await use({
      echo: (count) => one.ask('echo', { to: toTwo, count }),
      stored: (count) => one.ask('stored', { to: toTwo, count }),
      forth: (count) => one.ask('flood', { to: toTwo, count }),
      back: (count) => two.ask('flood', { to: toOne, count }),
      traffic: () => Promise.all([one.ask('traffic'), two.ask('traffic')]),
    })
  } finally {
    await Promise.all([one.stop(), two.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
}
