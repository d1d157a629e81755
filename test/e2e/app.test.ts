/**
 * The whole first minute with nothing false: two real nodes, two app windows in real Chromium, the keyboard alone.
 *
 * First run, add by link, talk, verify, reload, restart of a node, the phrase again. No window may log an error, throw, or meet the policy; axe finds
 * nothing on any page that is passed. `SCREENSHOTS=FOLDER` keeps a picture of each step.
 */
import { mkdtempSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readAssets } from '../../src/node/server/assets.ts'
import { type Host, hostNode } from '../../src/node/server/host.ts'
import { startOnDisk } from '../../src/node/server/on-disk.ts'
import { chromium, launch } from '../chromium.ts'
import { tabTo } from '../ui/keyboard.ts'
import { buildApp, openWindow, PATIENCE_MS, remove, type Window } from '../ui/window.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PHONE = { viewport: { width: 390, height: 844 } }

/** A person at a device: a folder, a node that can be restarted, a window. */
interface Person {
  readonly name: string
  readonly folder: string
  host: Host
  readonly window: Window
  readonly page: Page
}

describe.skipIf(!chromium)('two people with two windows, in Chromium', () => {
  let app = ''
  let browser: Browser
  const people: Person[] = []
  const phrases = new Map<Person, string>()
  let pictures = 0

  beforeAll(async () => {
    app = await buildApp()
    browser = await launch()
  })
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail' || process.env.SCREENSHOTS === undefined) return
    for (const { page, name } of people)
      await page.screenshot({ path: join(process.env.SCREENSHOTS, `failed-${name}.png`) })
  })
  afterAll(async () => {
    await browser?.close()
    for (const person of people) {
      await person.host.stop()
      await remove(person.folder)
    }
    await remove(app)
  })

  const start = (folder: string): Promise<Host> =>
    hostNode({
      dataDirectory: folder,
      startNode: (directory) => startOnDisk(directory, { listen: [], mdns: false, lanOnly: true }),
      door: { port: people.length === 0 ? 0 : undefined, assets: readAssets(app) },
      warn: () => undefined,
    })

  async function arrive(name: string, options = {}): Promise<Person> {
    const folder = mkdtempSync(join(tmpdir(), 'tulnic-app-'))
    const host = await start(folder)
    const url = host.openUrl() ?? ''
    const window = await openWindow(browser, { door: { openUrl: () => url } } as never, options, url)
    await window.page.evaluate(axeSource)
    const person = { name, folder, host, window, page: window.page }
    people.push(person)
    return person
  }

  /** What every page that is passed must stand: axe, and a picture where one is wanted. */
  async function pass({ name, page }: Person, what: string): Promise<void> {
    await page.evaluate(`window.axe || (() => { ${axeSource} })()`)
    const found = await page.evaluate(async () => {
      const { violations } = await Reflect.get(globalThis, 'axe').run(document)
      return violations.map((one: { id: string; nodes: { html: string }[] }) => `${one.id}: ${one.nodes[0]?.html}`)
    })
    expect(found, `${what}, ${name}`).toEqual([])
    const folder = process.env.SCREENSHOTS
    if (folder !== undefined)
      await page.screenshot({ path: join(folder, `${String(++pictures).padStart(2, '0')}-${what}-${name}.png`) })
  }

  async function firstRun(person: Person, passphrase: string): Promise<void> {
    const { page, name } = person
    await tabTo(page, 'Name')
    await page.keyboard.type(name)
    await tabTo(page, 'Passphrase')
    await page.keyboard.type(passphrase)
    await pass(person, 'first-run')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.phrase')
    await pass(person, 'phrase')
    phrases.set(person, (await page.locator('.phrase li').allInnerTexts()).join(' '))
    await tabTo(page, 'I have written them down')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.page .qr')
  }

  /** The words that were written down, on demand and by the passphrase. */
  async function phraseAgain(person: Person, passphrase: string): Promise<void> {
    const { page } = person
    await page.evaluate(() => location.assign('#/phrase'))
    await tabTo(page, 'Show the 24 words')
    await page.keyboard.press('Enter')
    await tabTo(page, 'Passphrase')
    await page.keyboard.type(passphrase)
    await page.keyboard.press('Enter')
    await page.waitForSelector('.phrase')
    expect((await page.locator('.phrase li').allInnerTexts()).join(' ')).toBe(phrases.get(person))
    await pass(person, 'phrase-again')
  }

  async function say({ page }: Person, text: string): Promise<void> {
    await page.waitForSelector('.inbox textarea')
    await tabTo(page, /^Message to/)
    await page.keyboard.type(text)
    await page.keyboard.press('Enter')
  }

  const hears = ({ page }: Person, text: string): Promise<void> =>
    page.locator('.bubble .text').getByText(text).waitFor()

  /** That the state below my message of this text begins with these words. */
  const stands = ({ page }: Person, text: string, state: RegExp): Promise<void> =>
    page.locator('.msg.mine', { hasText: text }).locator('.state', { hasText: state }).waitFor()

  async function verify(person: Person): Promise<string> {
    const { page } = person
    // On a phone the details are a pane of their own; on a desk they stand beside the conversation.
    if ((page.viewportSize()?.width ?? 0) < 1120) {
      await tabTo(page, 'Details')
      await page.keyboard.press('Enter')
    }
    await tabTo(page, /^Compare/)
    await page.keyboard.press('Enter')
    await page.waitForSelector('.digits span')
    await pass(person, 'verify')
    const digits = (await page.locator('.digits span').allInnerTexts()).join(' ')
    await tabTo(page, 'They match')
    await page.keyboard.press('Enter')
    await page.getByText('Verified. Nobody stands between you.').waitFor()
    await page.keyboard.press('Escape')
    return digits
  }

  test('first run, add by link, talk, verify, reload, restart', { timeout: 8 * PATIENCE_MS }, async () => {
    const ana = await arrive('Ana')
    const luc = await arrive('Luc', PHONE)
    await firstRun(ana, 'fagul de la marginea satului')
    await firstRun(luc, 'les fleurs du jardin de minuit')

    const link = await ana.page.locator('.linkbox input').inputValue()
    await pass(ana, 'add')
    await tabTo(luc.page, 'Link or text that holds one')
    await luc.page.keyboard.insertText(`Here it is: ${link} see you`)
    await luc.page.keyboard.press('Enter')
    await say(luc, 'Bună, Ana')

    // The newcomer appears at the inviter's by itself.
    await tabTo(ana.page, /Luc/)
    await ana.page.keyboard.press('Enter')
    await hears(ana, 'Bună, Ana')
    await say(ana, 'Salut, Luc. Comment vas-tu ?')
    await hears(luc, 'Salut, Luc. Comment vas-tu ?')
    await stands(ana, 'Salut, Luc. Comment vas-tu ?', /^Read/)
    await pass(ana, 'talk')
    await pass(luc, 'talk')

    expect(await verify(ana)).toBe(await verify(luc))

    await ana.page.reload()
    await hears(ana, 'Salut, Luc. Comment vas-tu ?')

    // Luc's node stops: Ana's message waits here, honestly. It comes back, is unlocked, and the message arrives.
    await luc.host.stop()
    await luc.page.getByText('tulnic has stopped.').waitFor()
    await ana.page.getByText('Not reached since').first().waitFor()
    await say(ana, 'Tu es encore là ?')
    await stands(ana, 'Tu es encore là ?', /^On this device: not reached/)
    await pass(ana, 'waiting')
    // What Luc writes meanwhile stays in his window, says so, and goes by itself.
    await say(luc, 'Pendant que tulnic dormait')
    await luc.page.getByText('What you write stays in this window until tulnic answers').waitFor()
    await pass(luc, 'unanswered')
    luc.host = await start(luc.folder)
    await luc.page.getByLabel('Passphrase', { exact: true }).waitFor()
    await tabTo(luc.page, 'Passphrase')
    await luc.page.keyboard.type('les fleurs du jardin de minuit')
    await luc.page.keyboard.press('Enter')
    await hears(luc, 'Tu es encore là ?')
    await stands(ana, 'Tu es encore là ?', /^(Delivered|Read)/)
    await hears(ana, 'Pendant que tulnic dormait')
    await pass(luc, 'after-restart')
    await phraseAgain(luc, 'les fleurs du jardin de minuit')

    expect(people.flatMap((person) => person.window.faults)).toEqual([])
  })

  /** The path of the file that a button saves. */
  async function save({ page }: Person, button: string): Promise<string> {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: button }).click()
    return await (await download).path()
  }

  test('an invite and the first words by hand: their nodes never run at once', {
    timeout: 8 * PATIENCE_MS,
  }, async () => {
    const radu = await arrive('Radu')
    await firstRun(radu, 'fagul de la marginea satului')
    const invite = await save(radu, 'Save as a file')
    await radu.host.stop()

    const zoe = await arrive('Zoe', PHONE)
    await firstRun(zoe, 'les fleurs du jardin de minuit')
    await zoe.page.getByLabel('Open a file').setInputFiles(invite)
    await say(zoe, 'Bonjour, Radu')
    await stands(zoe, 'Bonjour, Radu', /^On this device/)
    await zoe.page.evaluate(() => location.assign('#/network'))
    const mail = await save(zoe, 'Save what waits to a file')
    await zoe.page.getByText('in the file.').waitFor()
    await pass(zoe, 'saved')
    await zoe.host.stop()

    radu.host = await start(radu.folder)
    await radu.page.goto(radu.host.openUrl() ?? '')
    await tabTo(radu.page, 'Passphrase')
    await radu.page.keyboard.type('fagul de la marginea satului')
    await radu.page.keyboard.press('Enter')
    await radu.page.waitForSelector('.list')
    await radu.page.evaluate(() => location.assign('#/network'))
    await radu.page.getByLabel('Take in a file').setInputFiles(mail)
    await radu.page.getByText('in the file: 1 for you').waitFor()
    await pass(radu, 'taken-in')
    // The same again does no harm, and says so.
    await radu.page.getByLabel('Take in a file').setInputFiles(mail)
    await radu.page.getByText('not for you, or known already').waitFor()
    await radu.page.getByRole('link', { name: /Zoe/ }).first().click()
    await hears(radu, 'Bonjour, Radu')

    expect(people.flatMap((person) => person.window.faults)).toEqual([])
  })
})
