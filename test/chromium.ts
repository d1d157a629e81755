/**
 * The Chromium that the browser tests drive: `CHROMIUM` of the environment, else an installed one, else the one that
 * `npm test` fetched from the package registry, else none: then those tests are skipped, by name.
 *
 *     describe.skipIf(!chromium)('the first minute', () => { const browser = await launch() … })
 *
 * Holds: nothing is launched by importing this file; the browser contacts nobody by itself.
 */
import { accessSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Browser, type LaunchOptions, chromium as playwright } from 'playwright-core'
import installed from '../scripts/chromium/installed.json' with { type: 'json' }

const FETCHED = fileURLToPath(new URL('../scripts/chromium/node_modules/.unpacked/run', import.meta.url))

/** No sandbox: tests run as root in containers too. No QUIC and no background traffic: what is captured is ours. */
export const flags: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The path of the program; `undefined`: there is none on this machine. */
export const chromium: string | undefined = (
  process.env.CHROMIUM ? [process.env.CHROMIUM] : [...installed, FETCHED]
).find(runs)

/** Starts it. `more` are flags added to {@link flags}. Throws where there is none: skip those tests by {@link chromium}. */
export function launch(more: readonly string[] = [], options: LaunchOptions = {}): Promise<Browser> {
  if (!chromium) throw new Error('no Chromium on this machine: install one, or set CHROMIUM to its path')
  return playwright.launch({ executablePath: chromium, args: [...flags, ...more], ...options })
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
