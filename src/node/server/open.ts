/**
 * Opens the app in the person's browser without showing the code to anybody: `ps` lists the arguments of every program,
 * so the browser is given a file (0600, in the data directory) that leads on to the address.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { removeLeftover } from './remove.ts'

/** As long as a code lives. */
const FILE_LIFE_MS = 60_000
const FILE_NAME = /^open-[0-9a-f]{16}\.html$/

/** Opens `url` (an address of the door, with a code). `false` if this machine has nothing to open it with. */
export async function openInBrowser(directory: string, url: string): Promise<boolean> {
  removeOldFiles(directory)
  const file = join(directory, `open-${randomBytes(8).toString('hex')}.html`)
  writeFileSync(file, redirectTo(url), { mode: 0o600, flag: 'wx' })
  return await launch(file)
}

/** Removes redirect files whose code has expired; `all`: the others too. */
export function removeOldFiles(directory: string, all = false): void {
  for (const name of namesIn(directory)) {
    if (!FILE_NAME.test(name)) continue
    const path = join(directory, name)
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
    if (all || age > FILE_LIFE_MS) removeLeftover(path)
  }
}

/** Nothing of a folder that is gone. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** A page that leads to `url`, which holds no character that HTML would read. */
function redirectTo(url: string): string {
  if (!/^http:\/\/[\w.:[\]]+\/#code=[\w-]+$/.test(url)) throw new Error('not an address of the door')
  return `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>tulnic</title><meta http-equiv="refresh" content="0;url=${url}"><p><a href="${url}">tulnic</a>\n`
}

function launcher(file: string): readonly [string, readonly string[]] {
  if (process.platform === 'darwin') return ['open', [file]]
  if (process.platform === 'win32') return ['cmd', ['/c', 'start', '""', file]]
  return ['xdg-open', [file]]
}

async function launch(file: string): Promise<boolean> {
  const [command, args] = launcher(file)
  const child = spawn(command, args, { detached: true, stdio: 'ignore' })
  const started = await new Promise<boolean>((resolve) => {
    child.once('spawn', () => resolve(true))
    child.once('error', () => resolve(false))
  })
  child.unref()
  return started
}
