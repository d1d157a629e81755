/** Where a profile lies if nobody says: each system's place for a program's own data. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** `--data`, else `TULNIC_DATA`, else the system's place; absolute. */
export function dataDirectory(given: string | undefined, env: NodeJS.ProcessEnv): string {
  return resolve(given ?? (env.TULNIC_DATA || undefined) ?? defaultDirectory(env))
}

function defaultDirectory(env: NodeJS.ProcessEnv): string {
  if (process.platform === 'win32') return join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'tulnic')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'tulnic')
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'tulnic')
}
