/**
 * Where the package's own files are, seen from this file: the same from `src/node/cli` and from `dist/node/cli`.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder of the package. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../../../', import.meta.url))

/** The built app. */
export const APP_FOLDER = fileURLToPath(new URL('../../../dist/ui/', import.meta.url))

/** The package's version. */
export function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  return version
}
