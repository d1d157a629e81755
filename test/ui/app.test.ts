/**
 * The app window as people meet it: the built files behind the real local door, a fake node, a real Chromium.
 *
 * Holds: every test ends with nothing thrown, nothing logged as an error and nothing refused by the policy.
 */
import axeCore from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ApiError } from '../../src/node/api-error.ts'
import { chromium, launch } from '../chromium.ts'
import { FakeNode, PHRASE } from './fake-node.ts'
import { payloads } from './payloads.ts'
import { valley } from './valley.ts'
import { buildApp, openWindow, PATIENCE_MS, remove, type Served, serve, type Window } from './window.ts'

const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default"

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

describe.skipIf(!chromium)('app window, in Chromium', () => {
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

  async function door(node: FakeNode): Promise<Served> {
    const one = await serve(app, node)
    served.push(one)
    return one
  }
  async function at(one: Served, options = {}, url?: string): Promise<Page> {
    const window = await openWindow(browser, one, options, url)
    windows.push(window)
    return window.page
  }
  /** A window on `node` at the address `hash`. */
  async function look(node: FakeNode, hash = '', options = {}): Promise<Page> {
    const page = await at(await door(node), options)
    await page.waitForSelector('.list, .start')
    if (hash) await page.evaluate((to) => location.assign(to), hash)
    return page
  }
  const said = (page: Page) => page.locator('.bubble .text')
  const field = (page: Page) => page.locator('.inbox textarea')

  /** Presses Tab until what has the focus is called `name`; the way a person without a mouse gets there. */
  async function tabTo(page: Page, name: string | RegExp, most = 60): Promise<void> {
    const names: string[] = []
    for (let presses = 0; presses < most; presses++) {
      const now = await page.evaluate(() => {
        const element = document.activeElement
        const label = element?.id ? document.querySelector(`label[for="${element.id}"]`)?.textContent : ''
        return (element?.getAttribute('aria-label') || label || element?.textContent || '')
          .replace(/[\u2068\u2069]/g, '')
          .trim()
      })
      names.push(now)
      if (typeof name === 'string' ? now === name : name.test(now)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`Tab never reached ${name}; it went over ${JSON.stringify(names)}`)
  }

  test('the first minute, by keyboard alone', async () => {
    const node = new FakeNode({ phase: 'empty' })
    const link = `tulnic:${'abcdEFGH'.repeat(20)}`
    node.links.set(link, { name: 'Luc', via: 'lan' })
    const page = await look(node)
    const keys = page.keyboard

    await tabTo(page, 'Name')
    await keys.type('Andreea')
    await tabTo(page, 'Passphrase')
    await keys.type('fagul de la marginea satului')
    await keys.press('Enter')

    await page.waitForSelector('.phrase')
    expect(await page.locator('.phrase li').allInnerTexts()).toEqual(PHRASE.split(' '))
    await tabTo(page, 'Check three of them')
    await keys.press('Enter')
    const words = PHRASE.split(' ')
    const labels = await page.locator('.start label').allInnerTexts()
    expect(labels).toHaveLength(3)
    for (const label of labels) {
      await tabTo(page, label)
      await keys.type(words[Number(label.replace(/\D/g, '')) - 1] ?? '')
    }
    await keys.press('Enter')

    await page.waitForSelector('.page .qr')
    await tabTo(page, 'Link or text that holds one')
    await keys.type(`Hello, here is my link ${link}. See you!`)
    await keys.press('Enter')

    await page.waitForSelector('.inbox textarea:focus')
    await keys.type('First line')
    await keys.press('Shift+Enter')
    await keys.type('second line')
    await keys.press('Enter')
    await said(page).getByText('second line').waitFor()
    const [sent] = node.called('send')
    expect(sent).toEqual({ to: [...node.people.keys()][0], text: 'First line\nsecond line' })
    expect(await field(page).inputValue()).toBe('')

    await keys.press('Tab')
    await keys.press('Shift+Tab')
    await page.evaluate(() => document.getElementById('details-link')?.focus())
    await tabTo(page, /^Compare safety number/)
    await keys.press('Enter')
    await page.waitForSelector('.digits span')
    expect(await page.locator('.digits span').count()).toBe(12)
    await tabTo(page, 'They match')
    await keys.press('Enter')
    await page.getByText('Verified. Nobody stands between you.').waitFor()
    expect([...node.people.values()][0]?.verified).toBe(true)
    await keys.press('Escape')
    await page.waitForSelector('.inbox textarea')
    expect(node.calls.find((call) => call.method === 'createProfile')?.args).toEqual({
      name: 'Andreea',
      passphrase: 'fagul de la marginea satului',
    })
  })

  test('the code leaves the address and the token outlives a reload', async () => {
    const { node } = valley()
    const page = await look(node)
    expect(page.url()).not.toContain('code')
    await page.reload()
    await page.waitForSelector('.rowlink')
    expect(await page.evaluate(() => Object.keys(localStorage))).toEqual(['tulnic.token'])
  })

  test('a window without a key, with a spent code or a foreign token says what to do', async () => {
    const one = await door(valley().node)
    const page = await at(one, {}, one.door.url)
    await page.getByRole('heading', { name: 'This window has no key yet' }).waitFor()
    const url = one.door.openUrl()
    await at(one, {}, url)
    const late = await at(one, {}, url)
    await late.getByRole('heading', { name: 'This link has been used' }).waitFor()
    await page.evaluate(() => localStorage.setItem('tulnic.token', 'A'.repeat(43)))
    await page.reload()
    await page.getByRole('heading', { name: 'no longer valid' }).waitFor()
    await page.getByText('tulnic open').waitFor()
    // A fresh code in the same window puts it right.
    await page.goto(one.door.openUrl())
    await page.waitForSelector('.rowlink')
  })

  test('a wrong passphrase says so and the right one opens', async () => {
    const node = new FakeNode({ phase: 'locked', passphrase: 'fagul' })
    const page = await look(node)
    await page.keyboard.type('fag')
    await page.keyboard.press('Enter')
    await page.getByText('This is not the passphrase of this profile.').waitFor()
    await page.getByLabel('Passphrase', { exact: true }).fill('fagul')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.list')
  })

  test('going on without a passphrase is asked once more, the safe answer first', async () => {
    const node = new FakeNode({ phase: 'empty' })
    const page = await look(node)
    await page.getByLabel('Name').fill('Andreea')
    await page.getByRole('button', { name: 'Go on without a passphrase' }).click()
    await page.getByRole('alertdialog').waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Choose a passphrase')
    await page.keyboard.press('Escape')
    expect(node.called('createProfile')).toEqual([])
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Go on without a passphrase')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Go on without', exact: true }).click()
    await page.waitForSelector('.phrase')
    await page.getByRole('button', { name: 'I have written them down' }).click()
    await page.waitForSelector('.page .qr')
    expect(await reminder(page).count()).toBe(0)
    expect(node.called('createProfile')).toEqual([{ name: 'Andreea', passphrase: null }])
  })

  const reminder = (page: Page) => page.getByRole('link', { name: 'Write down your recovery phrase' })

  test('a phrase that was not written down before a reload is asked for until it is', async () => {
    const node = new FakeNode({ phase: 'empty' })
    const page = await look(node)
    await page.getByLabel('Name').fill('Andreea')
    await page.getByLabel('Passphrase', { exact: true }).fill('fagul de la marginea satului')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.phrase')
    await page.reload()
    await reminder(page).waitFor()
    await tabTo(page, 'Write down your recovery phrase')
    await page.keyboard.press('Enter')
    await page.getByText('You have not said yet that you have it on paper.').waitFor()
    await tabTo(page, 'Show the 24 words')
    await page.keyboard.press('Enter')
    await page.getByLabel('Passphrase', { exact: true }).waitFor()
    expect(await page.locator('.phrase').count()).toBe(0)
    await page.keyboard.type('fagul')
    await page.keyboard.press('Enter')
    await page.getByText('This is not the passphrase of this profile.').waitFor()
    await page.getByLabel('Passphrase', { exact: true }).fill('fagul de la marginea satului')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.phrase')
    const words = PHRASE.split(' ')
    expect(await page.locator('.phrase li').allInnerTexts()).toEqual(words)
    await tabTo(page, 'Check three of them')
    await page.keyboard.press('Enter')
    for (const label of await page.locator('.paper label').allInnerTexts()) {
      await tabTo(page, label)
      await page.keyboard.type(words[Number(label.replace(/\D/g, '')) - 1] ?? '')
    }
    await page.keyboard.press('Enter')
    await page.getByText('You said that you have it on paper.').waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Your recovery phrase')
    expect(await reminder(page).count()).toBe(0)
    expect(await page.locator('.phrase').count()).toBe(0)
    await page.reload()
    await page.waitForSelector('.list')
    expect(await reminder(page).count()).toBe(0)
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage, ...history.state }))
    for (const word of words) expect(kept).not.toContain(word)
  })

  test('a phrase without a passphrase is shown on demand, hidden, and gone with the page', async () => {
    const page = await look(new FakeNode(), '#/settings')
    await page.getByText('You have not said yet that you have it on paper.').waitFor()
    await page.getByRole('link', { name: 'See it again' }).click()
    await page.getByRole('button', { name: 'Show the 24 words' }).click()
    await page.waitForSelector('.phrase')
    await page.getByRole('button', { name: 'Hide the words' }).click()
    expect(await page.locator('.phrase').count()).toBe(0)
    await reminder(page).waitFor()
    await page.getByRole('button', { name: 'Show the 24 words' }).click()
    await page.waitForSelector('.phrase')
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    await page.getByRole('link', { name: 'See it again' }).click()
    await page.getByRole('button', { name: 'Show the 24 words' }).waitFor()
    expect(await page.locator('.phrase').count()).toBe(0)
    await page.getByRole('button', { name: 'Show the 24 words' }).click()
    await page.getByRole('button', { name: 'I have written them down' }).click()
    await page.getByText('You said that you have it on paper.').waitFor()
    expect(await reminder(page).count()).toBe(0)
  })

  test('a message is where the window says, and why it stays is said on demand', async () => {
    const { node, ilinca } = valley()
    const page = await look(node, `#/chat/${ilinca.id}`)
    await page.getByText('On this device').last().waitFor()
    await page.getByRole('button', { name: 'Why?' }).click()
    await page.getByText('Why is it still here?').waitFor()
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText('Tried just now.').waitFor()
    expect(node.called('reachNow')).toEqual([{ to: ilinca.id }])
    const last = node.messages.get(ilinca.id)?.at(-1)
    for (const [state, words] of [
      ['sent', 'Sent, not confirmed yet'],
      ['delivered', 'Delivered'],
      ['read', 'Read'],
    ] as const) {
      node.setState(last?.id ?? '', state)
      await page.locator('.mine .state').last().getByText(words).waitFor()
    }
    expect(await page.locator('.why').count()).toBe(0)
    node.setState(last?.id ?? '', 'failed', 'invite-expired')
    await page.locator('.state.failed').waitFor()
    await page.getByRole('button', { name: 'Why?' }).click()
    await page.getByRole('link', { name: 'Ask for a new link' }).waitFor()
  })

  test('a run of messages with one state says it once, and a gap is shown', async () => {
    const { node, matei } = valley()
    const page = await look(node, `#/chat/${matei.id}`)
    await page.waitForSelector('.inbox textarea')
    for (const text of ['one', 'two', 'three']) {
      await field(page).fill(text)
      await page.keyboard.press('Enter')
      await said(page).getByText(text).waitFor()
    }
    expect(await page.locator('.mine .state').count()).toBe(1)
    node.gap(matei.id, 2)
    await page.getByText('2 messages are missing here, asked for.').waitFor()
  })

  test('what the node refuses comes back into the field, with the reason', async () => {
    const { node, samira } = valley()
    const page = await look(node, `#/chat/${samira.id}`)
    node.failures.set('send', new ApiError('storage', 'full'))
    await field(page).fill('keep me')
    await page.keyboard.press('Enter')
    await page.getByText('Look whether the disk is full').waitFor()
    await expect.poll(() => field(page).inputValue(), { timeout: PATIENCE_MS }).toBe('keep me')
    await field(page).fill('é'.repeat(8_193))
    await page.getByText('Too long by 2 bytes.').waitFor()
    await page.keyboard.press('Enter')
    expect(node.called('send')).toHaveLength(1)
  })

  test('Enter inside an input method does not send', async () => {
    const { node, samira } = valley()
    const page = await look(node, `#/chat/${samira.id}`)
    await field(page).fill('にほんご')
    await field(page).dispatchEvent('keydown', { key: 'Enter', isComposing: true })
    await field(page).dispatchEvent('keydown', { key: 'Enter', keyCode: 229 })
    expect(node.called('send')).toEqual([])
    await page.keyboard.press('Enter')
    await said(page).getByText('にほんご').waitFor()
    expect(node.called('send')).toHaveLength(1)
  })

  test('a draft is stored, kept over a reload and not lost by leaving', async () => {
    const { node, samira, margaux } = valley()
    const page = await look(node, `#/chat/${samira.id}`)
    await page.waitForSelector('.inbox textarea')
    await field(page).fill('half a sen')
    await page.evaluate((to) => location.assign(to), `#/chat/${margaux.id}`)
    await expect.poll(() => node.drafts.get(samira.id), { timeout: PATIENCE_MS }).toBe('half a sen')
    await expect
      .poll(() => field(page).inputValue(), { timeout: PATIENCE_MS })
      .toBe('Je te confirme que le préfet sera là')
    await page.locator('.rowlink', { hasText: 'Samira' }).getByText('half a sen').waitFor()
    await page.evaluate((to) => location.assign(to), `#/chat/${samira.id}`)
    await page.reload()
    await expect.poll(() => field(page).inputValue(), { timeout: PATIENCE_MS }).toBe('half a sen')
    await field(page).fill('half a sentence')
    await page.reload()
    await expect.poll(() => field(page).inputValue(), { timeout: PATIENCE_MS }).toBe('half a sentence')
  })

  test('read means: open, in front, in view', async () => {
    const node = new FakeNode()
    const luc = node.person({ name: 'Luc', via: 'lan' })
    for (let i = 0; i < 40; i++) node.receive(luc.id, `number ${i}`)
    const one = await door(node)
    const window = await openWindow(browser, one)
    windows.push(window)
    const { page } = window
    await page.waitForSelector('.rowlink')
    expect(await page.title()).toBe('(40) tulnic')
    // Behind another window: nothing is read, however long it is looked at.
    await page.evaluate(() => {
      const away = { away: true }
      Object.assign(globalThis, { away })
      document.hasFocus = () => !away.away
    })
    await page.evaluate((to) => location.assign(to), `#/chat/${luc.id}`)
    await page.locator('.fresh').waitFor()
    await said(page).getByText('number 3', { exact: true }).waitFor()
    expect(node.called('markRead')).toEqual([])
    // In front: what is in view, not what is below it.
    await page.evaluate(() => {
      Object.assign(Reflect.get(globalThis, 'away'), { away: false })
      dispatchEvent(new Event('focus'))
    })
    await expect.poll(() => node.called('markRead').length, { timeout: PATIENCE_MS }).toBeGreaterThan(0)
    expect(node.unread.get(luc.id)).toBeGreaterThan(0)
    await page.getByRole('button', { name: 'To the newest' }).click()
    await expect.poll(() => node.unread.get(luc.id), { timeout: PATIENCE_MS }).toBe(0)
    await expect.poll(() => page.title(), { timeout: PATIENCE_MS }).toBe('Luc · tulnic')
    // Another page is open: a new one stays new.
    await page.evaluate(() => location.assign('#/network'))
    await page.waitForSelector('.band')
    const calls = node.called('markRead').length
    node.receive(luc.id, 'later')
    await page.locator('.badge').waitFor()
    expect(node.called('markRead')).toHaveLength(calls)
  })

  test('new messages are announced once, and the title counts them', async () => {
    const { node, samira, margaux } = valley()
    const page = await look(node, `#/chat/${samira.id}`)
    await page.locator('.bubble').first().waitFor()
    node.receive(samira.id, 'come down')
    await expect.poll(() => page.locator('#announcer').innerText(), { timeout: PATIENCE_MS }).toContain('come down')
    node.receive(margaux.id, 'secret plan')
    await expect
      .poll(() => page.locator('#announcer').innerText(), { timeout: PATIENCE_MS })
      .toContain('New message from')
    expect(await page.locator('#announcer').innerText()).not.toContain('secret plan')
    await expect.poll(() => page.title(), { timeout: PATIENCE_MS }).toMatch(/^\(2\) Samira/)
  })

  test('a second window stays in step', async () => {
    const { node, samira } = valley()
    const one = await door(node)
    const first = await at(one)
    const second = await at(one)
    for (const page of [first, second]) {
      await page.waitForSelector('.rowlink')
      await page.evaluate((to) => location.assign(to), `#/chat/${samira.id}`)
      await page.waitForSelector('.inbox textarea')
    }
    await second.evaluate(() => (document.activeElement as HTMLElement).blur())
    await field(first).fill('from the first')
    await expect.poll(() => field(second).inputValue(), { timeout: PATIENCE_MS }).toBe('from the first')
    await first.keyboard.press('Enter')
    await said(second).getByText('from the first').waitFor()
    expect(await said(second).getByText('from the first').count()).toBe(1)
    expect(await said(first).getByText('from the first').count()).toBe(1)
    await expect.poll(() => field(second).inputValue(), { timeout: PATIENCE_MS }).toBe('')
    node.change(samira.id, { name: 'Samira B.' })
    await second.getByRole('heading', { name: 'Samira B.', exact: true }).waitFor()
    await second.locator('.rowlink', { hasText: 'Samira B.' }).waitFor()
  })

  test('a node that stops is said, and what was missed is there when it runs again', async () => {
    const { node, samira } = valley()
    const one = await door(node)
    const page = await at(one)
    await page.waitForSelector('.rowlink')
    await page.evaluate((to) => location.assign(to), `#/chat/${samira.id}`)
    await said(page).first().waitFor()
    await one.stop()
    await page.getByText('tulnic has stopped.').waitFor()
    for (const text of ['not lost', 'nor this']) {
      await field(page).fill(text)
      await page.keyboard.press('Enter')
    }
    await page.getByText('What you write stays in this window until tulnic answers').waitFor()
    expect(await page.locator('.unanswered li').allInnerTexts()).toEqual(['not lost', 'nor this'])
    expect(await field(page).inputValue()).toBe('')
    node.receive(samira.id, 'while you were away')
    served = [await serve(app, node, one)]
    await said(page).getByText('while you were away').waitFor()
    expect(await said(page).getByText('while you were away').count()).toBe(1)
    await expect.poll(() => page.getByText('tulnic has stopped.').count(), { timeout: PATIENCE_MS }).toBe(0)
    await said(page).getByText('nor this').waitFor()
    await expect.poll(() => page.locator('.unanswered li').count(), { timeout: PATIENCE_MS }).toBe(0)
    expect(node.called('send')).toMatchObject([{ text: 'not lost' }, { text: 'nor this' }])
    // Nothing that was here before is here twice.
    expect(await said(page).allTextContents()).toEqual(node.messages.get(samira.id)?.map(({ text }) => text))
  })

  test.each([
    ['the line breaks before the answer', 'beforeAnswered', false],
    ['the node is started anew before it answered', 'beforeAnswered', true],
    ['the line breaks before it is stored', 'beforeStored', false],
    ['the node is started anew before it was stored', 'beforeStored', true],
  ] as const)('a text is sent once, and by itself, when %s', async (_, when, restarts) => {
    const { node, samira } = valley()
    node.wrote(samira.id, 'again', { state: 'read' })
    const one = await door(node)
    const page = await at(one)
    await page.waitForSelector('.rowlink')
    await page.evaluate((to) => location.assign(to), `#/chat/${samira.id}`)
    const write = async (text: string) => {
      await field(page).fill(text)
      await page.keyboard.press('Enter')
    }
    // The same words, said before in another window and in this one, are not taken for those that are on their way.
    await write('again')
    await said(page).getByText('again').nth(1).waitFor()
    node[when] = async () => {
      node[when] = null
      await one.stop()
      if (when === 'beforeStored') throw new ApiError('internal', 'the end of the process')
    }
    await write('again')
    await write('and on')
    await page.getByText('What you write stays in this window until tulnic answers').waitFor()
    if (restarts) node.restart()
    served = [await serve(app, node, one)]
    await said(page).getByText('and on').waitFor()
    await expect.poll(() => page.locator('.unanswered li').count(), { timeout: PATIENCE_MS }).toBe(0)
    const own = node.messages.get(samira.id)?.filter(({ from }) => from === node.self?.id)
    expect(own?.map(({ text }) => text)).toEqual(['again', 'again', 'again', 'and on'])
    expect((await said(page).allTextContents()).slice(-4)).toEqual(['again', 'again', 'again', 'and on'])
    expect(await said(page).getByText('again').count()).toBe(3)
    expect(await field(page).inputValue()).toBe('')
  })

  test.each([
    ['stored', 'beforeAnswered', ''],
    ['not stored', 'beforeStored', 'half way'],
  ] as const)('a text on its way is not lost by a reload, nor doubled: %s', async (_, when, left) => {
    const { node, samira } = valley()
    const page = await look(node, `#/chat/${samira.id}`)
    await page.waitForSelector('.inbox textarea')
    const asked: string[] = []
    page.on('dialog', (dialog) => {
      asked.push(dialog.type())
      void dialog.accept()
    })
    let arrived = (): void => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    node[when] = () => {
      node[when] = null
      arrived()
      return new Promise(() => undefined)
    }
    await field(page).fill('half way')
    await page.keyboard.press('Enter')
    await arrival
    await page.getByText('What you write stays in this window until tulnic answers').waitFor()
    await page.reload()
    await page.waitForSelector('.inbox textarea')
    await said(page).first().waitFor()
    expect(asked).toEqual(['beforeunload'])
    await expect.poll(() => field(page).inputValue(), { timeout: PATIENCE_MS }).toBe(left)
    expect(await said(page).getByText('half way').count()).toBe(left === '' ? 1 : 0)
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain('half')
  })

  test('the status is heard, never asked for again', async () => {
    const { node, margaux } = valley()
    const page = await look(node, `#/chat/${margaux.id}`)
    await said(page).first().waitFor()
    const asked = node.called('status').length
    expect(asked).toBe(1)
    await page.clock.install()
    node.network = 'none'
    node.tellStatus()
    await page.getByText('No network. What you write is kept').waitFor()
    await page.locator('.whereami', { hasText: 'No network' }).waitFor()
    node.network = 'internet-unknown'
    node.reach(margaux.id, null)
    await page.getByText('Not reached since').first().waitFor()
    await page.evaluate(() => location.assign('#/network'))
    node.addresses = ['/ip4/192.0.2.9/tcp/4711']
    node.tellStatus()
    await page.getByText('/ip4/192.0.2.9/tcp/4711').waitFor()
    for (const event of ['focus', 'online', 'offline'])
      await page.evaluate((type) => dispatchEvent(new Event(type)), event)
    node.wrote(margaux.id, 'waits')
    node.change(margaux.id, { name: 'Margaux D.' })
    await page.locator('.rowlink', { hasText: 'Margaux D.' }).waitFor()
    await page.getByText('2 messages of yours').waitFor()
    expect(node.called('status')).toHaveLength(asked)
  })

  test('a disk that takes nothing is said, until it does', async () => {
    const { node } = valley()
    const page = await look(node)
    await page.waitForSelector('.rowlink')
    node.trouble = 'The disk is full.'
    node.tellStatus()
    await page.getByText('The disk takes nothing now').waitFor()
    const asked = node.called('conversations').length
    node.trouble = null
    node.tellStatus()
    await expect.poll(() => page.getByText('The disk takes nothing now').count(), { timeout: PATIENCE_MS }).toBe(0)
    await expect.poll(() => node.called('conversations').length, { timeout: PATIENCE_MS }).toBe(asked + 1)
  })

  test('a first visit while the node is stopped says what to do', async () => {
    const { node } = valley()
    const one = await door(node)
    const page = await at(one)
    await page.waitForSelector('.rowlink')
    await page.route('**/api/**', (route) => route.abort('connectionrefused'))
    await page.routeWebSocket('**/api/socket', (socket) => socket.close())
    await page.reload()
    await page.getByRole('heading', { name: 'tulnic is not running on this device' }).waitFor()
    await page.getByText('tulnic start').waitFor()
  })

  test('100 000 messages: few rows, older ones on the way up, the newest at once', async () => {
    const node = new FakeNode({ now: Date.now() - 200_000_000 })
    const luc = node.person({ name: 'Luc', via: 'lan' })
    for (let i = 0; i < 100_000; i++)
      node.wrote(luc.id, `number ${i}`, {
        state: 'read',
        from: i % 3 ? luc.id : 'meaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab',
      })
    const page = await look(node, `#/chat/${luc.id}`)
    await said(page).getByText('number 99999', { exact: true }).waitFor()
    expect(await page.locator('.line').count()).toBeLessThanOrEqual(100)
    const pages = node.called('history').length
    const log = page.getByRole('log')
    await log.focus()
    for (let i = 0; i < 12; i++) {
      await log.evaluate((element) => element.scrollTo({ top: 0 }))
      await expect.poll(() => node.called('history').length, { timeout: PATIENCE_MS }).toBeGreaterThan(pages + i)
      expect(await page.locator('.line').count()).toBeLessThanOrEqual(100)
    }
    expect(node.called('history').slice(pages)).toContainEqual(expect.objectContaining({ limit: 50 }))
    await page.getByRole('button', { name: 'To the newest' }).click()
    await said(page).getByText('number 99999', { exact: true }).waitFor()
    // A search result from far back is gone to at once, and one reads on from there in both directions.
    const jump = async (text: string) => {
      await page.getByRole('searchbox').fill(text)
      await page.locator('.rowlink', { hasText: text }).click()
      await page.locator('.msg[aria-current] .text', { hasText: text }).waitFor()
      expect(await page.locator('.line').count()).toBeLessThanOrEqual(100)
    }
    const asked = node.called('history').length
    await jump('number 40123')
    expect(
      await page.locator('.msg[aria-current]').evaluate((found) => {
        const { top, bottom } = found.getBoundingClientRect()
        return top > 0 && bottom < innerHeight
      }),
    ).toBe(true)
    const around = (node.called('history')[asked] ?? {}) as { around?: string; limit?: number }
    expect(node.messages.get(luc.id)?.[40_123]?.id).toBe(around.around)
    expect(
      node
        .called('history')
        .slice(asked)
        .every((page) => (page as { limit: number }).limit === 50),
    ).toBe(true)
    for (const [top, text] of [
      [1_000_000, 'number 40160'],
      [0, 'number 40080'],
    ] as const)
      await expect
        .poll(
          async () => {
            await log.evaluate((element, to) => element.scrollTo({ top: to }), top)
            return (await said(page).allInnerTexts()).some((shown) => (top === 0 ? shown <= text : shown >= text))
          },
          { timeout: PATIENCE_MS },
        )
        .toBe(true)
    // What comes meanwhile is counted, and is there on the way back.
    node.receive(luc.id, 'breaking news')
    await page.getByRole('button', { name: '1 new message below' }).click()
    await said(page).getByText('breaking news', { exact: true }).waitFor()
    await said(page).getByText('number 99999', { exact: true }).waitFor()
    await expect.poll(() => page.locator('.toend').count(), { timeout: PATIENCE_MS }).toBe(0)
    // Whoever writes from far back is brought to what was written.
    await jump('number 70007')
    await field(page).fill('from far back')
    await field(page).press('Enter')
    await said(page).getByText('from far back', { exact: true }).waitFor()
    await said(page).getByText('breaking news', { exact: true }).waitFor()
    // A link to a message opens its conversation there, without the newest first.
    await page.evaluate(() => location.assign('#/network'))
    await page.waitForSelector('.band')
    const before = node.called('history').length
    await jump('number 55555')
    expect(node.called('history')[before]).toMatchObject({ around: node.messages.get(luc.id)?.[55_555]?.id })
  }, 120_000)

  test('search finds names and messages, without accents, and says when there is nothing', async () => {
    const { node } = valley()
    const page = await look(node)
    const search = page.getByRole('searchbox')
    await search.fill('zsofia')
    await page.locator('.rowlink', { hasText: 'Zsófia' }).waitFor()
    expect(await page.locator('.rowlink').count()).toBe(1)
    await search.fill('sawmill')
    await expect.poll(() => page.locator('.rowlink').count(), { timeout: PATIENCE_MS }).toBe(2)
    await search.fill('nobody says this')
    await page.getByText('in names or messages on this device').waitFor()
    await search.press('Escape')
    await expect.poll(() => page.locator('.rowlink').count(), { timeout: PATIENCE_MS }).toBe(6)
  })

  test('100 hostile names and messages stay text', async () => {
    const node = new FakeNode()
    const luc = node.person({ name: 'Luc', via: 'lan' })
    for (const [i, text] of payloads.entries()) {
      const mark = `${i}: ${text}`
      node.receive(luc.id, mark)
      node.unread.set(luc.id, 0)
      const person = node.person({
        name: text,
        ownName: `own ${text}`,
        via: (['lan', 'direct', 'relayed', null] as const)[i % 4] ?? null,
      })
      node.receive(person.id, text)
      node.unread.set(person.id, 0)
      node.drafts.set(person.id, i % 2 ? text : '')
    }
    node.beNearby(payloads.slice(0, 30).map((name, i) => ({ peer: `peer-${i}`, name })))
    const page = await look(node, `#/chat/${luc.id}`)
    await page.evaluate(() =>
      Object.assign(globalThis, {
        alert: () => console.error('a payload ran'),
        print: () => console.error('a payload ran'),
      }),
    )
    // What a payload would make if any text were taken for markup, and what only we make.
    const foreign = () =>
      page.evaluate(() => [
        ...[
          ...document.querySelectorAll(
            'script, img, iframe, object, embed, base, meta, link, style, form, math, audio, marquee, details, template',
          ),
        ]
          .filter((element) => !element.closest('head') && !element.matches('form.compose, .page form, dialog form'))
          .map((element) => element.outerHTML.slice(0, 120)),
        ...[...document.querySelectorAll('*')]
          .filter((element) =>
            [...element.attributes].some(
              ({ name }) => /^on|^style$|^srcdoc$/.test(name) && !element.closest('.scroll'),
            ),
          )
          .map((element) => element.outerHTML.slice(0, 120)),
        ...[...document.querySelectorAll('a')]
          .filter((link) => !/^https?:$/.test(link.protocol))
          .map((link) => link.href),
      ])
    const shown = new Set<string>()
    await page.getByRole('log').waitFor()
    await said(page).first().waitFor()
    for (let i = 0; i < 200 && shown.size < payloads.length; i++) {
      for (const text of await said(page).allTextContents()) shown.add(text)
      expect(await foreign()).toEqual([])
      await page.getByRole('log').evaluate((element) => element.scrollBy({ top: -element.clientHeight / 2 }))
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    }
    for (const [i, text] of payloads.entries())
      expect([...shown].some((one) => one.startsWith(`${i}: `) && one.includes(text.slice(0, 20)))).toBe(true)
    const names = await page.locator('.rowlink .name bdi').allTextContents()
    for (const text of payloads) expect(names).toContain(text)
    const anyone = [...node.people.values()].filter(
      (contact) => contact.name === payloads[0] || contact.name === payloads[17],
    )
    for (const hash of [
      '#/network',
      '#/add',
      ...anyone.flatMap(({ id }) => [`#/chat/${id}`, `#/about/${id}`, `#/verify/${id}`]),
    ]) {
      await page.evaluate((to) => location.assign(to), hash)
      await page.waitForSelector('.talk h1, .page h1')
      if (hash === '#/add') await page.getByRole('button', { name: 'Be visible for 5 minutes' }).click()
      expect(await foreign()).toEqual([])
    }
  }, 120_000)

  test('the policy is the one that was promised, and it has teeth', async () => {
    const { node } = valley()
    const one = await door(node)
    const page = await at(one)
    await page.waitForSelector('.rowlink')
    const answer = await page.request.get(one.door.url)
    expect(answer.headers()['content-security-policy']).toBe(POLICY)
    const refused = await page.evaluate(() => {
      const tries: Record<string, () => unknown> = {
        html: () => {
          document.createElement('div').innerHTML = '<b>x</b>'
        },
        script: () => {
          document.createElement('script').src = '/x.js'
        },
        eval: () => new Function('return 1')(),
      }
      const attempt = ([name, run]: [string, () => unknown]) => {
        try {
          run()
          return `${name} passed`
        } catch {
          return `${name} refused`
        }
      }
      // In a task of the page's own: what is evaluated from outside may eval whatever the policy says.
      return new Promise<string[]>((done) => setTimeout(() => done(Object.entries(tries).map(attempt))))
    })
    expect(refused).toEqual(['html refused', 'script refused', 'eval refused'])
    // These three violations are this test's own.
    const own = windows.at(-1)?.faults ?? []
    expect(own.length).toBeGreaterThan(0)
    expect(own.filter((fault) => !/trusted|Trusted|eval|script-src/.test(fault))).toEqual([])
    own.length = 0
  })

  test('only http(s) addresses are links, whole, in a new tab, and a disguised host is named', async () => {
    const node = new FakeNode()
    const luc = node.person({ name: 'Luc', via: 'lan' })
    node.receive(
      luc.id,
      'see https://example.org/a?b=c (or http://example.net/x_(y)). Not javascript:alert(1) nor https://user:pw@example.org/ https://еxample.org/',
    )
    const page = await look(node, `#/chat/${luc.id}`)
    await said(page).first().waitFor()
    const links = await said(page)
      .locator('a')
      .evaluateAll((all) =>
        all.map((link) => [link.textContent, link.getAttribute('rel'), link.getAttribute('target')]),
      )
    expect(links).toEqual([
      ['https://example.org/a?b=c', 'noopener noreferrer', '_blank'],
      ['http://example.net/x_(y)', 'noopener noreferrer', '_blank'],
      ['https://еxample.org/', 'noopener noreferrer', '_blank'],
    ])
    expect(await said(page).innerText()).toContain('xn--xample-2of.org')
  })

  test('adding: my link, a link that is not one, and one’s own', async () => {
    const { node } = valley()
    const page = await look(node, '#/add', { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.waitForSelector('.page .qr')
    expect(node.called('createInvite')).toHaveLength(1)
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(node.invites[0]?.link)
    const paste = page.getByLabel('Link or text that holds one')
    await paste.fill('hello there')
    await paste.press('Enter')
    await page.getByText('There is no tulnic link in this text.').waitFor()
    await paste.fill(`mine: ${node.invites[0]?.link}`)
    await paste.press('Enter')
    await page.getByText('This is your own link.').waitFor()
    // The page is left and opened again: the link is still the same, until somebody used it.
    await page.evaluate(() => location.assign('#/network'))
    await page.waitForSelector('.band')
    await page.evaluate(() => location.assign('#/add'))
    await page.waitForSelector('.page .qr')
    expect(node.called('createInvite')).toHaveLength(1)
  })

  test('nearby: visible only while asked for, pairing by six digits, both ways and refused', async () => {
    const { node } = valley()
    const page = await look(node, '#/add')
    await page.getByRole('button', { name: 'Be visible for 5 minutes' }).click()
    await page.getByText(/Visible for [45]:\d\d more/).waitFor()
    expect(node.called('nearby')).toEqual([{ seconds: 300 }])
    await page.getByRole('button', { name: /^Pair with .Luc.$/ }).click()
    await page.getByRole('dialog', { name: /^Waiting for .Luc.$/ }).waitFor()
    node.theyWant('peer-luc', '473195')
    await page.getByText('473 195').waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('No')
    await page.getByRole('button', { name: 'It is the same' }).click()
    await page.getByText('confirms too').waitFor()
    expect(node.called('confirmPairing')).toEqual([{ peer: 'peer-luc', byPerson: true, timeoutSeconds: 120 }])
    node.theyConfirm('peer-luc')
    await page.getByRole('heading', { name: /^Luc/ }).waitFor()
    // Leaving the page hid us.
    await expect.poll(() => node.called('nearby').at(-1), { timeout: PATIENCE_MS }).toEqual({ seconds: 0 })
    // The other side begins, and the digits differ.
    node.theyWant('peer-samira', '111222')
    await page.getByRole('button', { name: 'Pair', exact: true }).click()
    await expect.poll(() => node.called('pair').length, { timeout: PATIENCE_MS }).toBe(2)
    node.theyWant('peer-samira', '111222')
    await page.getByText('111 222').waitFor()
    await page.getByRole('button', { name: 'No', exact: true }).click()
    await page.getByText('the numbers differ').waitFor()
    await expect.poll(() => node.called('cancelPairing'), { timeout: PATIENCE_MS }).toEqual([{ peer: 'peer-samira' }])
    await page.getByRole('button', { name: 'All right' }).click()
    expect(await page.locator('dialog').count()).toBe(0)
  })

  test('a code is read from a picture, by wasm from our own origin', async () => {
    const { node, samira } = valley()
    const page = await look(node, `#/verify/${samira.id}`)
    await page.waitForSelector('.qr svg')
    const picture = await page.locator('.qr').screenshot()
    await page.getByRole('button', { name: 'Scan the other code' }).click()
    await page.getByText('No camera was found.').or(page.getByText('may not use the camera')).waitFor()
    await page.locator('input[type=file]').setInputFiles({ name: 'code.png', mimeType: 'image/png', buffer: picture })
    await page.getByText('Verified. Nobody stands between you.').waitFor()
    expect(node.called('verifyContact')).toEqual([
      { to: samira.id, number: '592947337061033592226656376989248902420367096623598255980472' },
    ])
    await page.getByRole('button', { name: 'Scan the other code' }).click()
    const blank = await page.locator('.lede').screenshot()
    await page.locator('input[type=file]').setInputFiles({ name: 'blank.png', mimeType: 'image/png', buffer: blank })
    await page.getByText('There is no readable code in this picture.').waitFor()
  })

  test('a code is read from the camera', async () => {
    const { node, samira } = valley()
    const one = await door(node)
    const camera = await launch(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'])
    try {
      const window = await openWindow(camera, one, { permissions: ['camera'] })
      const { page } = window
      await page.waitForSelector('.rowlink')
      await page.evaluate((to) => location.assign(to), `#/verify/${samira.id}`)
      await page.waitForSelector('.qr svg')
      // Chromium's fake camera shows no code: the page's own code is drawn over its frames.
      const picture = (await page.locator('.qr').screenshot()).toString('base64')
      await page.evaluate(async (data) => {
        const image = await createImageBitmap(
          new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], { type: 'image/png' }),
        )
        const { prototype } = OffscreenCanvasRenderingContext2D
        const draw: (image: ImageBitmap, x: number, y: number) => void = prototype.drawImage
        Object.assign(prototype, {
          drawImage(this: OffscreenCanvasRenderingContext2D) {
            draw.call(this, image, 0, 0)
          },
        })
      }, picture)
      await page.getByRole('button', { name: 'Scan the other code' }).click()
      await page.getByText('Verified. Nobody stands between you.').waitFor()
      expect(window.faults).toEqual([])
    } finally {
      await camera.close()
    }
  })

  test('a number that differs is not marked, and the way out is offered', async () => {
    const { node, samira } = valley()
    const page = await look(node, `#/verify/${samira.id}`)
    await page.waitForSelector('.digits')
    const typed = page.getByLabel('Or paste the digits you were sent')
    await typed.fill('1'.repeat(60))
    await typed.press('Enter')
    await page.getByText('These are not the same digits.').waitFor()
    expect(node.people.get(samira.id)?.verified).toBe(false)
    await page.getByRole('button', { name: 'They differ' }).click()
    await page.getByRole('alertdialog', { name: 'The numbers differ' }).waitFor()
    await page.getByRole('button', { name: 'Block' }).click()
    await page.getByText('You blocked').waitFor()
    expect(await page.locator('.inbox').count()).toBe(0)
  })

  test('rename, block, remove: dialogs keep the focus and give it back', async () => {
    const { node, samira } = valley()
    const page = await look(node, `#/chat/${samira.id}`)
    const focused = () => page.evaluate(() => document.activeElement?.textContent)
    await page.getByRole('button', { name: 'Remove' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('alertdialog').waitFor()
    expect(await focused()).toBe('Keep')
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press('Tab')
      expect(
        await page.evaluate(
          () => document.activeElement === document.body || document.activeElement?.closest('dialog') !== null,
        ),
      ).toBe(true)
    }
    await page.keyboard.press('Escape')
    expect(await focused()).toBe('Remove')
    expect(node.called('removeContact')).toEqual([])
    await page.getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('Sami')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Sami', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Block' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Block', exact: true }).click()
    await page.getByText('You blocked').waitFor()
    await page.locator('.talk').getByRole('button', { name: 'Unblock' }).click()
    await page.waitForSelector('.inbox')
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
    await expect.poll(() => page.locator('.rowlink', { hasText: 'Sami' }).count(), { timeout: PATIENCE_MS }).toBe(0)
  })

  test('on a phone one pane at a time, Escape one back, the focus with it', async () => {
    const { node, samira } = valley()
    const page = await look(node, '', PHONE)
    await page.locator('.rowlink', { hasText: 'Samira' }).click()
    await page.getByRole('heading', { name: 'Samira', exact: true }).waitFor()
    expect(await page.locator('.list').isVisible()).toBe(false)
    await page.getByRole('link', { name: 'Details' }).click()
    await page.waitForSelector('.details h2:focus')
    expect(await page.locator('.talk').isVisible()).toBe(false)
    await page.keyboard.press('Escape')
    await page.waitForSelector('#details-link:focus')
    await page.keyboard.press('Escape')
    await page.waitForSelector('.list .rowlink:focus')
    expect(await page.locator('.rowlink:focus').innerText()).toContain('Samira')
    expect(page.url()).not.toContain(samira.id)
    // What comes while another pane covers the conversation was not seen.
    await page.locator('.rowlink', { hasText: 'Samira' }).click()
    await expect.poll(() => node.unread.get(samira.id), { timeout: PATIENCE_MS }).toBe(0)
    await page.getByRole('link', { name: 'Details' }).click()
    await page.waitForSelector('.details h2:focus')
    node.receive(samira.id, 'behind the details')
    await expect.poll(() => page.title(), { timeout: PATIENCE_MS }).toMatch(/^\(2\)/)
    expect(node.unread.get(samira.id)).toBe(1)
    await page.keyboard.press('Escape')
    await expect.poll(() => node.unread.get(samira.id), { timeout: PATIENCE_MS }).toBe(0)
  })

  test('language and theme can be chosen and are kept', async () => {
    const { node } = valley()
    const page = await look(node, '#/settings')
    await page.getByLabel('Language').selectOption('ro')
    await page.getByRole('heading', { name: 'Setări' }).waitFor()
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('ro')
    await page.getByLabel('Luminos și întunecat').selectOption('dark')
    await page.reload()
    await page.getByRole('heading', { name: 'Setări' }).waitFor()
    expect(
      await page.evaluate(() => getComputedStyle(document.body).colorScheme + document.documentElement.dataset.theme),
    ).toContain('dark')
  })

  const NAME =
    'Ngũgĩ wa Thiong’o, ' +
    'Lopadotemachoselachogaleokranioleipsanodrimhypotrimmatosilphioparaomelitokatakechymenokichlepikossyphophattoperisteralektryonoptekephalliokigklopeleiolagoiosiraiobaphetraganopterygon'

  test('a browser of the C locale, whose language is no tag, shows the times all the same', async () => {
    const { node, ilinca } = valley()
    const page = await look(node)
    await page.addInitScript(() => Object.defineProperty(navigator, 'languages', { get: () => ['en-US@posix'] }))
    await page.reload()
    await page.getByText(ilinca.name).first().waitFor()
  })

  test.each([
    ['320 px wide', { viewport: { width: 320, height: 568 } }],
    ['at 200 %', { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }],
    ['on a phone, in French', { ...PHONE, locale: 'fr-FR' }],
    ['on a desk, in Romanian', { locale: 'ro-RO' }],
  ])('nothing scrolls sideways: %s', async (_, options) => {
    const { node, ilinca } = valley()
    const long = node.person({ name: NAME, ownName: NAME, via: 'direct', verified: true })
    node.receive(long.id, `${'w'.repeat(400)} https://example.org/${'x'.repeat(300)}`)
    node.wrote(long.id, 'م'.repeat(300), { reason: 'not-reached' })
    const page = await look(node, '', options)
    for (const hash of [
      '#/',
      `#/chat/${ilinca.id}`,
      `#/chat/${long.id}`,
      `#/about/${long.id}`,
      `#/verify/${long.id}`,
      '#/add',
      '#/network',
      '#/settings',
      '#/phrase',
    ]) {
      await page.evaluate((to) => location.assign(to), hash)
      await page.waitForSelector('.pane:visible')
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
      const wide = await page.evaluate(() =>
        [...document.querySelectorAll('html, .in, .scroll, .rows, .details')]
          .filter((element) => element.scrollWidth > element.clientWidth + 1)
          .map((element) => element.className || element.tagName),
      )
      expect([hash, wide]).toEqual([hash, []])
    }
  })

  const views: readonly (readonly [
    string,
    () => { node: FakeNode; hash: string; act?: (page: Page) => Promise<void> },
  ])[] = [
    ['first run', () => ({ node: new FakeNode({ phase: 'empty' }), hash: '' })],
    [
      'recovery phrase',
      () => ({
        node: new FakeNode({ phase: 'empty' }),
        hash: '',
        act: async (page) => {
          await page.getByLabel('Name').fill('A')
          await page.getByLabel('Passphrase', { exact: true }).fill('five words are not enough')
          await page.keyboard.press('Enter')
          await page.waitForSelector('.phrase')
        },
      }),
    ],
    ['unlock', () => ({ node: new FakeNode({ phase: 'locked', passphrase: 'x' }), hash: '' })],
    ['empty list', () => ({ node: new FakeNode(), hash: '' })],
    ['list', () => ({ node: valley().node, hash: '' })],
    ['search', () => ({ node: valley().node, hash: '', act: (page) => page.getByRole('searchbox').fill('a') })],
    [
      'conversation, stuck',
      () => {
        const { node, ilinca } = valley()
        node.gap(ilinca.id, 2)
        node.network = 'local'
        return { node, hash: `#/chat/${ilinca.id}`, act: (page) => page.getByRole('button', { name: 'Why?' }).click() }
      },
    ],
    [
      'details and dialog',
      () => {
        const { node, samira } = valley()
        return {
          node,
          hash: `#/about/${samira.id}`,
          act: (page) => page.getByRole('button', { name: 'Block' }).click(),
        }
      },
    ],
    [
      'verify',
      () => {
        const { node, samira } = valley()
        return {
          node,
          hash: `#/verify/${samira.id}`,
          act: async (page) => {
            await page.waitForSelector('.digits')
          },
        }
      },
    ],
    [
      'add, visible',
      () => ({
        node: valley().node,
        hash: '#/add',
        act: (page) => page.getByRole('button', { name: 'Be visible for 5 minutes' }).click(),
      }),
    ],
    [
      'pairing',
      () => {
        const { node } = valley()
        return {
          node,
          hash: '#/add',
          act: async (page) => {
            node.theyWant('peer-luc', '473195')
            await page.getByRole('dialog').waitFor()
          },
        }
      },
    ],
    ['network', () => ({ node: valley().node, hash: '#/network' })],
    ['settings', () => ({ node: valley().node, hash: '#/settings' })],
    [
      'the phrase again, asked for',
      () => ({
        node: new FakeNode({ passphrase: 'x' }),
        hash: '#/phrase',
        act: async (page) => {
          await page.getByRole('button', { name: 'Show the 24 words' }).click()
          await page.getByLabel('Passphrase', { exact: true }).waitFor()
        },
      }),
    ],
    [
      'the phrase again, shown',
      () => ({
        node: new FakeNode(),
        hash: '#/phrase',
        act: async (page) => {
          await page.getByRole('button', { name: 'Show the 24 words' }).click()
          await page.waitForSelector('.phrase')
        },
      }),
    ],
    [
      'texts that wait, on a disk that takes nothing',
      () => {
        const { node, samira } = valley()
        node.trouble = 'The disk is full.'
        node.beforeStored = () => new Promise(() => undefined)
        return {
          node,
          hash: `#/chat/${samira.id}`,
          act: async (page) => {
            await field(page).fill('waits for an answer')
            await field(page).press('Enter')
            await page.waitForSelector('.unanswered li')
          },
        }
      },
    ],
  ]

  /** What axe has to say about the page as it is now; `rules`: these alone. */
  const axe = (page: Page, rules?: readonly string[]) =>
    page.evaluate(async (only) => {
      interface Axe {
        run(
          root: Document,
          options: object,
        ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>
      }
      const checker: Axe = Reflect.get(globalThis, 'axe')
      const { violations } = await checker.run(document, {
        resultTypes: ['violations'],
        ...(only ? { runOnly: only } : {}),
      })
      return violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`).join(' | ')}`,
      )
    }, rules)

  test.each(views)('axe finds nothing, light and dark, wide and narrow: %s', async (_, make) => {
    const { node, hash, act } = make()
    // Without the tint's 120 ms, in which a colour is neither the old nor the new one.
    const page = await look(node, hash, { reducedMotion: 'reduce' })
    await page.waitForSelector('h1')
    await act?.(page)
    await page.evaluate(axeCore.source)
    for (const viewport of [
      { width: 1280, height: 800 },
      { width: 390, height: 844 },
    ]) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme: 'light' })
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
      expect(await axe(page)).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
      expect(await axe(page, ['color-contrast'])).toEqual([])
    }
  })
})
