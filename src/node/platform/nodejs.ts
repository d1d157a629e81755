/**
 * The machine under Node.js: clock, randomness, one timer, and a data directory with the key file and the database.
 *
 *     data directory   0700
 *       key.json       0600   how to get at the database's key
 *       profile.db     0600   encrypted, with profile.db-wal beside it while open
 *
 * Holds: the directory and what lies in it are for their owner alone, whatever the umask says; the key file is either
 * the old one or the new one, never a part of one.
 */
import { argon2, randomFillSync } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { fromBase64Url, toBase64Url, type Random } from '../../protocol/index.ts'
import { systemFailure } from '../store/sqlite-failures.ts'
import { nodejsFiles, syncFolder } from '../store/sqlite-files.ts'
import { makeSqlite, openSqlite } from '../store/sqlite.ts'
import { DATABASE_FILE } from '../store/sqlite-opening.ts'
import { StoreError } from '../store/store.ts'
import { nodejs } from './nodejs-primitives.ts'
import type { KeyFile, Platform } from './platform.ts'

export const KEY_FILE = 'key.json'

/** The longest time that a timer of Node.js can wait; longer ones are waited for in pieces. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
const DATABASE_KEY_BYTES = 32
/** Bytes drawn from the system at once: a draw costs about a microsecond whatever its size. */
const POOL_BYTES = 4096

/** Makes the directory, or takes others' permissions away from it. Rejects with a {@link StoreError}. */
export async function nodejsPlatform(dataDirectory: string): Promise<Platform> {
  const path = resolve(dataDirectory)
  attempt(path, () => keepPrivate(path))
  return {
    path,
    primitives: nodejs,
    random: pooledRandom(),
    now: Date.now,
    wake: wakeOnce(),
    turn: () => new Promise((resolve) => setImmediate(resolve)),
    readKeyFile: async () => readKeyFile(path),
    writeKeyFile: async (file) => attempt(path, () => writeKeyFile(path, file)),
    argon2id,
    makeStore: (key) => makeSqlite({ files: nodejsFiles(path), key, path }),
    openStore: (key) => openSqlite({ files: nodejsFiles(path), key, path, existing: true }),
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw systemFailure(error, path) ?? error
  }
}

function keepPrivate(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (process.platform === 'win32') return
  narrow(path, 0o700)
  for (const name of [KEY_FILE, DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-journal`])
    narrow(join(path, name), 0o600)
}

/** Sets the permissions where they are not just these. */
function narrow(path: string, mode: number): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found !== undefined && (found.mode & 0o777) !== mode) chmodSync(path, mode)
}

/** Fresh bytes, drawn in larger pieces; what was handed out is wiped from the pool. */
function pooledRandom(): Random {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  return (n) => {
    if (n > POOL_BYTES / 4) return randomFillSync(new Uint8Array(n))
    if (used + n > POOL_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    const bytes = pool.slice(used, used + n)
    pool.fill(0, used, used + n)
    used += n
    return bytes
  }
}

function wakeOnce(): Platform['wake'] {
  let current: { timer: NodeJS.Timeout | undefined } | undefined
  return (at, callback) => {
    clearTimeout(current?.timer)
    const own = { timer: undefined as NodeJS.Timeout | undefined }
    current = own
    // A timer may fire a millisecond early, and waits no longer than 24 days.
    const wait = (): void => {
      if (at > Date.now()) own.timer = setTimeout(wait, Math.min(at - Date.now(), LONGEST_TIMER_MS))
      else callback()
    }
    own.timer = setTimeout(wait, Math.min(Math.max(0, at - Date.now()), LONGEST_TIMER_MS))
    return () => clearTimeout(own.timer)
  }
}

function readKeyFile(path: string): KeyFile | null {
  const file = join(path, KEY_FILE)
  if (!existsSync(file)) return null
  const text = attempt(path, () => readFileSync(file, 'utf8'))
  const decoded = decodeKeyFile(text)
  if (decoded instanceof Error)
    throw new StoreError(
      'damaged',
      `The key file ${file} is damaged (${decoded.message}): restore it or a backup of the profile.`,
    )
  return decoded
}

function writeKeyFile(path: string, file: KeyFile): void {
  const fresh = join(path, `${KEY_FILE}.new`)
  rmSync(fresh, { force: true })
  const handle = openSync(fresh, 'wx', 0o600)
  try {
    fchmodSync(handle, 0o600)
    writeFileSync(handle, encodeKeyFile(file))
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(fresh, join(path, KEY_FILE))
  syncFolder(path)
}

function encodeKeyFile({ version, finished, argon2id, wrapped }: KeyFile): string {
  const parameters = argon2id === null ? null : { ...argon2id, salt: toBase64Url(argon2id.salt) }
  return `${JSON.stringify({ version, finished, argon2id: parameters, wrapped: toBase64Url(wrapped) }, null, 2)}\n`
}

/** The file, or what is wrong with it. */
function decodeKeyFile(text: string): KeyFile | Error {
  const parsed = parseJson(text)
  if (!isObject(parsed)) return new Error('it is no JSON object')
  const { version, finished = true } = parsed
  if (version !== 1) return new Error('its version is not 1')
  if (typeof finished !== 'boolean') return new Error('it does not say whether the profile was finished')
  const wrapped = bytes(parsed.wrapped)
  if (wrapped === undefined) return new Error('its key cannot be read')
  if (parsed.argon2id === null) return { version, finished, argon2id: null, wrapped }
  const parameters = decodeParameters(parsed.argon2id)
  return parameters === undefined
    ? new Error('its parameters cannot be read')
    : { version, finished, argon2id: parameters, wrapped }
}

function decodeParameters(value: unknown): NonNullable<KeyFile['argon2id']> | undefined {
  if (!isObject(value)) return undefined
  const salt = bytes(value.salt)
  const { passes, memoryKiB, parallelism } = value
  if (salt === undefined || !isCount(passes) || !isCount(memoryKiB) || !isCount(parallelism)) return undefined
  return { salt, passes, memoryKiB, parallelism }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function bytes(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' ? fromBase64Url(value) : undefined
}

/** RFC 9106 Argon2id, off the main thread. */
function argon2id(
  passphrase: string,
  { salt, passes, memoryKiB, parallelism }: NonNullable<KeyFile['argon2id']>,
): Promise<Uint8Array> {
  if (typeof argon2 !== 'function') throw new Error('This Node.js has no Argon2id: use version 24.7 or later.')
  const parameters = {
    message: passphrase,
    nonce: salt,
    passes,
    memory: memoryKiB,
    parallelism,
    tagLength: DATABASE_KEY_BYTES,
  }
  return new Promise((done, failed) => {
    argon2('argon2id', parameters, (error, key) => (error === null ? done(new Uint8Array(key)) : failed(error)))
  })
}
