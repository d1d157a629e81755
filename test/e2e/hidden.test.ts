/**
 * Hidden from a contact, with nothing false: three real nodes, and the window of one in real Chromium.
 *
 *     ana ──┐                  ana turns "Reach only through friends" on for bogdan: from then on
 *           ├── rares          all that the two say goes through the node of Rareș, and the window says so
 *     bogdan┘
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Contact, Node, Status } from '../../src/node/api.ts'
import { readAssets } from '../../src/node/server/assets.ts'
import { type Host, hostNode } from '../../src/node/server/host.ts'
import { startOnDisk } from '../../src/node/server/on-disk.ts'
import { chromium, launch } from '../chromium.ts'
import { tabTo } from '../ui/keyboard.ts'
import { buildApp, openWindow, PATIENCE_MS, remove } from '../ui/window.ts'

describe.skipIf(!chromium)('hidden from a contact, in Chromium', () => {
  let app = ''
  let browser: Browser
  const hosts: Host[] = []
  const folders: string[] = []

  beforeAll(async () => {
    app = await buildApp()
    browser = await launch()
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    for (const host of hosts) await host.stop()
    for (const folder of [app, ...folders]) await remove(folder)
  })

  async function arrive(name: string): Promise<Host> {
    const folder = mkdtempSync(join(tmpdir(), 'tulnic-hidden-'))
    folders.push(folder)
    const host = await hostNode({
      dataDirectory: folder,
      startNode: (directory) => startOnDisk(directory, { listen: [], mdns: false, lanOnly: false }),
      door: { port: 0, assets: readAssets(app) },
      warn: () => undefined,
    })
    hosts.push(host)
    await host.node.createProfile({ name, passphrase: null })
    return host
  }

  /** They know each other, and are connected. */
  async function meet(one: Node, other: Node): Promise<void> {
    const { id } = await one.addContact({ link: (await other.createInvite({})).link })
    await until(one, async () => (await one.contact({ to: id })).online)
  }

  /** Looks again after each thing that the node tells, until it is so. */
  function until(node: Node, is: () => Promise<boolean>): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => end(() => reject(new Error('it never was so'))), PATIENCE_MS)
      const end = (then: () => void): void => {
        clearTimeout(late)
        deaf()
        then()
      }
      const look = (): void => void is().then((so) => so && end(resolve), reject)
      const deaf = node.subscribe(look)
      look()
    })
  }

  const heldAt = ({ relays }: Status): readonly string[] =>
    relays?.at.filter(({ state }) => state === 'held').map(({ contact }) => contact) ?? []

  test('the switch, the way through the friend, and back', { timeout: 8 * PATIENCE_MS }, async () => {
    const [ana, bogdan, rares] = [await arrive('Ana'), await arrive('Bogdan'), await arrive('Rareș')]
    await meet(ana.node, rares.node)
    await meet(bogdan.node, rares.node)
    const { id: friend } = await ana.node.contact({ to: 'Rareș' })
    for (const { node } of [ana, bogdan]) await until(node, async () => heldAt(await node.status()).includes(friend))
    await meet(ana.node, bogdan.node)
    const before = await ana.node.contact({ to: 'Bogdan' })
    expect(before).toMatchObject({ relayedBy: null, relayOnly: false })
    expect(before.via).not.toBe('relayed')

    const window = await openWindow(browser, { door: { openUrl: () => ana.openUrl() ?? '' } } as never)
    const { page } = window
    await page.waitForSelector('.rowlink')
    await page.evaluate((to) => location.assign(to), `#/about/${before.id}`)
    await tabTo(page, 'Reach only through friends', 120)
    await page.keyboard.press('Space')
    await page.locator('.details').getByText('Through a friend', { exact: true }).waitFor()
    await page
      .locator('.details')
      .getByText(/Rareș.?, who cannot read it/)
      .waitFor()

    await page.evaluate(() => location.assign('#/network'))
    const ridge = page.locator('.band', { has: page.getByRole('heading', { name: /Through a friend/ }) })
    await ridge.getByText(/by .?Rareș.?, who cannot read it/).waitFor()
    expect(await ridge.locator('.person').innerText()).toContain('Bogdan')
    await page.locator('.card', { hasText: 'Who relays for you' }).getByText('Rareș').waitFor()
    if (process.env.SCREENSHOTS !== undefined)
      await page.screenshot({ path: join(process.env.SCREENSHOTS, 'hidden-network.png') })

    // What is said there arrives; and the friend says for whom it relays, and how much.
    const sent = await bogdan.node.send({ to: 'Ana', text: 'Mă auzi?' })
    await until(bogdan.node, async () =>
      ['delivered', 'read'].includes((await bogdan.node.message({ id: sent.id })).state),
    )
    const contact: Contact = await bogdan.node.contact({ to: 'Ana' })
    expect(contact).toMatchObject({ via: 'relayed', relayedBy: friend, punched: false })
    const { relays } = await rares.node.status()
    expect(relays?.for).toEqual(expect.arrayContaining([before.id]))
    expect(relays?.relayed).toBeGreaterThan(0)
    expect(relays?.bytes).toBeGreaterThan(0)

    await ana.node.setRelayOnly({ to: 'Bogdan', on: false })
    await until(ana.node, async () => (await ana.node.contact({ to: 'Bogdan' })).relayedBy === null)
    await page.getByRole('heading', { name: /Through a friend/ }).waitFor({ state: 'detached' })
    expect(window.faults).toEqual([])
    await window.close()
  })
})
