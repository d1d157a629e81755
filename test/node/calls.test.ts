/**
 * Calls on a whole node with a real database and a network that reaches nobody.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AnyEvent, Message, Node, Status } from '../../src/node/api.ts'
import type { MakeNet } from '../../src/node/net/net.ts'
import { nodejsPlatform } from '../../src/node/platform/nodejs.ts'
import type { Platform } from '../../src/node/platform/platform.ts'
import { startNode } from '../../src/node/start.ts'
import { NO_NET } from './no-net.ts'

/** Every contact that is wanted is said not to be reached. */
const nobody =
  (addresses: string[]): MakeNet =>
  async (_config, _acquaintances, emit) => ({
    ...NO_NET,
    perform: (effect) => {
      if (effect.type === 'want') emit({ type: 'not-reached', contact: effect.contact })
      if (effect.type === 'want') emit({ type: 'addresses', addresses })
    },
    addresses: () => addresses,
  })

interface Alone {
  readonly node: Node
  readonly addresses: string[]
  /** Stops it, and starts another on the same profile. */
  again(): Promise<Node>
}

async function alone(passphrase: string | null = null, around: (platform: Platform) => Platform = (it) => it) {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-calls-'))
  const addresses: string[] = []
  let node: Node
  const start = async (): Promise<Node> => {
    const platform = around(await nodejsPlatform(folder))
    return startNode(platform, nobody(addresses), {
      net: { listen: [], mdns: false, lanOnly: true },
      version: 'test',
    })
  }
  node = await start()
  onTestFinished(async () => {
    await node.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const { phrase } = await node.createProfile({ name: 'Ana', passphrase })
  const again = async (): Promise<Node> => {
    await node.stop()
    node = await start()
    return node
  }
  return { node, addresses, again, phrase } satisfies Alone & { phrase: string }
}

/** A node that knows Bob, who is never reached. */
async function withBob(): Promise<Alone> {
  const ana = await alone()
  const bob = await alone()
  const { link } = await bob.node.createInvite({})
  await ana.node.addContact({ link, name: 'Bob' })
  return ana
}

const KEY = 'k'.repeat(22)
const texts = (messages: readonly Message[]): string[] => messages.map(({ text }) => text)

describe('a message sent under a key', () => {
  test('is one message, however often and however soon it is sent again', async () => {
    const { node } = await withBob()
    const asked = { to: 'Bob', text: 'once', key: KEY }
    const [first, atOnce] = await Promise.all([node.send(asked), node.send(asked)])
    expect(atOnce?.id).toBe(first?.id)
    expect((await node.send(asked)).id).toBe(first?.id)
    expect(texts(await node.history({ to: 'Bob' }))).toEqual(['once'])
    await node.send({ ...asked, key: 'l'.repeat(22) })
    await node.send({ to: 'Bob', text: 'once' })
    expect(texts(await node.history({ to: 'Bob' }))).toEqual(['once', 'once', 'once'])
  })

  test('that was refused was not sent, and may be sent again', async () => {
    const { node } = await withBob()
    await node.blockContact({ to: 'Bob' })
    const asked = { to: 'Bob', text: 'later', key: KEY }
    await expect(node.send(asked)).rejects.toMatchObject({ code: 'contact-blocked' })
    await node.unblockContact({ to: 'Bob' })
    await node.send(asked)
    expect(texts(await node.history({ to: 'Bob' }))).toEqual(['later'])
  })

  test('is told from others by a key that can hardly be drawn twice', async () => {
    const { node } = await withBob()
    for (const key of ['', 'short', 'k'.repeat(65)])
      await expect(node.send({ to: 'Bob', text: 'x', key })).rejects.toMatchObject({ code: 'usage' })
    expect(await node.history({ to: 'Bob' })).toEqual([])
  })

  test('is known by its key until the node is started anew, which `startedAt` says', async () => {
    const ana = await withBob()
    const { startedAt } = await ana.node.status()
    await ana.node.send({ to: 'Bob', text: 'first life', key: KEY })
    expect((await ana.node.status()).startedAt).toBe(startedAt)
    const node = await ana.again()
    expect((await node.status()).startedAt).not.toBe(startedAt)
    expect(texts(await node.history({ to: 'Bob' }))).toEqual(['first life'])
  })

  test('only the last thousand keys are remembered', async () => {
    const { node } = await withBob()
    const asked = (n: number) => ({ to: 'Bob', text: `number ${n}`, key: String(n).padStart(22, '0') })
    await Promise.all(Array.from({ length: 1001 }, (_, n) => node.send(asked(n))))
    const { id } = await node.send(asked(1000))
    expect(texts(await node.history({ to: 'Bob', limit: 2 }))).toEqual(['number 999', 'number 1000'])
    expect((await node.message({ id })).text).toBe('number 1000')
    await node.send(asked(0))
    expect(texts(await node.history({ to: 'Bob', limit: 2 }))).toEqual(['number 1000', 'number 0'])
  })
})

describe('a page of a history', () => {
  test('begins at the newest, before, after or around a message', async () => {
    const { node } = await withBob()
    const sent: Message[] = []
    for (let n = 0; n < 30; n++) sent.push(await node.send({ to: 'Bob', text: String(n) }))
    const page = async (asked: object): Promise<string> =>
      texts(await node.history({ to: 'Bob', limit: 5, ...asked })).join(' ')
    const id = (n: number): string => sent[n]?.id ?? ''
    expect(await page({})).toBe('25 26 27 28 29')
    expect(await page({ before: id(10) })).toBe('5 6 7 8 9')
    expect(await page({ after: id(10) })).toBe('11 12 13 14 15')
    expect(await page({ around: id(10) })).toBe('8 9 10 11 12')
    expect(await page({ around: id(10), limit: 4 })).toBe('8 9 10 11')
    expect(await page({ around: id(10), limit: 1 })).toBe('10')
    expect(await page({ around: id(0) })).toBe('0 1 2')
    expect(await page({ around: id(29) })).toBe('27 28 29')
    expect(await page({ after: id(29) })).toBe('')
    expect(await page({ around: id(15), limit: undefined })).toBe(
      Array.from({ length: 30 }, (_, n) => String(n)).join(' '),
    )
  })

  test('is of one conversation, and of one place in it', async () => {
    const { node } = await withBob()
    const { id } = await node.send({ to: 'Bob', text: 'here' })
    const carol = await alone()
    const { link } = await carol.node.createInvite({})
    await node.addContact({ link, name: 'Carol' })
    await node.send({ to: 'Carol', text: 'there' })
    for (const page of [{ before: id }, { after: id }, { around: id }])
      await expect(node.history({ to: 'Carol', ...page })).rejects.toMatchObject({ code: 'message-unknown' })
    for (const page of [
      { before: id, after: id },
      { after: id, around: id },
      { around: id, search: 'here' },
      { after: id, search: 'here' },
    ])
      await expect(node.history({ to: 'Bob', ...page })).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('the recovery phrase', () => {
  test('is told again to who knows the passphrase', async () => {
    const { node, phrase, again } = await alone('fagul de la marginea satului')
    expect(phrase.split(' ')).toHaveLength(24)
    expect(await node.recoveryPhrase({ passphrase: 'fagul de la marginea satului' })).toEqual({ phrase })
    for (const passphrase of ['fagul', null])
      await expect(node.recoveryPhrase({ passphrase })).rejects.toMatchObject({ code: 'passphrase-wrong' })
    await expect(node.recoveryPhrase({ passphrase: '' })).rejects.toMatchObject({ code: 'usage' })
    const locked = await again()
    await expect(locked.recoveryPhrase({ passphrase: 'fagul de la marginea satului' })).rejects.toMatchObject({
      code: 'locked',
    })
  })

  test('of a profile without a passphrase is told without one', async () => {
    const { node, phrase, again } = await alone()
    expect(await node.recoveryPhrase({ passphrase: null })).toEqual({ phrase })
    await expect(node.recoveryPhrase({ passphrase: 'any' })).rejects.toMatchObject({ code: 'passphrase-wrong' })
    expect(await (await again()).recoveryPhrase({ passphrase: null })).toEqual({ phrase })
  })

  test('is guessed at one try at a time', async () => {
    let now = 0
    let most = 0
    const { node } = await alone('right', (platform) => ({
      ...platform,
      argon2id: async (...args: Parameters<Platform['argon2id']>) => {
        most = Math.max(most, ++now)
        try {
          return await platform.argon2id(...args)
        } finally {
          now--
        }
      },
    }))
    const tries = ['a', 'b', 'right', 'c'].map((passphrase) => node.recoveryPhrase({ passphrase }))
    expect((await Promise.allSettled(tries)).map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      'fulfilled',
      'rejected',
    ])
    expect(most).toBe(1)
  })
})

describe('the status', () => {
  const next = (node: Node, holds: (status: Status) => boolean): Promise<Status> =>
    new Promise((resolve) =>
      node.subscribe((event: AnyEvent) => {
        if (event.type === 'status' && holds(event.status)) resolve(event.status)
      }),
    )

  test('is told when a message waits, a contact comes, or the addresses change; as `status()` answers', async () => {
    const { node, addresses } = await withBob()
    const queued = next(node, (status) => status.queued === 1)
    await node.send({ to: 'Bob', text: 'waits' })
    expect((await queued).contacts).toEqual({ total: 1, reached: 0 })
    const listening = next(node, (status) => status.addresses.length === 1)
    addresses.push('/ip4/192.0.2.7/tcp/4711')
    await node.reachNow({})
    expect((await listening).network).toBe('internet-unknown')
    const gone = next(node, (status) => status.contacts.total === 0)
    await node.removeContact({ to: 'Bob' })
    const { storage, ...told } = await gone
    expect(await node.status()).toMatchObject({ ...told, storage: { path: storage.path, trouble: null } })
  })

  test('is told when a profile is made, and when it is unlocked', async () => {
    const ana = await alone('right')
    const locked = await ana.again()
    const open = next(locked, (status) => status.phase === 'open')
    await locked.unlock({ passphrase: 'right' })
    expect((await open).self?.name).toBe('Ana')
  })

  test('has no number and is not stored', async () => {
    const { node } = await withBob()
    const told = next(node, () => true)
    await node.send({ to: 'Bob', text: 'x' })
    await told
    expect((await node.events({ since: '0' })).map(({ type }) => type)).not.toContain('status')
  })
})
