/**
 * One simulated node: the real engine on the memory store, with a clock, randomness and a network that the world gives.
 *
 * It can die at any of its effects, in the middle of a commit, or between a commit and its effects; what it held in memory is
 * then gone, what was committed is on its disk, but for some of the last commits that did not wait for it, and it starts again.
 */
import { helloKeys, type HelloKeys } from '../../src/node/engine/acquaintances.ts'
import type { Asked } from '../../src/node/engine/command.ts'
import type { Effect, NetEffect } from '../../src/node/engine/effect.ts'
import type { Input } from '../../src/node/engine/input.ts'
import type { MailLimits } from '../../src/node/engine/limits.ts'
import { loadResident } from '../../src/node/engine/load.ts'
import { Engine } from '../../src/node/engine/run.ts'
import type { Platform } from '../../src/node/platform/platform.ts'
import { People } from '../../src/node/people.ts'
import { Queries } from '../../src/node/queries.ts'
import type { Store } from '../../src/node/store/store.ts'
import { memoryStore } from '../../src/node/store/memory.ts'
import { createVault } from '../../src/node/vault.ts'
import {
  type AccountId,
  accountId,
  type AccountKey,
  frameId,
  type Primitives,
  toBase32,
} from '../../src/protocol/index.ts'
import type { Chance } from './random.ts'

/** What a simulated node needs of its world. */
export interface Surroundings {
  readonly primitives: Primitives
  readonly chance: Chance
  now(): number
  later(ms: number, run: () => void | Promise<void>): void
  perform(node: SimNode, effect: NetEffect): void
  /** Something threw that should not. */
  report(node: SimNode, error: unknown): void
  /** A dead node's connections are gone. */
  died(node: SimNode): void
  /** A node's connections break. */
  parted(node: SimNode): void
  /** Faults planted on purpose, to see that they are found. */
  readonly faults: Faults
  /** What each node carries and gives out. */
  readonly limits: MailLimits
}

/** Each is a way to build the engine or its shell wrongly. */
export interface Faults {
  /** Changes the store as the engine sees it. */
  store?: (store: Store) => Store
  /** The disk forgets the last commits in a crash: what was said of them was said too early. */
  readonly lyingDisk?: boolean
  /** Frames are acknowledged as they arrive. */
  readonly acknowledgeFirst?: boolean
  /** Changes a frame that is sent. */
  readonly frame?: (bytes: Uint8Array, chance: Chance) => Uint8Array
  /** Leaves an input out, or changes it. */
  input?: (input: Input, chance: Chance, node: SimNode) => Input | undefined
  /** Leaves an effect out. */
  effect?: (effect: Effect, chance: Chance, node: SimNode) => boolean
}

type Phase = 'up' | 'down'

/** Where a node is reached. */
export interface Place {
  readonly text: string
  /** Bytes of the multiaddress. */
  readonly bytes: Uint8Array
  readonly relayed: boolean
}

/** A host of a private network, in text and in bytes. */
export function placeAt(host: number, port = 4001): Place {
  const [high, low] = [(host >> 8) & 255, host & 255]
  const bytes = Uint8Array.of(4, 10, 0, high, low, 6, port >> 8, port & 255)
  return { text: `/ip4/10.0.${high}.${low}/tcp/${port}`, bytes, relayed: false }
}

/** The same behind a relay that is there. */
export function relayedBy(host: number): Place {
  const relay = placeAt(host)
  const bytes = Uint8Array.of(...relay.bytes, 0xa5, 3, 38, ...new Uint8Array(38), 0xa2, 2)
  return { text: `${relay.text}/p2p/${PEER}/p2p-circuit`, bytes, relayed: true }
}

const PEER = '12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu'

export class SimNode {
  readonly name: string
  readonly around: Surroundings
  phase: Phase = 'down'
  id: AccountId = '' as AccountId
  /** Where the clock of this node stands besides the world's, in milliseconds. */
  skew = 0
  /** Dies after so many more effects and commits; infinite: not at all. */
  fuse = Number.POSITIVE_INFINITY
  engine: Engine | undefined
  people: People | undefined
  queries: Queries | undefined
  hello: HelloKeys | undefined
  crashes = 0
  /** Commits that did not wait for the disk and were gone after a crash. */
  forgotten = 0
  #disk = memoryStore()
  #before = this.#disk
  /** It goes on from an older copy of its disk, and knows nothing of the numbers that it gave out since. */
  isCopy = false
  /** Where it is. */
  places: readonly Place[]
  /** All places so far, in order: none is used twice. */
  readonly pastPlaces: Place[] = []
  readonly #replies = new Map<number, (value: unknown) => void>()
  #commands = 0
  #wakeAt = Number.POSITIVE_INFINITY
  #wakeLife = 0
  /** Counts the lives: what belongs to an earlier one is not heard any more. */
  #life = 0
  /** Counts the PeerIDs. */
  #runs = 0

  constructor(name: string, around: Surroundings) {
    this.name = name
    this.around = around
    this.places = [placeAt(1, 1000 + name.charCodeAt(0))]
    this.pastPlaces.push(...this.places)
  }

  get disk(): ReturnType<typeof memoryStore> {
    return this.#disk
  }

  /** Puts in another disk. */
  set disk(copy: ReturnType<typeof memoryStore>) {
    this.#disk = copy
    this.isCopy = true
  }

  get life(): number {
    return this.#life
  }

  now(): number {
    return Math.max(1, Math.floor(this.around.now() + this.skew))
  }

  /** Makes the profile and starts. */
  async create(): Promise<void> {
    const { primitives, chance } = this.around
    const platform = {
      primitives,
      random: (n: number) => chance.bytes(n),
      now: () => this.now(),
      readKeyFile: async () => null,
      writeKeyFile: async () => undefined,
      makeStore: async () => this.disk,
    } as unknown as Platform
    await createVault(platform, this.name, null)
    await this.start()
    this.id = accountId(this.engine?.resident.self.row.accountKey as AccountKey)
  }

  /** Goes on from a copy of another's disk, as if it were that one. */
  async become({ disk, id }: Pick<SimNode, 'disk' | 'id'>): Promise<void> {
    this.#disk = disk.snapshot()
    this.id = id
    await this.start()
  }

  async start(): Promise<void> {
    const life = ++this.#life
    const { primitives, chance, faults } = this.around
    const random = (n: number): Uint8Array => chance.bytes(n)
    const store = this.#mortal(faults.store?.(this.disk) ?? this.disk, life)
    const resident = await loadResident(primitives, store, this.around.limits)
    const perform = (effect: Effect): void => this.#perform(effect, life)
    const engine = new Engine(resident, {
      store,
      primitives,
      random,
      now: () => this.now(),
      perform,
      pause: () => Promise.resolve(),
      report: (error) => {
        if (life === this.#life) this.around.report(this, error)
      },
    })
    this.engine = engine
    this.people = new People(resident, primitives, () => this.now())
    this.queries = new Queries(resident, store, primitives, this.people)
    this.hello = helloKeys(resident, primitives, random, () => this.now())
    this.phase = 'up'
    await engine.start()
    if (life === this.#life) this.#tellPlaces()
  }

  /** Raw bytes of the PeerID at hand. */
  get peerId(): Uint8Array {
    const key = this.around.primitives.sha256(new TextEncoder().encode(`${this.name}/${this.#life}/${this.#runs}`))
    return Uint8Array.of(0, 0x24, 8, 1, 0x12, 0x20, ...key)
  }

  /** From now on it is elsewhere, also if it does not run. */
  move(...places: readonly Place[]): void {
    this.places = places
    this.pastPlaces.push(...places)
    this.around.parted(this)
    if (this.phase === 'up') this.#tellPlaces()
  }

  /** From now on it goes by another PeerID; connections end, and what they carried. */
  renew(): void {
    if (this.phase === 'down') return
    this.#runs++
    this.around.parted(this)
    this.#tellPlaces()
  }

  #tellPlaces(): void {
    const addresses = this.places.map(({ text, relayed }) => (relayed ? `${text}/p2p/${PEER}` : text))
    const whereabouts = { peerId: this.peerId, addresses: this.places }
    this.take({ type: 'addresses', addresses, whereabouts })
  }

  /** Whether the disk remembers a frame by its id. */
  holds(id: Uint8Array): boolean {
    return this.disk.read([{ table: 'seen', key: toBase32(id) }])[0] !== undefined
  }

  /** Power off, now; on again after so many milliseconds. */
  crash(off?: number): void {
    if (this.phase === 'down') return
    this.phase = 'down'
    this.#life++
    this.crashes++
    this.fuse = Number.POSITIVE_INFINITY
    this.engine = undefined
    this.#replies.clear()
    this.#forget(this.around.chance.below(this.disk.unsynced + 1))
    this.#disk = this.around.faults.lyingDisk ? this.#before.snapshot() : this.disk.snapshot()
    this.around.died(this)
    this.around.later(off ?? 50 + this.around.chance.below(20_000), () => {
      // Not waited for: a node that dies while it starts never ends that start.
      void this.start().catch((error) => this.around.report(this, error))
    })
  }

  #forget(commits: number): void {
    this.disk.lose(commits)
    this.forgotten += commits
  }

  take(input: Input): void {
    if (this.phase === 'down') return
    const changed =
      this.around.faults.input === undefined ? input : this.around.faults.input(input, this.around.chance, this)
    if (changed === undefined) return
    if (this.around.faults.acknowledgeFirst && changed.type === 'frames') this.#acknowledgeAtOnce(changed)
    if (this.phase === 'up') this.engine?.take(changed)
  }

  /** Asks the engine; the answer may never come, as when a machine is switched off. */
  command(asked: Asked, answered: (value: unknown) => void = () => {}): void {
    const id = ++this.#commands
    this.#replies.set(id, answered)
    this.take({ type: 'command', id, ...asked })
  }

  #acknowledgeAtOnce(input: Extract<Input, { type: 'frames' }>): void {
    const ids = input.frames.map((frame) => frameId(this.around.primitives, frame))
    this.around.perform(this, { type: 'acknowledge', connection: input.connection, ids })
  }

  #perform(effect: Effect, life: number): void {
    if (life !== this.#life || this.phase === 'down') return
    if (this.#burn()) return
    if (this.around.faults.effect?.(effect, this.around.chance, this) === false) return
    switch (effect.type) {
      case 'wake':
        return this.#wake(effect.at, life)
      case 'reply':
        this.#replies.get(effect.command)?.(effect.value)
        return
      case 'refuse':
        this.#replies.get(effect.command)?.(effect.error)
        return
      case 'event':
      case 'stored-event':
        return
      default:
        this.around.perform(this, effect)
    }
  }

  /** One timer, as the outlet has it. */
  #wake(at: number, life: number): void {
    if (this.#wakeLife === life && at >= this.#wakeAt && this.#wakeAt > this.now()) return
    const due = this.#wakeLife === life ? Math.min(at, this.#wakeAt) : at
    this.#wakeAt = due
    this.#wakeLife = life
    this.around.later(due - this.now(), () => {
      if (life !== this.#life || this.#wakeAt !== due) return
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.take({ type: 'timer' })
    })
  }

  /** One more thing was done; `true` if it was the last. */
  #burn(): boolean {
    if (--this.fuse > 0) return false
    this.crash()
    return true
  }

  /** The store as a node sees it that may die before or after a commit: then the promise never settles. */
  #mortal(store: Store, life: number): Store {
    const never = new Promise<never>(() => {})
    return new Proxy(store, {
      get: (target, property) => {
        const value = Reflect.get(target, property) as unknown
        if (property !== 'commit') return typeof value === 'function' ? value.bind(target) : value
        return async (...args: Parameters<Store['commit']>): Promise<void> => {
          if (life !== this.#life || this.#burn()) return never
          if (this.around.faults.lyingDisk && this.around.chance.happens(0.2)) this.#before = this.disk.snapshot()
          await target.commit(...args)
          if (life !== this.#life || this.#burn()) return never
        }
      },
    })
  }
}
