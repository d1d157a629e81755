/**
 * Where the sockets of a data directory are, and how to name one that is too deep to be named.
 *
 * A socket's address has room for 107 bytes (103 on some systems). A longer one is reached through a symbolic link in a
 * private folder (0700, a fresh random name) that exists while the address is used: the socket itself always lies in the
 * data directory, so that two processes with different temporary folders still meet.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Bytes of a socket's address without the closing zero: the smaller of Linux's 107 and macOS's 103. */
const ADDRESS_LIMIT = 103

/** Runs `use` with a name of `file` in `directory` that fits into a socket's address. */
export async function withSocketPath<T>(
  directory: string,
  file: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, file)
  if (Buffer.byteLength(path) <= ADDRESS_LIMIT) return await use(path)
  const folder = shortFolder(file)
  try {
    symlinkSync(realpathSync(directory), join(folder, 'd'))
    return await use(join(folder, 'd', file))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function shortFolder(file: string): string {
  for (const parent of [tmpdir(), '/tmp']) {
    if (Buffer.byteLength(join(parent, 'tulnic-XXXXXX', 'd', file)) <= ADDRESS_LIMIT)
      return mkdtempSync(join(parent, 'tulnic-'))
  }
  return mkdtempSync('/tmp/tulnic-')
}

/** The named pipe of a data directory under Windows, where a pipe lives and ends with its process. */
export function pipeOf(directory: string): string {
  const name = createHash('sha256').update(realpathSync(directory).toLowerCase()).digest('hex').slice(0, 32)
  return `\\\\.\\pipe\\tulnic-${name}`
}
