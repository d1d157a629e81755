/**
 * The files of the app, read once: what is not in this list does not exist for the door.
 *
 * Holds: a request's path is looked up, never joined to a folder; links are not followed.
 */
import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

export interface Asset {
  readonly bytes: Buffer
  readonly type: string
  /** Its name carries a hash of its content, so it may be kept for ever. */
  readonly hashed: boolean
}

/** By path as requested, `/` for the front page. */
export type Assets = ReadonlyMap<string, Asset>

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
}

/** Vite's names: `name-8 characters of hash.extension`. */
const HASHED = /^\/assets\/[^/]*-[A-Za-z0-9_-]{8}\.[a-z0-9]+$/

/** Reads every file under `folder` whose type is known. Empty if the app was not built. */
export function readAssets(folder: string): Assets {
  const assets = new Map<string, Asset>()
  const pending = [{ folder, path: '/' }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of list(next.folder)) {
      const file = join(next.folder, entry.name)
      const path = next.path + entry.name
      const type = TYPES[extname(entry.name)]
      if (entry.isDirectory()) pending.push({ folder: file, path: `${path}/` })
      else if (entry.isFile() && type !== undefined) {
        assets.set(path === '/index.html' ? '/' : path, { bytes: readFileSync(file), type, hashed: HASHED.test(path) })
      }
    }
  }
  return assets
}

function list(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
