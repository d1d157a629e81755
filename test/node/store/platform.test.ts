/** The machine under Node.js: key file, timer, randomness, Argon2id. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KEY_FILE, nodejsPlatform } from '../../../src/node/platform/nodejs.ts'
import { checkPinned } from '../../../src/node/store/sqlite-wasm.ts'
import { bytes, KEY, temporaryFolder } from './rows.ts'

const parameters = { salt: bytes('salt'), passes: 3, memoryKiB: 64, parallelism: 4 }

test('the key file comes back as it was written, and is replaced as a whole', async () => {
  const folder = join(temporaryFolder(), 'a', 'b')
  const platform = await nodejsPlatform(folder)
  expect(platform.path).toBe(folder)
  expect(await platform.readKeyFile()).toBeNull()
  const bare = { version: 1, finished: true, argon2id: null, wrapped: KEY } as const
  const sealed = { version: 1, finished: false, argon2id: parameters, wrapped: bytes('sealed', 104) } as const
  for (const file of [bare, sealed, bare]) {
    // A half-written one from a crash is in nobody's way.
    writeFileSync(join(folder, `${KEY_FILE}.new`), '{"vers')
    await platform.writeKeyFile(file)
    expect(await platform.readKeyFile()).toEqual(file)
    expect(readdirSync(folder)).toEqual([KEY_FILE])
  }
})

test('a damaged key file is refused with a sentence that names it', async () => {
  const folder = temporaryFolder()
  const platform = await nodejsPlatform(folder)
  await platform.writeKeyFile({ version: 1, finished: true, argon2id: parameters, wrapped: KEY })
  const good = readFileSync(join(folder, KEY_FILE), 'utf8')
  const parsed = JSON.parse(good)
  const damaged = [
    '',
    good.slice(0, 40),
    '[]',
    JSON.stringify({ ...parsed, version: 2 }),
    JSON.stringify({ ...parsed, wrapped: 'not base64url!' }),
    JSON.stringify({ ...parsed, argon2id: { ...parsed.argon2id, passes: -1 } }),
    JSON.stringify({ ...parsed, argon2id: undefined }),
    JSON.stringify({ ...parsed, finished: 1 }),
  ]
  for (const text of damaged) {
    writeFileSync(join(folder, KEY_FILE), text)
    await expect(platform.readKeyFile(), text).rejects.toMatchObject({
      name: 'StoreError',
      kind: 'damaged',
      message: expect.stringContaining(KEY_FILE),
    })
  }
})

test('a place that can hold no directory is refused with a sentence', async () => {
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  await expect(nodejsPlatform(join(file, 'inside'))).rejects.toMatchObject({ name: 'StoreError' })
  expect(existsSync(file)).toBe(true)
})

test('Argon2id is that of the reference implementation, and every parameter matters', async () => {
  const platform = await nodejsPlatform(temporaryFolder())
  const key = await platform.argon2id('correct horse', parameters)
  expect(key).toHaveLength(32)
  expect(await platform.argon2id('correct horse', parameters)).toEqual(key)
  for (const other of [{ passes: 4 }, { memoryKiB: 128 }, { parallelism: 1 }, { salt: bytes('pepper') }]) {
    expect(await platform.argon2id('correct horse', { ...parameters, ...other })).not.toEqual(key)
  }
  // The reference implementation's own test: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1.
  const reference = await platform.argon2id('password', {
    salt: new TextEncoder().encode('somesalt'),
    passes: 2,
    memoryKiB: 65_536,
    parallelism: 1,
  })
  expect(Buffer.from(reference).toString('hex')).toBe(
    '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7',
  )
})

test('random bytes never repeat, whatever their length', async () => {
  const { random } = await nodejsPlatform(temporaryFolder())
  const drawn = new Set<string>()
  for (let i = 0; i < 5000; i++) {
    const fresh = random([16, 24, 32, 1500][i % 4] as number)
    expect(fresh.some((byte) => byte !== 0)).toBe(true)
    drawn.add(Buffer.from(fresh).toString('hex'))
  }
  expect(drawn.size).toBe(5000)
  expect(random(0)).toHaveLength(0)
})

test('a timer calls back once, the newest replaces the others, and it can be taken back', async () => {
  const { wake, now } = await nodejsPlatform(temporaryFolder())
  const called: string[] = []
  await new Promise<void>((done) => {
    wake(now() + 1, () => called.push('replaced'))
    // Further away than any timer reaches: it would otherwise call back at once.
    wake(now() + 2 ** 33, () => called.push('far'))()
    const takeBack = wake(now(), () => called.push('taken back'))
    takeBack()
    wake(now() - 1000, () => {
      called.push('past')
      wake(now() + 5, () => {
        called.push('next')
        done()
      })
      // Taking back an older one does not touch the newest.
      takeBack()
    })
  })
  expect(called).toEqual(['past', 'next'])
})

test('the database program is the pinned one', () => {
  expect(() => checkPinned(new Uint8Array([0, 97, 115, 109]), 'x.wasm')).toThrow('install tulnic again')
})
