/**
 * What goes wrong in the database, in words for people: SQLite's result codes and the system's errors become one
 * {@link StoreError} each, with one sentence that says what happened and what to do.
 *
 * Holds: the sentences name no content.
 */
import { SqliteError } from './sqlite-database.ts'
import { StoreError } from './store.ts'

type Kind = StoreError['kind']

const SYSTEM: Readonly<Record<string, { readonly kind: Kind; readonly sentence: string }>> = {
  ENOSPC: { kind: 'full', sentence: 'The disk is full: free some space, then start again.' },
  EDQUOT: { kind: 'full', sentence: 'Your disk quota is used up: free some space, then start again.' },
  EROFS: {
    kind: 'read-only',
    sentence: 'The disk is read-only: make it writable or move the profile, then start again.',
  },
  EACCES: {
    kind: 'read-only',
    sentence: 'The profile may not be written: give yourself write permission on its folder, then start again.',
  },
  EPERM: {
    kind: 'read-only',
    sentence: 'The profile may not be written: give yourself write permission on its folder, then start again.',
  },
  EMFILE: {
    kind: 'io',
    sentence: 'This program has too many files open: raise its limit (ulimit -n), then start again.',
  },
  ENFILE: { kind: 'io', sentence: 'The system has too many files open: close other programs, then start again.' },
  EIO: {
    kind: 'io',
    sentence: 'The disk reports an error: check its health and copy the profile to another disk, then start again.',
  },
}

const CODES: Readonly<Record<number, { readonly kind: Kind; readonly sentence: string }>> = {
  8: { kind: 'read-only', sentence: 'The profile is read-only: make it writable, then start again.' },
  11: damage(),
  13: { kind: 'full', sentence: 'The disk is full: free some space, then start again.' },
  26: damage(),
}

function damage(): { readonly kind: Kind; readonly sentence: string } {
  return {
    kind: 'damaged',
    sentence:
      'The database is damaged and nothing wrong was read from it: keep a copy of the folder, then restore a backup, or move the folder away and begin a new profile.',
  }
}

const WRONG_KEY =
  'The key does not open the database: it belongs to another profile, or the first bytes of the file are damaged.'

/** `undefined` for a caller's mistake or a mistake of this program. `path`: where the profile lies, for people. */
export function storeError(error: unknown, path: string): StoreError | undefined {
  if (error instanceof StoreError) return error
  if (!(error instanceof SqliteError)) return systemFailure(error, path)
  const system = systemFailure(error.system, path)
  if (system !== undefined) return system
  const code = error.code & 0xff
  if (code === CONSTRAINT || code === MISMATCH || code === MISUSE) return undefined
  const { kind, sentence } = CODES[code] ?? { kind: 'io', sentence: `The database cannot be used (${error.message}).` }
  return new StoreError(kind, `${sentence} (${path})`, { cause: error })
}

const CONSTRAINT = 19
const MISMATCH = 20
const MISUSE = 21

/** For a key that does not open the file. */
export function wrongKey(path: string): StoreError {
  return new StoreError('key', `${WRONG_KEY} (${path})`)
}

/** For a file that a later version wrote. */
export function writtenByLater(path: string, found: number, known: number): StoreError {
  return new StoreError(
    'newer',
    `The profile was written by a later version of tulnic (format ${found}, this one knows ${known}): use that version. Nothing was changed. (${path})`,
  )
}

/** What the system's error means; `undefined` for anything that is not a system error. */
export function systemFailure(error: unknown, path: string): StoreError | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  const { kind, sentence } = SYSTEM[error.code] ?? {
    kind: 'io',
    sentence: `The profile's folder cannot be used (${error.code}): check the disk, then start again.`,
  }
  return new StoreError(kind, `${sentence} (${path})`, { cause: error })
}
