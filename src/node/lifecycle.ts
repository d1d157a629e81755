/**
 * The life of a profile in a process, and what runs while it is open.
 *
 *     empty ──create──▶ open ◀──unlock── locked
 *
 *                      │ ▲
 *        the disk fails ▼ │ it can be opened again: tried by itself, after 1, 2, 4 … 30 s
 *                    suspended        what was not committed was refused; nothing committed is lost
 *
 * Holds: one opening at a time; nothing runs before the profile is open, nothing after `stop`.
 */
import type { AnyEvent, ProfilePhase, Self, Status } from './api.ts'
import { ApiError } from './api-error.ts'
import { NET_DEFAULTS, type NodeConfig } from './config.ts'
import { helloKeys } from './engine/acquaintances.ts'
import type { Input } from './engine/input.ts'
import { MAIL_LIMITS } from './engine/limits.ts'
import { loadResident } from './engine/load.ts'
import { Engine } from './engine/run.ts'
import { findingsOf } from './findings.ts'
import type { MakeNet, Net } from './net/net.ts'
import { Outlet } from './outlet.ts'
import { Pairing } from './pairing.ts'
import { People } from './people.ts'
import type { KeyFile, Platform } from './platform/platform.ts'
import { Queries } from './queries.ts'
import { Replies } from './replies.ts'
import { StatusNews } from './status-news.ts'
import { type Store, StoreError } from './store/store.ts'
import { createVault, finishedKeyFile, openVault, type Vault } from './vault.ts'

/** What runs once a profile is open. */
export interface Running {
  readonly store: Store
  readonly engine: Engine
  readonly net: Net
  readonly people: People
  readonly queries: Queries
  readonly pairing: Pairing
  readonly replies: Replies
  readonly stopWaking: () => void
}

/** The phases of a profile, and what runs in the last of them. */
export class Lifecycle {
  readonly platform: Platform
  readonly config: NodeConfig
  readonly startedAt: number
  readonly #makeNet: MakeNet
  readonly #listeners = new Set<(event: AnyEvent) => void>()
  #running: Running | undefined
  #opening: Promise<unknown> = Promise.resolve()
  #stopped = false
  /** Why an open profile does not run at the moment, and who it is. */
  #suspended: { readonly cause: StoreError; readonly self: Self } | undefined
  #endWait: () => void = () => {}
  readonly #news: StatusNews

  constructor(platform: Platform, makeNet: MakeNet, config: NodeConfig) {
    this.platform = platform
    this.config = config
    this.startedAt = platform.now()
    this.#makeNet = makeNet
    this.#news = new StatusNews(
      () => this.status(),
      (status) => this.tell({ type: 'status', status }),
    )
  }

  get running(): Running | undefined {
    return this.#running
  }

  async phase(): Promise<ProfilePhase> {
    if (this.#running !== undefined || this.#suspended !== undefined) return 'open'
    // One without a passphrase is open.
    const file = await finishedKeyFile(this.platform)
    return file === null || file.argon2id === null ? 'empty' : 'locked'
  }

  /** What runs, or a rejection that says what is missing. */
  async open(): Promise<Running> {
    if (this.#running !== undefined) return this.#running
    if (this.#stopped) throw stopping()
    if (this.#suspended !== undefined) throw new ApiError('storage', this.#suspended.cause.message)
    throw (await this.phase()) === 'empty'
      ? new ApiError('no-profile', 'There is no profile here yet: make one in the app or by "tulnic init --name NAME".')
      : new ApiError(
          'locked',
          'The profile is locked: enter its passphrase in the app, or start with --passphrase-file.',
        )
  }

  /** Opens a profile that has no passphrase. */
  async openIfBare(): Promise<void> {
    const file = await finishedKeyFile(this.platform)
    if (file === null || file.argon2id !== null) return
    await this.#once(() => this.#openWith(file, null))
  }

  create(name: string, passphrase: string | null): Promise<{ self: Self; phrase: string }> {
    return this.#once(async () => {
      if (this.#running !== undefined) throw new ApiError('profile-exists', 'There is a profile here already.')
      const { vault, phrase } = await inStorage(createVault(this.platform, name, passphrase))
      const running = await this.#run(vault)
      return { self: running.people.self(), phrase }
    })
  }

  unlock(passphrase: string): Promise<Self> {
    return this.#once(async () => {
      if (this.#running !== undefined) return this.#running.people.self()
      const file = await inStorage(finishedKeyFile(this.platform))
      if (file === null)
        throw new ApiError(
          'no-profile',
          'There is no profile here yet: make one in the app or by "tulnic init --name NAME".',
        )
      return (await this.#openWith(file, passphrase)).people.self()
    })
  }

  subscribe(listener: (event: AnyEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(event: AnyEvent): void {
    for (const listener of this.#listeners) listener(event)
    if (IN_STATUS.has(event.type)) this.look()
  }

  /** Tells the status if it changed and somebody listens. */
  look(): void {
    if (this.#listeners.size > 0) this.#news.look()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#news.stop()
    this.#endWait()
    await this.#opening.catch(() => undefined)
    const running = this.#running
    if (running === undefined) return
    this.#running = undefined
    await end(running)
    await running.store.close()
  }

  /** The disk failed under what runs: it ends, and begins again from what is stored as soon as the disk allows. */
  #suspend(failed: Store, cause: StoreError, vault: Vault): void {
    const running = this.#running
    if (running === undefined || running.store !== failed) return
    this.#running = undefined
    this.#suspended = { cause, self: running.people.self() }
    this.look()
    this.#opening = this.#opening.then(() => this.#resume(running, vault)).catch(() => undefined)
  }

  async #resume(failed: Running, vault: Vault): Promise<void> {
    await end(failed)
    await failed.store.close().catch(() => undefined)
    for (let wait = 1000; !this.#stopped; wait = Math.min(2 * wait, 30_000)) {
      await this.#elapsed(wait)
      if (this.#stopped) return
      try {
        await this.#run({ ...vault, store: await vault.reopen() })
        return
      } catch (error) {
        this.#stillSuspended(error)
      }
    }
  }

  /** What stands in the way now may be something else than what did at first. */
  #stillSuspended(error: unknown): void {
    if (!(error instanceof StoreError) || this.#suspended === undefined) return
    this.#suspended = { ...this.#suspended, cause: error }
    this.look()
  }

  #elapsed(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endWait = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async status(): Promise<Status> {
    const { config, platform, startedAt } = this
    const running = this.#running
    const reached = running?.people.reached() ?? { contacts: 0, devices: 0 }
    const addresses = running?.net.addresses() ?? []
    const queued = running?.people.queued() ?? new Map()
    const { lanOnly, networkKey } = { ...NET_DEFAULTS, ...config.net }
    const connected = addresses.some((address) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address))
    const status = {
      phase: await this.phase(),
      self: running?.people.self() ?? this.#suspended?.self ?? null,
      online: reached.contacts > 0,
      peers: reached.devices,
      addresses,
      queued: [...queued.values()].reduce((sum, count) => sum + count, 0),
      contacts: { total: running?.people.count() ?? 0, reached: reached.contacts },
      network: connected ? 'internet-unknown' : 'none',
      lan: { on: config.net.mdns, peers: running?.net.lanPeers() ?? 0, only: lanOnly },
      isPrivate: networkKey !== null,
      ...optional('dht', running?.net.dht()),
      ...optional('reach', running?.net.reach()),
      ...optional('relays', running?.net.relays()),
      ...optional('mail', running?.people.mail()),
      storage: {
        path: platform.path,
        bytes: (await running?.store.bytes()) ?? 0,
        trouble: this.#suspended?.cause.message ?? null,
      },
      version: config.version,
      startedAt: new Date(startedAt).toISOString(),
    } as const
    return { ...status, findings: findingsOf(status, running?.people.contacts() ?? [], queued) }
  }

  /** One opening at a time, and none after the end. */
  #once<T>(open: () => Promise<T>): Promise<T> {
    const next = this.#opening.then(() => {
      if (this.#stopped) throw stopping()
      return open()
    })
    this.#opening = next.catch(() => undefined)
    return next
  }

  async #openWith(file: KeyFile, passphrase: string | null): Promise<Running> {
    return this.#run(await inStorage(openVault(this.platform, file, passphrase)))
  }

  async #run(vault: Vault): Promise<Running> {
    const { store } = vault
    try {
      const running = await this.#assemble(store, (cause) => this.#suspend(store, cause, vault))
      this.#running = running
      this.#suspended = undefined
      this.tell({ type: 'profile', phase: 'open', self: running.people.self() })
      return running
    } catch (error) {
      await store.close()
      throw error
    }
  }

  async #assemble(store: Store, failed: (cause: StoreError) => void): Promise<Running> {
    const { platform, config } = this
    const { primitives, random } = platform
    const resident = await loadResident(primitives, store, { ...MAIL_LIMITS, carry: config.carry ?? MAIL_LIMITS.carry })
    const now = (): number => platform.now()
    const people = new People(resident, primitives, now)
    const queries = new Queries(resident, store, primitives, people)
    const replies = new Replies()
    const outlet = new Outlet((event) => this.tell(event), queries, replies, platform)
    const engine = new Engine(resident, {
      store,
      primitives,
      random,
      now,
      perform: (effect) => outlet.perform(effect),
      pause: () => platform.turn(),
      report: (error) => {
        outlet.report(error)
        if (error instanceof StoreError) failed(error)
      },
    })
    const take = (input: Input): void => {
      engine.take(input)
      if (input.type === 'addresses' || input.type === 'dht-servers') this.look()
    }
    const listenPort = config.net.listenPort ?? resident.self.row.listenPort
    const bootstrap = [...new Set([...(config.net.bootstrap ?? []), ...resident.self.row.dhtServers])]
    const net = await this.#makeNet(
      { ...NET_DEFAULTS, ...config.net, listenPort, bootstrap },
      helloKeys(resident, primitives, random, now),
      take,
    )
    const stopTidying = keepTidy(store, failed)
    // A neighbour that is heard, a relay that refuses, a byte that is relayed: no input says so.
    const looking = setInterval(() => this.look(), LOOK_MS)
    const stopWaking = (): void => {
      clearInterval(looking)
      outlet.stop()
      stopTidying()
    }
    outlet.connect(net, take)
    try {
      await engine.start()
      await net.start()
    } catch (error) {
      // What began before must not go on beside a store that closes.
      stopWaking()
      await net.stop().catch(() => undefined)
      await engine.stop()
      throw error
    }
    take({ type: 'addresses', addresses: net.addresses() })
    const pairing = new Pairing({ net, engine, people, replies, platform, tell: (event) => this.tell(event) })
    return { store, engine, net, people, queries, pairing, replies, stopWaking }
  }
}

/** After these the status may be another: the rest concerns one conversation, or the status itself. */
const IN_STATUS: ReadonlySet<AnyEvent['type']> = new Set([
  'message',
  'state',
  'contact',
  'contact-removed',
  'connection',
  'profile',
])

/** A field that is missing where there is nothing to say. */
const optional = <K extends string, V>(name: K, value: V | undefined): { [N in K]?: V } =>
  (value === undefined ? {} : { [name]: value }) as { [N in K]?: V }

/** Ends all but the store. */
async function end(running: Running): Promise<void> {
  running.stopWaking()
  running.pairing.stop()
  await running.net.stop()
  await running.engine.stop()
  running.replies.abandon()
}

/** Housekeeping of the store: a bounded piece at a time, with rests, more slowly when nothing waits. */
function keepTidy(store: Store, failed: (cause: StoreError) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopped = false
  const tidy = async (): Promise<void> => {
    const more = await store.tidy().catch((error: unknown) => {
      if (error instanceof StoreError) failed(error)
      return false
    })
    if (!stopped) timer = setTimeout(tidy, more ? TIDY_NEXT : TIDY_LATER)
  }
  timer = setTimeout(tidy, TIDY_LATER)
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

const stopping = (): ApiError => new ApiError('usage', 'This node is stopping.')

/** How old a status may be that nothing was told of. */
const LOOK_MS = 2000
const TIDY_NEXT = 20
const TIDY_LATER = 1000

/** The world's failures as a person is told of them. */
async function inStorage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof StoreError) throw new ApiError('storage', error.message)
    throw error
  }
}
