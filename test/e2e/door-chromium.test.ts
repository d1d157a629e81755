/**
 * S6 in a real browser: what a page that is not the app can do to the local door. Pages of other sites, of another port,
 * in a sandbox, from a file, and of a name that was rebound to this machine, each try everything a page can try, without
 * the token and with it. The control is a door without a guard: the same attacks must get through there.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openInBrowser } from '../../src/node/server/open.ts'
import { chromium, launch } from '../chromium.ts'
import { type OpenDoor, openTestDoor, openUnguardedDoor } from '../node/server/open-doors.ts'

/** Everything a page can try against `origin`; the names of what got through. Runs in the page. */
async function attack({
  origin,
  token,
  code,
}: {
  origin: string
  token: string
  code: string
}): Promise<{ tried: string[]; through: string[] }> {
  const tried: string[] = []
  const through: string[] = []
  const attempt = async (name: string, run: () => Promise<boolean>): Promise<void> => {
    tried.push(name)
    const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), 5000))
    if (await Promise.race([run().catch(() => false), late])) through.push(name)
  }
  const bearer = { Authorization: `Bearer ${token}` }
  const reads = async (path: string, init: RequestInit): Promise<boolean> => {
    const answer = await fetch(origin + path, init)
    return answer.ok
  }
  const socket = (protocols: string[]): Promise<boolean> =>
    new Promise((resolve) => {
      const made =
        protocols.length === 0
          ? new WebSocket(`${origin.replace('http', 'ws')}/api/socket`)
          : new WebSocket(`${origin.replace('http', 'ws')}/api/socket`, protocols)
      made.onopen = () => resolve(true)
      made.onerror = () => resolve(false)
    })
  const element = (tag: 'img' | 'script', source: string): Promise<boolean> =>
    new Promise((resolve) => {
      const made = document.createElement(tag)
      made.onload = () => resolve(true)
      made.onerror = () => resolve(false)
      made.src = origin + source
      document.head.append(made)
    })
  await attempt('read the app', () => reads('/', {}))
  await attempt('read the app as nobody', () => reads('/', { credentials: 'omit', referrerPolicy: 'no-referrer' }))
  await attempt('read a secret', () => reads('/api/session', {}))
  await attempt('read a secret with the token', () => reads('/api/session', { headers: bearer }))
  await attempt('exchange a good code', () => reads('/api/session', { method: 'POST', body: JSON.stringify({ code }) }))
  await attempt('exchange it as JSON', () =>
    reads('/api/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code }),
    }),
  )
  await attempt('WebSocket', () => socket([]))
  await attempt('WebSocket with the token', () => socket(['tulnic.v1', `auth.${token}`]))
  await attempt('show an image', () => element('img', '/icon.png'))
  await attempt('run its script', () => element('script', '/assets/app-abcdefgh.js'))
  return { tried, through }
}

interface Stage {
  readonly name: string
  /** A page of the attacker, for a door at this port. */
  readonly open: (browser: Browser, port: number) => Promise<Page>
  /** By which names of the door it attacks. */
  readonly origins: (port: number) => readonly string[]
}

const HTML = '<!doctype html><title>attacker</title><p>attacker'
const loopback = (port: number): readonly string[] => [
  `http://127.0.0.1:${port}`,
  `http://localhost:${port}`,
  `http://[::1]:${port}`,
]

/** A page whose own document comes from the attacker and whose every other request goes out. */
async function attackerAt(browser: Browser, url: string, headers: Record<string, string> = {}): Promise<Page> {
  const page = await browser.newPage()
  await page.route(url, (route) => route.fulfill({ contentType: 'text/html', body: HTML, headers }))
  await page.goto(url)
  await page.unroute(url)
  return page
}

const STAGES: readonly Stage[] = [
  { name: 'another site', open: (browser) => attackerAt(browser, 'http://evil.test:9999/attack'), origins: loopback },
  {
    name: 'another port of localhost',
    open: (browser) => attackerAt(browser, 'http://localhost:9999/attack'),
    origins: loopback,
  },
  {
    name: 'another port of 127.0.0.1',
    open: (browser) => attackerAt(browser, 'http://127.0.0.1:9999/attack'),
    origins: loopback,
  },
  {
    name: 'a sandbox',
    open: (browser) =>
      attackerAt(browser, 'http://evil.test:9999/attack', { 'Content-Security-Policy': 'sandbox allow-scripts' }),
    origins: loopback,
  },
  {
    name: 'a rebound name',
    open: (browser, port) => attackerAt(browser, `http://rebind.test:${port}/attack`),
    origins: (port) => [`http://rebind.test:${port}`],
  },
]

describe.skipIf(!chromium)('the local door in Chromium (S6)', () => {
  let browser: Browser
  let door: OpenDoor
  let control: { port: number; close: () => Promise<void> }
  beforeAll(async () => {
    // Chromium has a wall of its own between public pages and this machine; the door must hold without it.
    browser = await launch([
      '--host-resolver-rules=MAP evil.test 127.0.0.1,MAP rebind.test 127.0.0.1',
      '--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
    ])
    door = await openTestDoor()
    control = await openUnguardedDoor()
  })
  afterAll(async () => {
    await browser?.close()
    await door?.close()
    await control?.close()
  })

  const codeOf = (): string => door.door.openUrl().split('#code=')[1] ?? ''
  let cases = 0

  it.each(STAGES.map((stage) => [stage.name, stage] as const))(
    'lets %s do nothing',
    async (_name, { open, origins }) => {
      const page = await open(browser, door.port)
      for (const origin of origins(door.port)) {
        const code = codeOf()
        const { tried, through } = await page.evaluate(attack, { origin, token: door.token, code })
        cases += tried.length
        expect(through, origin).toEqual([])
      }
      await page.close()
    },
  )

  it.each(STAGES.map((stage) => [stage.name, stage] as const))(
    'and without its guard %s gets through',
    async (name, { open, origins }) => {
      const page = await open(browser, control.port)
      const { through } = await page.evaluate(attack, {
        origin: origins(control.port)[0] ?? '',
        token: door.token,
        code: 'x',
      })
      expect(through).toContain('WebSocket')
      if (name === 'a rebound name') expect(through).toContain('read a secret')
      await page.close()
    },
  )

  it('was tried in at least 60 ways', () => {
    console.log(`S6 in Chromium ${browser.version()}: ${cases} cases, 0 accepted that should not be`)
    expect(cases).toBeGreaterThanOrEqual(60)
  })

  it('cannot be framed, nor seen through a window that an attacker opened', async () => {
    for (const [port, framed] of [
      [door.port, false],
      [control.port, true],
    ] as const) {
      const page = await attackerAt(browser, 'http://localhost:9999/attack')
      const shown = await page.evaluate(async (url) => {
        const frame = document.createElement('iframe')
        frame.src = url
        document.body.append(frame)
        await new Promise((resolve) => (frame.onload = resolve))
        return frame.contentWindow?.length !== undefined
      }, `http://localhost:${port}/`)
      expect(shown).toBe(true)
      const frame = page.frames().find((each) => each !== page.mainFrame())
      expect(await frame?.evaluate(() => 'appRan' in globalThis)).toBe(framed)
      await page.close()
    }
    const page = await attackerAt(browser, 'http://evil.test:9999/attack')
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate((url) => {
        Object.assign(globalThis, { opened: window.open(url) })
      }, `http://127.0.0.1:${door.port}/`),
    ])
    await popup.waitForLoadState()
    expect(await popup.evaluate(() => window.opener)).toBeNull()
    await page.close()
    await popup.close()
  })

  it('serves the app to its own pages, by all of its names', async () => {
    for (const origin of loopback(door.port)) {
      const page = await browser.newPage()
      await page.goto(`${origin}/`)
      expect(await page.evaluate(() => 'appRan' in globalThis)).toBe(true)
      const { through } = await page.evaluate(attack, { origin, token: door.token, code: codeOf() })
      // A script from a plain string is refused to the app's own pages too: Trusted Types.
      expect(through).toEqual([
        'read the app',
        'read the app as nobody',
        'read a secret with the token',
        'exchange a good code',
        'WebSocket with the token',
        'show an image',
      ])
      await page.close()
    }
  })

  it('is reached through the redirect file, code and all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tulnic-open-'))
    const path = process.env.PATH
    // What opens it is the browser of this test: no program of this machine is started.
    process.env.PATH = folder
    const url = door.door.openUrl()
    await openInBrowser(folder, url)
    process.env.PATH = path
    const { readdirSync } = await import('node:fs')
    const page = await browser.newPage()
    await page.goto(pathToFileURL(join(folder, readdirSync(folder)[0] ?? '')).href)
    await page.waitForURL(/^http:/)
    expect(page.url()).toBe(url)
    expect(await page.evaluate(() => 'appRan' in globalThis)).toBe(true)
    await page.close()
    rmSync(folder, { recursive: true })
  })
})
