/**
 * Making and opening the encrypted database file: what it holds is looked at before anything in it is changed, then it is
 * unlocked, set up and brought to this program's version.
 *
 * Holds: what SQLite keeps outside the file stays in memory (`temp_store=MEMORY`), so no file but the encrypted ones is
 * ever written; where opening fails nothing was changed.
 */
import { createHash } from 'node:crypto'
import { equal } from '../../protocol/index.ts'
import { SCHEMA, type Migration } from './schema.ts'
import { Database } from './sqlite-database.ts'
import { storeError, writtenByLater, wrongKey } from './sqlite-failures.ts'
import type { Files } from './sqlite-files.ts'
import { StoreError } from './store.ts'

/** The database's file in the data directory; its log is `profile.db-wal`. */
export const DATABASE_FILE = 'profile.db'

/** All files that the database may have. */
export const FILES = [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-journal`]
export const PAGE_BYTES = 4096
/** Where housekeeping never gets its turn, a commit moves the log into the database, at this many pages. */
const CHECKPOINT_LATEST_PAGES = 8000
const CACHE_KIB = 16_000

export interface SqliteOptions {
  readonly files: Files
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Where the profile lies, for the sentences that people read. */
  readonly path: string
  readonly schema?: readonly Migration[]
  /** Where there is no database, or an empty file: rejects `damaged` instead of making one. */
  readonly existing?: boolean
}

/** Removes all that is left of a database that was there. Throws a {@link StoreError}. */
export function removeDatabase({ files, path }: Pick<SqliteOptions, 'files' | 'path'>): void {
  try {
    for (const name of FILES) files.remove(name)
    // An old log that came back after a power cut would be taken for the new one's.
    files.syncFolder()
  } catch (error) {
    throw storeError(error, path) ?? error
  }
}

/** Opens the database, or makes it, at this program's version. Rejects with a {@link StoreError}, and then nothing was changed. */
export async function openDatabase(options: SqliteOptions): Promise<Database> {
  const { files, key, path, schema = SCHEMA, existing = false } = options
  if (key.length !== 32) throw new TypeError('a database key has 32 bytes')
  if (existing && (files.sizeOf(DATABASE_FILE) === 0 || isOnlyBegun(files))) throw gone(path)
  if (isOnlyBegun(files)) removeDatabase(options)
  const isNew = !FILES.some((name) => files.sizeOf(name) > 0)
  let database: Database | undefined
  try {
    checkFile(files, key, path)
    database = await Database.open(files, DATABASE_FILE)
    unlock(database, key)
    migrate(database, schema, path)
    return database
  } catch (error) {
    database?.close()
    if (isNew) removeAll(files)
    throw storeError(error, path) ?? error
  }
}

/**
 * The power went while the database was made: its first page was written under a rollback journal, as nothing is later, and in a
 * single page nothing is stored. Whatever of that page reached the disk would be taken for the file's key check.
 */
function isOnlyBegun(files: Files): boolean {
  return files.exists(`${DATABASE_FILE}-journal`) && files.sizeOf(DATABASE_FILE) <= PAGE_BYTES
}

/** A database that could not be made holds nothing: it must not be taken for another key's later. */
function removeAll(files: Files): void {
  try {
    for (const name of FILES) files.remove(name)
  } catch {
    // The first failure is the one to tell.
  }
}

/**
 * The first 16 bytes of the file, where SQLite would put a random salt: this file's key needs none, so they say which
 * key belongs to the file. A wrong key and a damaged page are thereby told apart.
 */
function keyCheck(key: Uint8Array): Buffer {
  return createHash('sha256').update('tulnic database key check').update(key).digest().subarray(0, 16)
}

/** Throws for another key's file and for one cut short, where no log explains it. */
function checkFile(files: Files, key: Uint8Array, path: string): void {
  const size = files.sizeOf(DATABASE_FILE)
  if (size === 0 || files.exists(`${DATABASE_FILE}-journal`)) return
  const { handle } = files.open(DATABASE_FILE, false)
  try {
    const head = new Uint8Array(16)
    const read = files.read(handle, head, 0)
    if (read === head.length && !equal(head, keyCheck(key))) throw wrongKey(path)
    if (size % PAGE_BYTES !== 0 && !files.exists(`${DATABASE_FILE}-wal`)) throw cutShort(path)
  } finally {
    files.close(handle)
  }
}

/** Opening would make it anew, and throw away the log of what it held. */
function gone(path: string): StoreError {
  return new StoreError(
    'damaged',
    `The database is gone or empty; nothing was changed: put its file (${DATABASE_FILE}) back or restore a backup, or move the folder away and begin a new profile. (${path})`,
  )
}

function cutShort(path: string): StoreError {
  return new StoreError(
    'damaged',
    `The database is cut short: keep a copy of the folder, then restore a backup, or move the folder away and begin a new profile. (${path})`,
  )
}

function unlock(database: Database, key: Uint8Array): void {
  database.run(`pragma cipher = 'chacha20'`)
  database.runSecret(`pragma key = "x'${Buffer.from(key).toString('hex')}${keyCheck(key).toString('hex')}'"`)
  for (const pragma of [
    'temp_store = memory',
    'locking_mode = exclusive',
    'auto_vacuum = none',
    'journal_mode = wal',
    'synchronous = normal',
    'secure_delete = on',
    'cell_size_check = on',
    'trusted_schema = off',
    `cache_size = -${CACHE_KIB}`,
    `wal_autocheckpoint = ${CHECKPOINT_LATEST_PAGES}`,
    `journal_size_limit = ${CHECKPOINT_LATEST_PAGES * PAGE_BYTES}`,
  ]) {
    database.run(`pragma ${pragma}`)
  }
  if (database.run('pragma journal_mode')[0] !== 'wal')
    throw new StoreError('io', 'The database has no write-ahead log: its folder cannot be used.')
}

function migrate(database: Database, schema: readonly Migration[], path: string): void {
  const known = schema.at(-1)?.to ?? 0
  const found = Number(database.run('pragma user_version')[0])
  if (found > known) throw writtenByLater(path, found, known)
  for (const { to, statements } of schema) {
    if (to <= found) continue
    database.run('begin immediate')
    for (const statement of statements) database.run(statement)
    database.run(`pragma user_version = ${to}`)
    database.run('commit')
  }
}
