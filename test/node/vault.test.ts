/**
 * A profile that was broken off while it was made is made anew; one that was finished and lost its database is neither made
 * anew nor changed.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { nodejsPlatform } from '../../src/node/platform/nodejs.ts'
import type { Platform } from '../../src/node/platform/platform.ts'
import { createVault, finishedKeyFile, openVault } from '../../src/node/vault.ts'

let folder: string
let platform: Platform

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tulnic-vault-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  platform = await nodejsPlatform(folder)
})

const passphrases = [null, 'correct horse'] as const

async function nameIn(passphrase: string | null): Promise<string | undefined> {
  const file = await finishedKeyFile(platform)
  if (file === null) return undefined
  const { store } = await openVault(platform, file, passphrase)
  const [profile] = await store.all('profile')
  await store.close()
  return profile?.row.name
}

async function made(passphrase: string | null): Promise<void> {
  const { vault } = await createVault(platform, 'Ana', passphrase)
  await vault.store.close()
}

const contents = (): unknown =>
  readdirSync(folder)
    .sort()
    .map((name) => [name, readFileSync(join(folder, name)).toString('base64')])

/** The machine stops before or after the n-th of the things that making a profile does to it. */
function stopping(at: number, after: boolean): Platform {
  let n = 0
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    const last = n++ === at
    if (last && !after) throw new Error('the machine stops')
    const done = await work()
    if (last) throw new Error('the machine stops')
    return done
  }
  return {
    ...platform,
    writeKeyFile: (file) => step(() => platform.writeKeyFile(file)),
    makeStore: (key) =>
      step(async () => {
        const store = await platform.makeStore(key)
        return new Proxy(store, {
          get: (target, property) => {
            if (property === 'commit')
              return (...args: Parameters<typeof store.commit>) => step(() => target.commit(...args))
            const value: unknown = Reflect.get(target, property)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
      }),
  }
}

test.each(passphrases)('wherever its making stops, a profile is made anew (passphrase: %s)', async (passphrase) => {
  // Key file, database, profile, key file.
  for (let at = 0; at < 4; at++) {
    for (const after of [false, true]) {
      const there = at === 3 && after
      await expect(createVault(stopping(at, after), 'Half', passphrase)).rejects.toThrow('the machine stops')
      expect((await finishedKeyFile(platform)) !== null, `step ${at}`).toBe(there)
      if (there) expect(await nameIn(passphrase)).toBe('Half')
    }
  }
})

test.each(passphrases)(
  '…with another passphrase or none, and no trace of the first (before: %s)',
  async (passphrase) => {
    await expect(createVault(stopping(3, false), 'Half', passphrase)).rejects.toThrow('the machine stops')
    const next = passphrase === null ? 'another' : null
    await made(next)
    expect(await nameIn(next)).toBe('Ana')
    await expect(createVault(platform, 'Again', next)).rejects.toMatchObject({ code: 'profile-exists' })
  },
)

test.each(
  passphrases.flatMap((passphrase) => [
    { passphrase, what: 'emptied', harm: (file: string) => writeFileSync(file, '') },
    { passphrase, what: 'removed', harm: (file: string) => rmSync(file) },
    {
      passphrase,
      what: 'emptied beside its log',
      harm: (file: string) => {
        writeFileSync(`${file}-wal`, readFileSync(file))
        writeFileSync(file, '')
      },
    },
  ]),
)('a finished profile whose database was $what is damaged, and nothing is touched', async ({ passphrase, harm }) => {
  await made(passphrase)
  const file = join(folder, 'profile.db')
  const whole = readFileSync(file)
  harm(file)
  const before = contents()
  await expect(nameIn(passphrase)).rejects.toMatchObject({
    name: 'StoreError',
    kind: 'damaged',
    message: expect.stringContaining('gone or empty'),
  })
  await expect(createVault(platform, 'Again', passphrase)).rejects.toMatchObject({ code: 'profile-exists' })
  expect(contents()).toEqual(before)
  rmSync(`${file}-wal`, { force: true })
  writeFileSync(file, whole)
  expect(await nameIn(passphrase)).toBe('Ana')
})

test('a key file from before this was kept counts as finished', async () => {
  await made(null)
  const path = join(folder, 'key.json')
  const { finished, ...older } = JSON.parse(readFileSync(path, 'utf8'))
  expect(finished).toBe(true)
  writeFileSync(path, JSON.stringify(older))
  expect(await nameIn(null)).toBe('Ana')
})
