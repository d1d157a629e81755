/**
 * The app as it is built, behind the real local door, with a fake node behind that, in a real Chromium.
 *
 * Holds: whatever the page logs as an error, throws or is refused by the policy is kept in `faults`; the caller expects none.
 */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { readAssets } from '../../src/node/server/assets.ts'
import { type Door, openDoor } from '../../src/node/server/door.ts'
import type { FakeNode } from './fake-node.ts'

/** Every wait ends after this, whatever the machine. */
export const PATIENCE_MS = 30_000

/** Builds the app into a folder of its own; returns the folder. */
export async function buildApp(): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), 'tulnic-ui-'))
  const configFile = fileURLToPath(new URL('../../vite.config.ts', import.meta.url))
  await build({ configFile, logLevel: 'error', build: { outDir, emptyOutDir: true } })
  return outDir
}

export interface Served {
  readonly door: Door
  readonly directory: string
  /** Ends the door as a stopping node does. */
  stop(): Promise<void>
}

/** A door on any port with `node` behind it; `again` is an earlier one whose port and token it keeps. */
export async function serve(app: string, node: FakeNode, again?: Served): Promise<Served> {
  const directory = again?.directory ?? mkdtempSync(join(tmpdir(), 'tulnic-door-'))
  const door = await openDoor({
    directory,
    port: again?.door.port ?? 0,
    assets: readAssets(app),
    served: { node: Promise.resolve(node), stop: () => undefined },
    warn: () => undefined,
  })
  return { door, directory, stop: () => door.close() }
}

export interface Window {
  readonly page: Page
  readonly faults: string[]
  close(): Promise<void>
}

/** Opens a window with a fresh code, or at `url`. */
export async function openWindow(
  browser: Browser,
  served: Served,
  options: BrowserContextOptions = {},
  url = served.door.openUrl(),
): Promise<Window> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'Europe/Bucharest',
    ...options,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`threw: ${error.message}`))
  page.on('console', (message) => {
    // A socket or fetch that finds no door is what some tests are about; the browser logs it by itself.
    if (
      message.type() === 'error' &&
      !/net::ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|status of 40[13]|WebSocket connection/.test(message.text())
    )
      faults.push(message.text())
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    )
  })
  await page.goto(url)
  return { page, faults, close: () => context.close() }
}

export const remove = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true })
