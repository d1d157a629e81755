/**
 * The folder in which a database lies, as synchronous file operations: the real one, or one that fails on purpose.
 *
 * Holds: names are plain file names inside the one folder; failures throw Node.js's errors, whose `code` says which.
 */
import {
  closeSync,
  existsSync,
  fchmodSync,
  fdatasyncSync,
  fsyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/** An open file. */
export type Handle = number

/** What the database asks of its folder. Each may throw an error with a `code` such as ENOSPC. */
export interface Files {
  /** Opens for reading and writing; makes the file, 0600, where `create` says so. `made`: it was not there. */
  open(name: string, create: boolean): { readonly handle: Handle; readonly made: boolean }
  close(handle: Handle): void
  /** How many bytes were read: fewer than asked only at the end of the file. */
  read(handle: Handle, into: Uint8Array, at: number): number
  /** How many bytes were written: may be fewer than given. */
  write(handle: Handle, from: Uint8Array, at: number): number
  truncate(handle: Handle, size: number): void
  /** The file's bytes and size are on the disk when this returns. */
  sync(handle: Handle): void
  /** The names in the folder are on the disk when this returns. */
  syncFolder(): void
  size(handle: Handle): number
  remove(name: string): void
  exists(name: string): boolean
  /** Bytes of a file by name, 0 if there is none. */
  sizeOf(name: string): number
}

/** The files of a real folder. */
export function nodejsFiles(folder: string): Files {
  return {
    open(name, create) {
      const path = join(folder, name)
      const made = create && !existsSync(path)
      const handle = openSync(path, made ? 'wx+' : 'r+', 0o600)
      // Whatever the umask takes away, the owner may read and write.
      if (made) fchmodSync(handle, 0o600)
      return { handle, made }
    },
    close: closeSync,
    read: (handle, into, at) => readSync(handle, into, 0, into.length, at),
    write: (handle, from, at) => writeSync(handle, from, 0, from.length, at),
    truncate: ftruncateSync,
    sync: fdatasyncSync,
    syncFolder: () => syncFolder(folder),
    size: (handle) => fstatSync(handle).size,
    remove: (name) => rmSync(join(folder, name), { force: true }),
    exists: (name) => existsSync(join(folder, name)),
    sizeOf: (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0,
  }
}

/** Makes creations, renames and removals in a folder durable. Windows knows no such thing: there it does nothing. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
