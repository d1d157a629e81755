/** SIGKILL of a process that commits: what it had acknowledged is there, whole, when the next one opens the file. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { amount } from '../../amount.ts'
import { below, seeded, seedOfRun } from '../../protocol/seeded.ts'
import { KEY, openIn, temporaryFolder, tidyAll } from './rows.ts'

const SEED = seedOfRun(9)

/** Lets a child run until it acknowledged `count` messages more, kills it, and answers the last number that it printed. */
async function runAndKill(folder: string, count: number): Promise<number> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'kill-child.ts'), folder, Buffer.from(KEY).toString('hex')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let last = 0
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line)
    if (++seen === count) child.kill('SIGKILL')
  }
  expect(child.signalCode ?? 'SIGKILL').toBe('SIGKILL')
  expect(seen).toBeGreaterThanOrEqual(count)
  return last
}

test(`nothing acknowledged is lost by kill -9 (seed ${SEED})`, async () => {
  const random = seeded(SEED)
  const folder = temporaryFolder()
  for (let kill = 0; kill < amount('kills', 5); kill++) {
    const acknowledged = await runAndKill(folder, 1 + below(random, 150))
    expect(readdirSync(folder)).toContain('profile.db-wal')
    const store = await openIn(folder)
    await tidyAll(store)
    const { message: last, event } = await store.last()
    expect(last).toBeGreaterThanOrEqual(acknowledged)
    // One more may have been stored in the instant between its commit and its line.
    expect(last).toBeLessThanOrEqual(acknowledged + 1)
    expect(event).toBe(last)
    const rows = await store.history({ conversation: 1, limit: 1e9, before: null, search: null })
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: last }, (_, i) => last - i))
    expect((await store.search('message', 1e9)).length).toBe(last)
    await store.close()
    expect(readdirSync(folder)).toEqual(['profile.db'])
  }
})
