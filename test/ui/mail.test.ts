/**
 * Mail in the app window, in a real Chromium: who carries it, where a message is, files saved, taken in and dropped, and
 * invites as files.
 *
 * Holds: every test ends with nothing thrown, nothing logged as an error and nothing refused by the policy.
 */
import { readFile } from 'node:fs/promises'
import axeCore from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ApiError } from '../../src/node/api-error.ts'
import { chromium, launch } from '../chromium.ts'
import { FakeNode, mailPiece } from './fake-node.ts'
import { tabTo } from './keyboard.ts'
import { buildApp, openWindow, PATIENCE_MS, remove, type Served, serve, type Window } from './window.ts'

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
const SAMIRA = 'سميرة بنت عبد الله'

/** Somebody in each state of carrying, messages that are carried and that were not collected, and letters kept here. */
function everybody() {
  const node = new FakeNode()
  const radu = node.person({ name: 'Radu', via: 'lan', carrier: 'on' })
  const samira = node.person({ name: SAMIRA, via: 'direct', carrier: 'on' })
  const luc = node.person({ name: 'Luc', via: 'direct', carrier: 'asked' })
  const margaux = node.person({ name: 'Margaux', via: 'direct', carrier: 'full' })
  const ilinca = node.person({ name: 'Ilinca', lastSeen: new Date().toISOString(), reason: 'not-reached' })
  const carried = node.wrote(ilinca.id, 'by two', { state: 'carried', carriedBy: [radu.id, samira.id] })
  const failed = node.wrote(ilinca.id, 'in vain', { state: 'failed', reason: 'not-collected' })
  const waiting = node.wrote(ilinca.id, 'up at the hut', { reason: 'not-reached' })
  node.mail = { on: true, boxes: 3, letters: 41, bytes: 1_900_000 }
  return { node, radu, samira, luc, margaux, ilinca, carried, failed, waiting }
}

describe.skipIf(!chromium)('mail in the window, in Chromium', () => {
  let app = ''
  let browser: Browser
  let served: Served[] = []
  let windows: Window[] = []

  beforeAll(async () => {
    app = await buildApp()
    browser = await launch()
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await remove(app)
  })
  afterEach(async () => {
    const faults = windows.flatMap((window) => window.faults)
    for (const window of windows) await window.close()
    for (const one of served) await one.stop()
    for (const one of served) await remove(one.directory)
    windows = []
    served = []
    expect(faults).toEqual([])
  })

  async function look(node: FakeNode, hash: string, options: BrowserContextOptions = {}): Promise<Page> {
    const one = await serve(app, node)
    served.push(one)
    const window = await openWindow(browser, one, { reducedMotion: 'reduce', ...options })
    windows.push(window)
    await window.page.waitForSelector('.list')
    await window.page.evaluate((to) => location.assign(to), hash)
    await window.page.waitForSelector('.pane h1', { state: 'attached' })
    return window.page
  }
  const plain = (text: string): string =>
    text
      .replace(/[\u2068\u2069]/g, '')
      .replace(/\s+/g, ' ')
      .trim()
  /** What stands in the section under a heading, as one line of text. */
  const tells = (page: Page, heading: string, what: RegExp) =>
    expect
      .poll(
        async () =>
          plain(
            await page
              .locator('section', { has: page.getByRole('heading', { name: heading }) })
              .last()
              .innerText(),
          ),
        { timeout: PATIENCE_MS },
      )
      .toMatch(what)
  const button = (page: Page, name: string) => page.getByRole('button', { name })
  const bytesOf = (latin1: string) => Buffer.from(latin1, 'latin1')
  const mailFile = (latin1: string) => ({ name: 'mail.tulnic', mimeType: '', buffer: bytesOf(latin1) })
  const base64 = (latin1: string) => bytesOf(latin1).toString('base64')

  /** Drags a file, or a text, over the window, and lets it go unless told to leave with it. */
  async function drag(page: Page, type: 'over' | 'drop' | 'leave', content: { file?: string; text?: string }) {
    await page.evaluate(
      ({ type: what, content: { file, text } }) => {
        const dataTransfer = new DataTransfer()
        if (file !== undefined) {
          const bytes = Uint8Array.from(file, (sign) => sign.charCodeAt(0))
          dataTransfer.items.add(new File([bytes], 'mail.tulnic'))
        }
        if (text !== undefined) dataTransfer.setData('text/plain', text)
        const tell = (name: string) => {
          const event = new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true })
          document.querySelector('.list')?.dispatchEvent(event)
          return event.defaultPrevented
        }
        const stopped = [tell('dragenter'), tell('dragover')]
        if (what === 'drop') stopped.push(tell('drop'))
        if (what === 'leave') tell('dragleave')
        Reflect.set(window, 'stopped', stopped)
      },
      { type, content },
    )
  }

  test('a contact is asked to carry, by keyboard, told what that shows, and its answer is said in words', async () => {
    const { node, ilinca } = everybody()
    const page = await look(node, `#/about/${ilinca.id}`)
    const carries = page.getByRole('switch', { name: 'Carries mail for me' })
    await tabTo(page, 'Carries mail for me', 120)
    const described = await carries.evaluate(
      (element) => document.getElementById(element.getAttribute('aria-describedby') ?? '')?.textContent,
    )
    expect(plain(described ?? '')).toMatch(
      /waits, sealed, on the device of Ilinca.*sees that somebody leaves mail for you, when, and how large it is; not who, and not what/,
    )
    expect(await carries.getAttribute('aria-checked')).toBe('false')
    await page.keyboard.press('Space')
    await page.getByText('Asked; there is no answer yet.').waitFor()
    expect(await carries.getAttribute('aria-checked')).toBe('true')
    for (const [carrier, words] of [
      ['on', /^Agreed: mail for you can wait there/],
      ['full', /^There is no room for it now/],
      ['off', /^No: that tulnic carries mail for nobody/],
    ] as const) {
      node.change(ilinca.id, { carrier })
      await page.getByText(words).waitFor()
    }
    await page.keyboard.press('Enter')
    await expect.poll(() => carries.getAttribute('aria-checked'), { timeout: PATIENCE_MS }).toBe('false')
    expect(node.called('setCarrier')).toEqual([
      { to: ilinca.id, on: true },
      { to: ilinca.id, on: false },
    ])
  })

  test('whoever has five carriers is told so instead of asking a sixth, and nobody who never answered is asked', async () => {
    const { node, ilinca } = everybody()
    node.person({ name: 'Zsófia', carrier: 'off' })
    const matei = node.person({ name: 'Matei', state: 'invited', reason: 'invite-pending' })
    const page = await look(node, `#/about/${ilinca.id}`)
    await page.getByText('You have 5 carriers already').waitFor()
    const carries = page.getByRole('switch', { name: 'Carries mail for me' })
    expect(await carries.getAttribute('aria-disabled')).toBe('true')
    await carries.focus()
    await page.keyboard.press('Enter')
    await page.evaluate((to) => location.assign(to), `#/about/${matei.id}`)
    await page.getByRole('switch', { name: 'Reach only through friends' }).waitFor()
    await expect.poll(() => carries.count(), { timeout: PATIENCE_MS }).toBe(0)
    expect(node.called('setCarrier')).toEqual([])
  })

  test('a line offers it once, calmly, until it is declined, and never again', async () => {
    const node = new FakeNode()
    const luc = node.person({ name: 'Luc', via: 'direct' })
    const matei = node.person({ name: 'Matei', state: 'invited' })
    const page = await look(node, `#/chat/${luc.id}`)
    const line = page.locator('.talk .banner.calm')
    await expect
      .poll(async () => plain(await line.innerText()), { timeout: PATIENCE_MS })
      .toMatch(/^Nobody keeps mail for you while you are away\. You can ask Luc\./)
    expect(await page.locator('dialog').count()).toBe(0)
    // Whoever never answered cannot be asked, and with a carrier there is nothing to offer.
    await page.evaluate((to) => location.assign(to), `#/chat/${matei.id}`)
    await page.getByRole('heading', { name: 'Matei', level: 1 }).waitFor()
    expect(await line.count()).toBe(0)
    await page.evaluate((to) => location.assign(to), `#/chat/${luc.id}`)
    await line.waitFor()
    node.change(luc.id, { carrier: 'asked' })
    await line.waitFor({ state: 'detached' })
    node.change(luc.id, { carrier: null })
    await line.getByRole('link', { name: 'What that means' }).click()
    await page.getByRole('switch', { name: 'Carries mail for me' }).waitFor()
    await button(page, 'Do not offer it again').click()
    await line.waitFor({ state: 'detached' })
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('TEXTAREA')
    await page.reload()
    await page.waitForSelector('.talk .inbox')
    expect(await line.count()).toBe(0)
  })

  test('a message says who carries it; one that nobody collected is sent again at one press', async () => {
    const { node, ilinca, carried, failed } = everybody()
    const page = await look(node, `#/chat/${ilinca.id}`)
    const states = page.locator('.msg .state')
    const first = states.filter({ hasText: 'Carried by' })
    expect(await first.innerText()).toContain(`Carried by \u2068Radu\u2069 and \u2068${SAMIRA}\u2069, sealed`)
    node.failures.set('sendAgain', new ApiError('storage', 'full'))
    await states.filter({ hasText: 'Not sent: not collected within 30 days' }).waitFor()
    await button(page, 'Send again').click()
    await page.getByText('Look whether the disk is full').waitFor()
    await button(page, 'Send again').click()
    await button(page, 'Send again').waitFor({ state: 'detached' })
    expect(node.called('sendAgain')).toEqual([{ id: failed.id }, { id: failed.id }])
    node.setState(carried.id, 'delivered')
    await states.filter({ hasText: 'Delivered' }).waitFor()
  })

  test('why a message waits, and that only its recipient chooses carriers; it goes into a file by itself', async () => {
    const { node, ilinca } = everybody()
    node.mailPieces = [mailPiece('one'), mailPiece('two\u00ff\u0000')]
    const page = await look(node, `#/chat/${ilinca.id}`)
    await button(page, 'Why?').last().click()
    expect(plain(await page.locator('.why').innerText())).toMatch(
      /Nobody who carries mail for Ilinca has it, either; only Ilinca can choose who does\./,
    )
    const saving = page.waitForEvent('download')
    await button(page, 'Save what waits to a file').click()
    const download = await saving
    expect(download.suggestedFilename()).toMatch(/^mail-\d{4}-\d\d-\d\d\.tulnic$/)
    expect(await readFile(await download.path())).toEqual(bytesOf(node.mailPieces.join('')))
    await page.getByText('2 sealed letters in the file.').waitFor()
    expect(node.called('exportMail')).toEqual([
      { to: ilinca.id, after: 0 },
      { to: ilinca.id, after: 1 },
    ])
  })

  test('the network page: who carries for me, whose mail I carry, and that nobody does', async () => {
    const { node, radu, samira, luc, margaux } = everybody()
    const page = await look(node, '#/network')
    await tells(page, 'Who carries mail for you', /Radu keeps what comes while you are away/)
    await tells(page, 'Who carries mail for you', /Luc asked, no answer yet .*Margaux has no room now/)
    await tells(page, 'Whose mail you carry', /For 3 contacts: 41 sealed letters here, 1\.9 MB\. You cannot read/)
    await tells(page, 'What is well', /mail for you can wait with Radu and سميرة/)
    for (const one of [radu, samira, luc, margaux]) node.change(one.id, { carrier: null })
    node.mail = { on: false, boxes: 0, letters: 0, bytes: 0 }
    node.tellStatus()
    await tells(page, 'Who carries mail for you', /Nobody yet\./)
    await tells(page, 'Whose mail you carry', /started with --carry off/)
    await tells(page, 'What could be better', /Nobody keeps mail for you while you are away\. Ask a contact/)
  })

  test('what waits for everybody is saved, and nothing where nothing waits', async () => {
    const { node } = everybody()
    const page = await look(node, '#/network')
    const downloads: string[] = []
    page.on('download', (one) => downloads.push(one.suggestedFilename()))
    await button(page, 'Save what waits to a file').click()
    await page.getByText('Nothing waits here: there is nothing to save.').waitFor()
    expect(downloads).toEqual([])
    node.mailPieces = [mailPiece('x')]
    await button(page, 'Save what waits to a file').click()
    await page.getByText('1 sealed letter in the file.').waitFor()
    await expect.poll(() => downloads.length, { timeout: PATIENCE_MS }).toBe(1)
    expect(node.called('exportMail')).toEqual([{ after: 0 }, { after: 0 }])
  })

  test('a file is taken in piece by piece; a cut, a foreign and an empty one are told apart', async () => {
    const { node } = everybody()
    const pieces = [mailPiece('first \u00ff'), mailPiece(''), mailPiece('y'.repeat(70_000))]
    const page = await look(node, '#/network')
    const choose = page.getByLabel('Take in a file')
    await choose.setInputFiles(mailFile(pieces.join('')))
    await page.getByText('6 sealed letters in the file: 3 for you and 3 kept here for others.').waitFor()
    expect(node.called('importMail')).toEqual(pieces.map((piece) => ({ piece: base64(piece) })))
    node.taken = { envelopes: 2, delivered: 0, kept: 0 }
    // The last piece is cut short; then something follows that is no piece.
    for (const damaged of [
      pieces.join('').slice(0, -5),
      `${pieces[0]}rubbish`,
      `${pieces[0]}tulnic mail 1\n\xff\xff\xff\xffx`,
    ]) {
      await choose.setInputFiles(mailFile(mailPiece('')))
      await page.getByText('damaged or cut short').waitFor({ state: 'detached' })
      await page.getByText('2 sealed letters in the file: 2 not for you, or known already.').waitFor()
      await choose.setInputFiles(mailFile(damaged))
      await page.getByText('The file is damaged or cut short. What was whole was taken in').waitFor()
    }
    const before = node.called('importMail').length
    for (const foreign of ['', 'tulnic', 'a letter to nobody that is longer than the head of one'])
      await choose.setInputFiles(mailFile(foreign))
    await page.getByText('This file holds no tulnic mail. Nothing was taken in.').waitFor()
    expect(node.called('importMail')).toHaveLength(before)
    node.taken = { envelopes: 0, delivered: 0, kept: 0 }
    await choose.setInputFiles(mailFile(mailPiece('')))
    await page.getByText('There is no mail in this file.').waitFor()
  })

  test('a file is dropped anywhere: the target shows while it is dragged, and what came of it stays until closed', async () => {
    const { node, ilinca } = everybody()
    const page = await look(node, `#/chat/${ilinca.id}`)
    const target = page.locator('.drop')
    const stopped = () => page.evaluate(() => Reflect.get(window, 'stopped'))
    await drag(page, 'over', { text: 'only words' })
    expect(await stopped()).toEqual([false, false])
    expect(await target.count()).toBe(0)
    await drag(page, 'over', { file: mailPiece('a') })
    await target.getByText('Let go of the file here').waitFor()
    await drag(page, 'leave', { file: mailPiece('a') })
    await target.waitFor({ state: 'detached' })
    expect(node.called('importMail')).toEqual([])
    await drag(page, 'drop', { file: mailPiece('a') })
    // The browser does not open it in place of the window.
    expect(await stopped()).toEqual([true, true, true])
    await page.getByRole('status').getByText('2 sealed letters in the file: 1 for you and 1 kept here').waitFor()
    expect(await target.count()).toBe(0)
    await button(page, 'Close').click()
    await page.getByText('2 sealed letters').waitFor({ state: 'detached' })
    await drag(page, 'drop', { file: 'GIF89a, a picture' })
    await page.getByText('This file holds no tulnic mail. Nothing was taken in.').waitFor()
    expect(node.called('importMail')).toEqual([{ piece: base64(mailPiece('a')) }])
  })

  test('an invite is saved as a file, opened from one, dropped as one and pasted as one', async () => {
    const { node } = everybody()
    const links = ['abcdEFGH', 'ijklMNOP', 'qrstUVWX'].map((text) => `tulnic:${text.repeat(20)}`)
    const file = (link: string | undefined) => `tulnic invite 1\nlink ${link}\nbundle AAAA\ncheck aaaaaaaa`
    node.links.set(links[0] ?? '', { name: 'Matei' })
    node.links.set(links[1] ?? '', { name: 'Zsófia' })
    node.links.set(links[2] ?? '', { name: 'Luminița' })
    const page = await look(node, '#/add')
    const saving = page.waitForEvent('download')
    await button(page, 'Save as a file').click()
    expect(await readFile(await (await saving).path(), 'utf8')).toBe(node.invites[0]?.file)
    const choose = page.getByLabel('Open a file')
    await choose.setInputFiles({ name: 'x', mimeType: '', buffer: Buffer.from('only words') })
    await page.getByText('There is no tulnic link in this file.').waitFor()
    expect(node.called('addContact')).toEqual([])
    await choose.setInputFiles({ name: 'invite.tulnic', mimeType: '', buffer: Buffer.from(file(links[0])) })
    await page.getByRole('heading', { name: 'Matei', level: 1 }).waitFor()
    await drag(page, 'drop', { file: file(links[1]) })
    await page.getByRole('heading', { name: 'Zsófia', level: 1 }).waitFor()
    await page.evaluate(() => location.assign('#/add'))
    await page.getByLabel('Link or text that holds one').evaluate(
      (field, text) => {
        const clipboardData = new DataTransfer()
        clipboardData.setData('text/plain', text)
        field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
      },
      `Hello,\n\n${file(links[2])}\nYours`,
    )
    expect(await page.getByLabel('Link or text that holds one').inputValue()).toBe(links[2])
    await button(page, 'Add').click()
    await page.getByRole('heading', { name: 'Luminița', level: 1 }).waitFor()
    expect(node.called('addContact')).toEqual(links.map((link) => ({ link: file(link).trim() })))
  })

  test.each([
    ['320 px wide', { viewport: { width: 320, height: 568 } }],
    ['at 200 %', { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }],
    ['on a phone, in French', { ...PHONE, locale: 'fr-FR' }],
    ['on a desk, in Romanian', { locale: 'ro-RO' }],
  ])('long names and names from right to left do not widen it: %s', async (_, options) => {
    const { node, samira } = everybody()
    const long = node.person({ name: 'Lopadotemachoselachogaleokranioleipsanodrimhypotrimmatosilphio', via: 'direct' })
    node.wrote(long.id, 'x', { state: 'carried', carriedBy: [samira.id, long.id] })
    node.wrote(long.id, 'y', { state: 'failed', reason: 'not-collected' })
    const alone = new FakeNode()
    const other = alone.person({ name: long.name, via: 'direct' })
    for (const [one, hash, ready] of [
      [node, '#/network', '.files'],
      [node, '#/add', '.qr'],
      [node, `#/about/${samira.id}`, '.details .switch'],
      [node, `#/chat/${long.id}`, '.msg .state'],
      [alone, `#/chat/${other.id}`, '.talk .banner.calm'],
    ] as const) {
      const page = await look(one, hash, options)
      await page.waitForSelector(ready)
      const wide = await page.evaluate(() =>
        [...document.querySelectorAll('html, .in, .details, .card, .banner, .msg, .scroll')]
          .filter((element) => element.scrollWidth > element.clientWidth + 1)
          .map((element) => element.className || element.tagName),
      )
      expect([hash, wide]).toEqual([hash, []])
    }
  })

  test('axe finds nothing, light and dark, wide and narrow', async () => {
    const { node, ilinca, radu } = everybody()
    const alone = new FakeNode()
    const luc = alone.person({ name: 'Luc', via: 'direct' })
    for (const [one, hash, ready] of [
      [node, '#/network', '.files'],
      [node, '#/add', '.qr'],
      [node, `#/about/${radu.id}`, '.details .switch'],
      [node, `#/chat/${ilinca.id}`, '.msg .state'],
      [alone, `#/chat/${luc.id}`, '.talk .banner.calm'],
    ] as const) {
      const page = await look(one, hash)
      await page.waitForSelector(ready)
      if (hash.includes(ilinca.id)) {
        await button(page, 'Why?').last().click()
        await drag(page, 'drop', { file: 'no mail' })
        await page.getByText('This file holds no tulnic mail.').waitFor()
      }
      await page.evaluate(axeCore.source)
      for (const viewport of [
        { width: 1280, height: 800 },
        { width: 390, height: 844 },
      ])
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize(viewport)
          await page.emulateMedia({ colorScheme })
          await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
          const found = await page.evaluate(async () => {
            const { violations } = await Reflect.get(globalThis, 'axe').run(document, { resultTypes: ['violations'] })
            return violations.map(
              ({ id, nodes }: { id: string; nodes: { html: string }[] }) =>
                `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
            )
          })
          expect([hash, viewport.width, colorScheme, found]).toEqual([hash, viewport.width, colorScheme, []])
        }
    }
  })
})
