/**
 * Where the package's own files are, and which version it is: the same from `src/node/server` and from `dist/node/server`.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder of the package. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../../../', import.meta.url))

/** The built app. */
export const APP_FOLDER = fileURLToPath(new URL('../../../dist/ui/', import.meta.url))

/** The package's version. */
export function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  return version
}
