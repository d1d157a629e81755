/**
 * A profile whose disk fails under it: real database, real start, a network that reaches nobody.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { AnyEvent, Node } from '../../src/node/api.ts'
import type { NetEffect } from '../../src/node/engine/effect.ts'
import type { Input } from '../../src/node/engine/input.ts'
import { makeNet } from '../../src/node/net/libp2p.ts'
import type { MakeNet } from '../../src/node/net/net.ts'
import { nodejsPlatform } from '../../src/node/platform/nodejs.ts'
import { nodejsMachine } from '../../src/node/platform/nodejs-net.ts'
import { startNode } from '../../src/node/start.ts'
import { type Store, StoreError } from '../../src/node/store/store.ts'
import { decodeInvite } from '../../src/protocol/index.ts'
import { NO_NET } from './no-net.ts'

const nobody: MakeNet = async () => NO_NET

/** Once a commit failed, this store is done for, as the real one is; a reopened one works when the disk does. */
function onDisk(store: Store, disk: { full: boolean }): Store {
  let dead = false
  const failure = new StoreError('full', 'The disk is full: make room.')
  return new Proxy(store, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property)
      if (typeof value !== 'function') return value
      if (property === 'close') return value.bind(target)
      return (...args: unknown[]) => {
        if (property === 'commit' && disk.full) dead = true
        if (dead) return Promise.reject(failure)
        return Reflect.apply(value, target, args)
      }
    },
  })
}

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function nodeOn(disk: { full: boolean; readOnly?: boolean }): Promise<Node> {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-life-'))
  folders.push(folder)
  const platform = await nodejsPlatform(folder)
  const failing = {
    ...platform,
    makeStore: async (key: Uint8Array) => onDisk(await platform.makeStore(key), disk),
    openStore: async (key: Uint8Array) => {
      if (disk.readOnly === true) throw new StoreError('read-only', 'The disk is read-only: make it writable.')
      return onDisk(await platform.openStore(key), disk)
    },
  }
  return startNode(failing, nobody, { net: { listen: [], mdns: false, lanOnly: true }, version: 'test' })
}

const opened = (node: Node): Promise<AnyEvent> =>
  new Promise((resolve) =>
    node.subscribe((event) => event.type === 'profile' && event.phase === 'open' && resolve(event)),
  )

test('what nothing says is told all the same, for as long as it runs: a neighbour that was heard', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-life-'))
  folders.push(folder)
  const around = { peers: 0 }
  const node = await startNode(
    await nodejsPlatform(folder),
    async () => ({
      ...NO_NET,
      addresses: () => ['/ip4/192.0.2.1/tcp/5000'],
      lanPeers: () => around.peers,
    }),
    {
      net: { listen: [], mdns: true, lanOnly: true },
      version: 'test',
    },
  )
  await node.createProfile({ name: 'Ana', passphrase: null })
  const heard = new Promise((resolve) =>
    node.subscribe(
      (event) => event.type === 'status' && event.status.lan.peers === 3 && resolve(event.status.findings),
    ),
  )
  around.peers = 3
  expect(await heard).toContainEqual({ level: 'good', code: 'looks-nearby', peers: 3 })
  await node.stop()
})

test('when the disk is full a call says so, nothing is lost, and it goes on by itself when there is room', async () => {
  const disk = { full: false }
  const node = await nodeOn(disk)
  const { self } = await node.createProfile({ name: 'Ana', passphrase: null })
  const { link } = await node.createInvite({})
  disk.full = true
  await expect(node.rename({ name: 'Anna' })).rejects.toMatchObject({
    code: 'storage',
    message: 'The disk is full: make room.',
  })
  expect(await node.status()).toMatchObject({ phase: 'open', self: { id: self.id } })
  await expect(node.createInvite({})).rejects.toMatchObject({ code: 'storage' })
  const again = opened(node)
  disk.full = false
  await again
  expect(await node.rename({ name: 'Anna' })).toMatchObject({ id: self.id, name: 'Anna' })
  const next = await node.createInvite({})
  // The prekey that the first link promises was stored before it was told, and is still the one that is handed out.
  expect(decodeInvite(next.link)?.bundleHash).toEqual(decodeInvite(link)?.bundleHash)
  await node.stop()
})

test('a disk that fails, and one that works again, are told as status without being asked', async () => {
  const disk = { full: false }
  const node = await nodeOn(disk)
  await node.createProfile({ name: 'Ana', passphrase: null })
  const told = (trouble: string | null): Promise<void> =>
    new Promise((resolve) =>
      node.subscribe((event) => event.type === 'status' && event.status.storage.trouble === trouble && resolve()),
    )
  const failing = told('The disk is full: make room.')
  disk.full = true
  await expect(node.rename({ name: 'Anna' })).rejects.toMatchObject({ code: 'storage' })
  await failing
  const mended = told(null)
  disk.full = false
  await mended
  expect((await node.status()).storage.trouble).toBeNull()
  await node.stop()
})

test('what stands in the way now is what is told: a disk that was full, and is read-only since', async () => {
  const disk = { full: false, readOnly: false }
  const node = await nodeOn(disk)
  await node.createProfile({ name: 'Ana', passphrase: null })
  const warnings: AnyEvent[] = []
  node.subscribe((event) => event.type === 'warning' && warnings.push(event))
  const told = (trouble: string): Promise<void> =>
    new Promise((resolve) =>
      node.subscribe((event) => event.type === 'status' && event.status.storage.trouble === trouble && resolve()),
    )
  const readOnly = told('The disk is read-only: make it writable.')
  disk.readOnly = true
  disk.full = true
  await Promise.all([1, 2, 3].map(() => expect(node.createInvite({})).rejects.toMatchObject({ code: 'storage' })))
  expect(warnings).toMatchObject([{ text: 'The disk is full: make room.' }])
  await readOnly
  await expect(node.createInvite({})).rejects.toMatchObject({ message: 'The disk is read-only: make it writable.' })
  const again = opened(node)
  disk.readOnly = false
  disk.full = false
  await again
  await node.createInvite({})
  await node.stop()
})

test('servers of the DHT that a run met are there to begin with in the next', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-life-'))
  folders.push(folder)
  const began: (readonly string[])[] = []
  const meeting: MakeNet = async (config, acquaintances, emit) => {
    began.push(config.bootstrap)
    const net = await nobody(config, acquaintances, emit)
    return { ...net, start: async () => emit({ type: 'dht-servers', addresses: ['/ip4/192.0.2.1/tcp/1'] }) }
  }
  const config = {
    net: { listen: [], mdns: false, lanOnly: true, bootstrap: ['/ip4/192.0.2.9/tcp/9'] },
    version: 'test',
  }
  const first = await startNode(await nodejsPlatform(folder), meeting, config)
  await first.createProfile({ name: 'Ana', passphrase: null })
  // Commands and inputs are committed in their order.
  await first.rename({ name: 'Anna' })
  await first.stop()
  const second = await startNode(await nodejsPlatform(folder), meeting, config)
  await second.stop()
  expect(began).toEqual([['/ip4/192.0.2.9/tcp/9'], ['/ip4/192.0.2.9/tcp/9', '/ip4/192.0.2.1/tcp/1']])
})

test('a node that stops while its disk is full does stop', async () => {
  const disk = { full: false }
  const node = await nodeOn(disk)
  await node.createProfile({ name: 'Ana', passphrase: null })
  disk.full = true
  await expect(node.rename({ name: 'Anna' })).rejects.toMatchObject({ code: 'storage' })
  await node.stop()
  await expect(node.contacts()).rejects.toMatchObject({ code: 'usage' })
})

test('a net that cannot start is stopped with all that began before it, and the profile opens where it can', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-life-'))
  folders.push(folder)
  const stopped: string[] = []
  const told: NetEffect[] = []
  let emitLater = (_input: Input): void => {}
  const failing: MakeNet = async (config, acquaintances, emit) => {
    emitLater = emit
    return {
      ...(await nobody(config, acquaintances, emit)),
      start: () => Promise.reject(new Error('this address is not of this machine')),
      stop: async () => void stopped.push('net'),
      perform: (effect) => void told.push(effect),
    }
  }
  const config = { net: { listen: [], mdns: false, lanOnly: true }, version: 'test' }
  const node = await startNode(await nodejsPlatform(folder), failing, config)
  await expect(node.createProfile({ name: 'Ana', passphrase: null })).rejects.toThrow('not of this machine')
  expect(stopped).toEqual(['net'])
  // The engine is not there any more: what the net says late leads to nothing, on a store that is closed.
  const before = told.length
  const warned: AnyEvent[] = []
  node.subscribe((event) => warned.push(event))
  emitLater({ type: 'addresses', addresses: ['/ip4/192.0.2.1/tcp/1'] })
  emitLater({ type: 'timer' })
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  expect(told).toHaveLength(before)
  expect(warned.filter(({ type }) => type === 'warning')).toEqual([])
  await node.stop()
  const again = await startNode(await nodejsPlatform(folder), nobody, config)
  expect((await again.status()).self?.name).toBe('Ana')
  await again.stop()
})

test('a real net that cannot listen leaves nothing behind: no port, no timer, no lock', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-life-'))
  folders.push(folder)
  const net = { mdns: false, lanOnly: true }
  const real = makeNet(nodejsMachine())
  const first = await startNode(await nodejsPlatform(folder), real, {
    net: { ...net, listen: ['/ip4/192.0.2.1/tcp/1'] },
    version: 'test',
  })
  await expect(first.createProfile({ name: 'Ana', passphrase: null })).rejects.toThrow()
  await first.stop()
  const second = await startNode(await nodejsPlatform(folder), real, { net: { ...net, listen: [] }, version: 'test' })
  const { addresses } = await second.status()
  const port = Number(addresses.find((address) => !address.includes('/p2p'))?.split('/')[4])
  await second.stop()
  const third = await startNode(await nodejsPlatform(folder), real, { net: { ...net, listen: [] }, version: 'test' })
  expect((await third.status()).addresses.some((address) => address.endsWith(`/tcp/${port}`))).toBe(true)
  await third.stop()
})
