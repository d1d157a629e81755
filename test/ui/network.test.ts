/**
 * The network page and the switch that hides one's address, in a real Chromium: what is seen, what a screen reader hears,
 * what many people, long names and small windows do to it.
 *
 * Holds: every test ends with nothing thrown, nothing logged as an error and nothing refused by the policy.
 */
import axeCore from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ApiError } from '../../src/node/api-error.ts'
import { chromium, launch } from '../chromium.ts'
import { FakeNode } from './fake-node.ts'
import { tabTo } from './keyboard.ts'
import { buildApp, openWindow, PATIENCE_MS, remove, type Served, serve, type Window } from './window.ts'

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

/** Everybody there can be: near, direct, punched, relayed by a contact and by somebody, waiting; relays each way. */
function everybody() {
  const node = new FakeNode()
  const radu = node.person({ name: 'Radu', via: 'lan' })
  const margaux = node.person({ name: 'Margaux', via: 'direct' })
  const luc = node.person({ name: 'Luc', via: 'direct', punched: true })
  const zsofia = node.person({ name: 'Zsófia', via: 'relayed', relayedBy: margaux.id })
  const samira = node.person({ name: 'سميرة', via: 'relayed' })
  const ilinca = node.person({ name: 'Ilinca', lastSeen: new Date().toISOString(), reason: 'not-reached' })
  node.wrote(ilinca.id, 'up at the hut', { reason: 'not-reached' })
  node.dht = { on: true, mode: 'client', servers: 14, stored: 0, published: 3 }
  node.reachStatus = { observed: ['/ip4/203.0.113.7'], publiclyReachable: 'no', natMapping: 'unknown' }
  node.relays = {
    at: [
      { contact: margaux.id, state: 'held' },
      { contact: radu.id, state: 'refused' },
    ],
    fromOutside: true,
    forContacts: true,
    places: 2,
    for: [luc.id],
    relayed: 1,
    bytes: 3_400_000,
    paths: [],
  }
  return { node, radu, margaux, luc, zsofia, samira, ilinca }
}

describe.skipIf(!chromium)('the network page, in Chromium', () => {
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

  async function look(node: FakeNode, hash = '#/network', options: BrowserContextOptions = {}): Promise<Page> {
    const one = await serve(app, node)
    served.push(one)
    const window = await openWindow(browser, one, { reducedMotion: 'reduce', ...options })
    windows.push(window)
    await window.page.waitForSelector('.list')
    await window.page.evaluate((to) => location.assign(to), hash)
    await window.page.waitForSelector('.pane h1')
    return window.page
  }
  const plain = (text: string): string =>
    text
      .replace(/[\u2068\u2069]/g, '')
      .replace(/\s+/g, ' ')
      .trim()
  /** The band, card or sky under a heading, as one line of text. */
  const under = async (page: Page, heading: string | RegExp): Promise<string> =>
    plain(
      await page
        .locator('section', { has: page.getByRole('heading', { name: heading }) })
        .last()
        .innerText(),
    )
  const tells = (page: Page, heading: string | RegExp, what: RegExp) =>
    expect.poll(() => under(page, heading), { timeout: PATIENCE_MS }).toMatch(what)

  test('who is reached how, by whom, and what that shows of oneself', async () => {
    const page = await look(everybody().node)
    await tells(page, /^Through a friend/, /2 people.*Zsófia by Margaux, who cannot read it/)
    await tells(page, /^Through a friend/, /سميرة sealed, by somebody not known here/)
    await tells(page, /^Directly/, /2 people.*Luc through both routers · sees your address/)
    await tells(page, /^Directly/, /Margaux relays for you · sees your address/)
    await tells(page, /^On this local network/, /1 person.*Radu$/)
    await tells(page, /^Waiting/, /Ilinca since .* · 1 message waits/)
    await tells(page, 'You, on this device', /From outside others reach you through Margaux\./)
    await tells(page, 'Finding each other again', /14 other nodes keep sealed notes.*3 of them yours/)
    expect(await page.locator('.stars path').count()).toBe(14)
  })

  test('who relays for whom, how much, and where one is seen', async () => {
    const page = await look(everybody().node)
    await tells(page, 'Who relays for you', /Margaux others reach you through it, sealed RA Radu has no room/)
    await tells(
      page,
      'Whom you relay for',
      /Luc reached from outside through you and 1 stranger 1 connection now, 3\.4 MB/,
    )
    await tells(page, 'Addresses of this device', /203\.0\.113\.7/)
  })

  test('relaying for contacts is switched off and on, by keyboard', async () => {
    const { node } = everybody()
    const page = await look(node)
    const relaying = page.getByRole('switch', { name: 'Relay for my contacts' })
    await tabTo(page, 'Relay for my contacts', 120)
    expect(await relaying.getAttribute('aria-checked')).toBe('true')
    await page.keyboard.press('Enter')
    await tells(page, 'Whom you relay for', /No contact: you switched it off\./)
    expect(await relaying.getAttribute('aria-checked')).toBe('false')
    expect(await relaying.evaluate((element) => element === document.activeElement)).toBe(true)
    await page.keyboard.press('Space')
    await tells(page, 'Whom you relay for', /Nobody now\./)
    expect(node.called('setRelaying')).toEqual([{ forContacts: false }, { forContacts: true }])
    node.failures.set('setRelaying', new ApiError('storage', 'full'))
    await relaying.click()
    await page.getByText('Look whether the disk is full').waitFor()
    expect(await relaying.getAttribute('aria-checked')).toBe('true')
  })

  test('what is wrong is said first, with what helps, in the picture and below it', async () => {
    const { node, ilinca } = everybody()
    node.change(ilinca.id, { state: 'invited', reason: 'invite-used' })
    node.network = 'none'
    node.addresses = []
    const page = await look(node)
    await tells(
      page,
      'What stands in the way',
      /on no network\. Join one.*link of Ilinca leads nowhere any more\. Ask for a new/,
    )
    await tells(page, 'You, on this device', /On no network\./)
    await tells(page, 'Finding each other again', /Nobody to ask without a network\./)
    const first = await page.locator('.page h2').first().innerText()
    expect(first).toBe('What stands in the way')
  })

  test.each<[string, (node: FakeNode) => void, string, RegExp]>([
    [
      'nobody gets in',
      (node) => {
        node.relays = { ...node.relays, at: [], fromOutside: false }
      },
      'What could be better',
      /Nobody outside can begin.*forward TCP port 4711/,
    ],
    [
      'the local network alone',
      (node) => {
        node.lan = { on: true, only: true }
      },
      'You, on this device',
      /On the local network only\./,
    ],
    [
      'a private network',
      (node) => {
        node.isPrivate = true
      },
      'What could be better',
      /private network/,
    ],
    [
      'the hash table off',
      (node) => {
        node.dht = { on: false, mode: 'off', servers: 0, stored: 0, published: 0 }
      },
      'Finding each other again',
      /Off\. Who moved is found only nearby\./,
    ],
    [
      'others get in',
      (node) => {
        node.reachStatus = { observed: [], publiclyReachable: 'yes', natMapping: 'none' }
        node.relays = { ...node.relays, at: [], fromOutside: false }
      },
      'Who relays for you',
      /Nobody needs to/,
    ],
    [
      'nobody is known who is asked',
      (node) => (node.dht = { ...node.dht, servers: 0 }),
      'Finding each other again',
      /Nobody to ask yet/,
    ],
  ])('%s', async (_, change, heading, sentence) => {
    const { node } = everybody()
    change(node)
    await tells(await look(node), heading, sentence)
  })

  test('the first time: nobody yet, and the way on', async () => {
    const page = await look(new FakeNode())
    await page.getByText('No contacts yet').waitFor()
    await tells(page, 'What could be better', /nobody here yet\. Show a code/)
    await page.locator('.page').getByRole('link', { name: 'Add someone' }).click()
    await page.getByRole('heading', { name: 'Add someone' }).waitFor()
  })

  test('what changes is seen as the node tells it', async () => {
    const { node, ilinca, margaux, zsofia } = everybody()
    const page = await look(node)
    await tells(page, /^Waiting/, /Ilinca/)
    node.reach(ilinca.id, 'relayed', margaux.id)
    await tells(page, /^Through a friend/, /Ilinca by Margaux/)
    node.reach(zsofia.id, 'direct')
    await tells(page, /^Directly/, /Zsófia sees your address/)
    node.relays = { ...node.relays, bytes: 7_700_000 }
    node.tellStatus()
    await tells(page, 'Whom you relay for', /7\.7 MB/)
  })

  test('five hundred people: a dozen on each ridge, the rest at a press, by keyboard', async () => {
    const node = new FakeNode()
    for (let n = 0; n < 500; n++) node.person({ name: `Person ${n}`, via: n % 2 === 0 ? 'direct' : null })
    const page = await look(node)
    await tells(page, /^Directly/, /250 people/)
    expect(await page.locator('.person').count()).toBe(24)
    await tabTo(page, '238 people more', 120)
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.person').count(), { timeout: PATIENCE_MS }).toBe(262)
    const button = page.locator('.band.b4 .more')
    expect(await button.getAttribute('aria-expanded')).toBe('true')
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.person').count(), { timeout: PATIENCE_MS }).toBe(24)
  })

  const LONG = `${'Lopadotemachoselachogaleokranioleipsanodrim '.repeat(2).slice(0, 63)}x`
  const RIGHT_TO_LEFT = `${'محمد بن عبد الله بن عبد المطلب '.repeat(3).slice(0, 63)}م`

  test.each([
    ['320 px wide', { viewport: { width: 320, height: 568 } }],
    ['at 200 %', { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }],
    ['on a phone, in French', { ...PHONE, locale: 'fr-FR' }],
    ['on a desk, in Romanian', { locale: 'ro-RO' }],
  ])('long names and names from right to left do not widen it: %s', async (_, options) => {
    const { node, margaux } = everybody()
    const long = node.person({ name: LONG, via: 'relayed', relayedBy: margaux.id, relayOnly: true })
    const other = node.person({ name: RIGHT_TO_LEFT, via: 'direct', punched: true })
    node.person({ name: `${LONG} 2`, via: 'relayed', relayedBy: long.id })
    node.person({ name: `${RIGHT_TO_LEFT} 2`, via: 'relayed', relayedBy: other.id })
    node.relays = { ...node.relays, at: [{ contact: long.id, state: 'held' }], for: [other.id], places: 1 }
    const page = await look(node, '#/network', options)
    for (const hash of ['#/network', `#/about/${long.id}`, `#/about/${other.id}`]) {
      await page.evaluate((to) => location.assign(to), hash)
      await page.waitForSelector(hash === '#/network' ? '.land-of .person' : '.details .switch')
      const wide = await page.evaluate(() =>
        [...document.querySelectorAll('html, .in, .details, .person, .card')]
          .filter((element) => element.scrollWidth > element.clientWidth + 1)
          .map((element) => element.className || element.tagName),
      )
      expect([hash, wide]).toEqual([hash, []])
    }
  })

  test('a contact is hidden from by keyboard, told what that costs, and met again', async () => {
    const { node, luc } = everybody()
    node.relays = { ...node.relays, at: [], fromOutside: false }
    const page = await look(node, `#/about/${luc.id}`)
    const hide = page.getByRole('switch', { name: 'Reach only through friends' })
    await tabTo(page, 'Reach only through friends', 120)
    expect(await hide.getAttribute('aria-checked')).toBe('false')
    const described = await hide.evaluate(
      (element) => document.getElementById(element.getAttribute('aria-describedby') ?? '')?.textContent,
    )
    expect(plain(described ?? '')).toMatch(/Luc is told no address.*The friend who relays sees both addresses.*Slower/)
    await page.keyboard.press('Space')
    await expect.poll(() => hide.getAttribute('aria-checked'), { timeout: PATIENCE_MS }).toBe('true')
    expect(node.called('setRelayOnly')).toEqual([{ to: luc.id, on: true }])
    node.reach(luc.id, null)
    await page.getByText('No friend relays for you now').waitFor()
    await page.keyboard.press('Enter')
    await expect.poll(() => hide.getAttribute('aria-checked'), { timeout: PATIENCE_MS }).toBe('false')
    expect(await page.getByText('No friend relays for you now').count()).toBe(0)
    node.failures.set('setRelayOnly', new ApiError('storage', 'full'))
    await hide.click()
    await page.getByText('Look whether the disk is full').waitFor()
    expect(await hide.getAttribute('aria-checked')).toBe('false')
  })

  test('the header of a conversation and the details name the friend between', async () => {
    const { node, zsofia } = everybody()
    const page = await look(node, `#/about/${zsofia.id}`)
    expect(plain(await page.locator('.details .facts').first().innerText())).toContain('Margaux, who cannot read it')
    await page.evaluate((to) => location.assign(to), `#/chat/${zsofia.id}`)
    await expect
      .poll(async () => plain(await page.locator('.talk .who').innerText()), { timeout: PATIENCE_MS })
      .toContain('Reached through Margaux')
  })

  test.each<[string, () => FakeNode]>([
    ['everybody', () => everybody().node],
    ['nobody', () => new FakeNode()],
    [
      'no network',
      () => {
        const { node } = everybody()
        node.network = 'none'
        return node
      },
    ],
    [
      'a hidden contact in the details',
      () => {
        const { node, luc } = everybody()
        node.change(luc.id, { relayOnly: true, via: null, online: false })
        node.relays = { ...node.relays, at: [], fromOutside: false }
        return node
      },
    ],
  ])('axe finds nothing, light and dark, wide and narrow: %s', async (what, make) => {
    const node = make()
    const luc = [...node.people.values()].find(({ name }) => name === 'Luc')
    const page = await look(node, what.includes('details') ? `#/about/${luc?.id}` : '#/network')
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
        expect([viewport.width, colorScheme, found]).toEqual([viewport.width, colorScheme, []])
      }
  })
})
