/**
 * A process with one node in it, for benchmarks: it does what its parent (talkers.ts) asks and measures itself.
 *
 * It is composed as the SDK composes a node, from the same parts; only the primitives may be another's (the control of P2).
 * Times are taken in this process, from the call of `send` to the `delivered` event of the same message.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { AnyEvent, Node, Via } from '../../src/node/api.ts'
import { loadResident } from '../../src/node/engine/load.ts'
import { makeNet } from '../../src/node/net/libp2p.ts'
import type { MakeNet, NetConfig } from '../../src/node/net/net.ts'
import { LIMITS } from '../../src/node/net/protocols.ts'
import { nodejsPlatform } from '../../src/node/platform/nodejs.ts'
import { nodejsMachine } from '../../src/node/platform/nodejs-net.ts'
import type { Platform } from '../../src/node/platform/platform.ts'
import { startNode } from '../../src/node/start.ts'
import { control } from './control-primitives.ts'
import { storeHistory } from './history.ts'
import { type Traffic, trafficSoFar } from './traffic.ts'
import { serve } from './worker.ts'

export interface Opening {
  readonly directory: string
  readonly control: boolean
  readonly mdns: boolean
  /** What differs from the settings of all benchmarks. */
  readonly net?: Partial<NetConfig>
  /** Hours of the net's clock that pass in one. */
  readonly speed?: number
}

export interface Met {
  readonly ms: number
  readonly via: Via
  readonly otherMs: number | undefined
}

const calls = {
  /** Opens the profile there, made if it is missing. */
  open: async (opening: Opening): Promise<string> => {
    node = await start(opening)
    const { phase } = await node.status()
    if (phase === 'empty') await node.createProfile({ name: 'talker', passphrase: null })
    node.subscribe(hear)
    return (await node.status()).self?.id ?? ''
  },
  close: (): Promise<void> => running().stop(),
  invite: async (uses: number): Promise<string> => (await running().createInvite({ uses })).link,
  /** Resolves with the contact's id once both know each other. */
  add: async (link: string): Promise<string> => {
    const contact = await running().addContact({ link })
    // On a busy machine the first try may be too late.
    await until(async () => (await running().contact({ to: contact.id })).state === 'active')
    return contact.id
  },
  reached: async (count: number): Promise<void> => {
    await until(async () => (await running().status()).contacts.reached >= count)
  },
  /** Opens the profile; resolves with the milliseconds until a contact is reached, how it is, and until another one was. */
  meet: async ({ opening, who }: { opening: Opening; who: string }): Promise<Met> => {
    const before = performance.now()
    await calls.open(opening)
    let otherMs: number | undefined
    running().subscribe((event) => {
      if (event.type === 'connection' && event.contact !== who) otherMs ??= performance.now() - before
    })
    const via = await calls.via(who)
    return { ms: performance.now() - before, via, otherMs }
  },
  /** Resolves with how a contact is reached, once it is. */
  via: async (who: string): Promise<Via> => {
    await until(async () => (await running().contact({ to: who })).via !== null)
    return (await running().contact({ to: who })).via
  },
  /** From now on both ways through relays alone; resolves when the contact is reached so. */
  relayOnly: async (who: string): Promise<void> => {
    await running().setRelayOnly({ to: who, on: true })
    await until(async () => (await running().contact({ to: who })).via === 'relayed')
  },
  /** Puts `count` messages, half of them of each, into the one conversation of a profile that is not open. */
  fill: async ({ opening, count }: { opening: Opening; count: number }): Promise<void> => {
    const platform = await platformOf(opening)
    const file = await platform.readKeyFile()
    if (file === null) throw new Error('there is no profile')
    const store = await platform.openStore(file.wrapped)
    const resident = await loadResident(platform.primitives, store)
    await storeHistory(store, resident, platform.primitives, count, platform.now())
    for (let more = true; more; ) more = await store.tidy()
    await store.close()
  },
  /** Milliseconds from the call to the receipt, of `count` messages sent one by one. */
  latency: async ({ to, count, bytes }: { to: string; count: number; bytes: number }): Promise<readonly number[]> => {
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const text = textOf(i, bytes)
      const before = performance.now()
      const { id } = await running().send({ to, text })
      await delivered(id)
      times.push(performance.now() - before)
    }
    return times
  },
  /** Milliseconds from the first call to the last receipt, of `count` messages sent as fast as they are taken. */
  flood: async ({ to, count, bytes }: { to: string; count: number; bytes: number }): Promise<number> => {
    const before = performance.now()
    const sent = await Promise.all(
      Array.from({ length: count }, (_, i) => running().send({ to, text: textOf(i, bytes) })),
    )
    await Promise.all(sent.map(({ id }) => delivered(id)))
    return performance.now() - before
  },
  /** The texts that arrived from others since the last call, in the order in which they were told. */
  arrived: async (count: number): Promise<readonly string[]> => {
    await until(() => arrivals.length >= count)
    return arrivals.splice(0)
  },
  /** Microseconds of processor time that this process has used. */
  cpu: async (): Promise<number> => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  /** Servers of the hash table that it knows. */
  servers: async (): Promise<number> => (await running().status()).dht?.servers ?? 0,
  /** Resolves when some records of its own lie in the hash table, and no more come; at once where it is off. */
  published: async (): Promise<void> => {
    for (let last = 0; ; await delay(STILL_MS)) {
      const { dht } = await running().status()
      if (dht?.on !== true || (dht.published > 0 && dht.published === last)) return
      last = dht.published
    }
  },
  traffic: async (): Promise<Traffic> => trafficSoFar(),
  /** The TCP port on which it listens, on every interface. */
  port: async (): Promise<number> => Number((await running().status()).addresses[0]?.split('/')[4]),
  /** TCP connections of this process. */
  sockets: async (): Promise<number> =>
    process.getActiveResourcesInfo().filter((one) => one === 'TCPSocketWrap').length,
  /** Bytes that are in use, once what is not was collected (where the process has `--expose-gc`). */
  heap: async (): Promise<number> => {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
  /** What others keep here, and hold of it. */
  others: async (): Promise<{ readonly stored: number; readonly places: number; readonly relayed: number }> => {
    const { dht, relays } = await running().status()
    return { stored: dht?.stored ?? 0, places: relays?.places ?? 0, relayed: relays?.relayed ?? 0 }
  },
}

export type Calls = typeof calls

const STILL_MS = 1000

let node: Node | undefined
const arrivals: string[] = []
const receipts = new Map<string, (() => void) | 'here'>()
const watchers = new Set<() => void>()

function running(): Node {
  if (node === undefined) throw new Error('no node is open')
  return node
}

async function platformOf({ directory, control: without }: Opening): Promise<Platform> {
  const platform = await nodejsPlatform(directory)
  return without ? { ...platform, primitives: control } : platform
}

async function start(opening: Opening): Promise<Node> {
  const net = { listen: [], mdns: opening.mdns, lanOnly: true, ...opening.net }
  return await startNode(await platformOf(opening), netAt(opening.speed ?? 1), { net, version: 'bench' })
}

/**
 * The net, with a clock that runs so many times as fast. What waits for an answer waits as long as ever, so that a slow machine is
 * not taken for one that slept, or is silent.
 */
function netAt(speed: number): MakeNet {
  const begun = Date.now()
  const now = (): number => begun + (Date.now() - begun) * speed
  const { tickMs, sleptMs, pongMs, silentBusyMs, strangerIdleMs } = LIMITS
  const limits = {
    ...LIMITS,
    tickMs: tickMs / speed,
    sleptMs: sleptMs * speed,
    pongMs: pongMs * speed,
    silentBusyMs: silentBusyMs * speed,
    strangerIdleMs: strangerIdleMs * speed,
  }
  return makeNet({ ...nodejsMachine(), now }, limits)
}

function hear(event: AnyEvent): void {
  if (event.type === 'message' && event.message.from === event.message.conversation) arrivals.push(event.message.text)
  if (event.type === 'state' && event.state === 'delivered') {
    const waiting = receipts.get(event.message)
    if (typeof waiting === 'function') waiting()
    receipts.set(event.message, 'here')
  }
  for (const look of watchers) look()
}

async function delivered(id: string): Promise<void> {
  if (receipts.get(id) !== 'here') await new Promise<void>((resolve) => receipts.set(id, resolve))
  receipts.delete(id)
}

/** Looks again at every event. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (;;) {
    const next = new Promise<void>((resolve) => {
      const look = (): void => {
        watchers.delete(look)
        resolve()
      }
      watchers.add(look)
    })
    if (await holds()) return
    await next
  }
}

/** A text of `bytes` bytes that begins with its number and is not all alike. */
function textOf(i: number, bytes: number): string {
  return `${i} ${'the quick brown fox jumps over the lazy dog, again and again; '.repeat(Math.ceil(bytes / 62))}`.slice(
    0,
    bytes,
  )
}

serve(calls)
