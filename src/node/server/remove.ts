/**
 * Removing what is left over in the data directory: sockets on which nobody listens, files whose code has expired.
 *
 * Holds: a disk that does not let go of it (read-only, faulty) stops nobody: what stays harms nobody, and the next start tries again.
 */
import { rmSync } from 'node:fs'

export function removeLeftover(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Said above.
  }
}
