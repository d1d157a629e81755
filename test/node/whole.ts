/**
 * Whole nodes on one machine: real databases, real libp2p over loopback, and a local network that is a variable.
 *
 *     const street = new Street()
 *     const [ana, bob] = await lowerFirst(await street.node('Ana'), await street.node('Bob'))
 *     await ana.node.pair({ peer: bob.peer, timeoutSeconds: 60 })
 *
 * Holds: nothing leaves the machine; a node stops, and its folder goes, when the test is over.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peerIdFromString } from '@libp2p/peer-id'
import { onTestFinished } from 'vitest'
import type { AnyEvent, Node } from '../../src/node/api.ts'
import type { Input } from '../../src/node/engine/input.ts'
import { makeNet } from '../../src/node/net/libp2p.ts'
import type { Machine, MulticastListener } from '../../src/node/net/machine.ts'
import type { MakeNet } from '../../src/node/net/net.ts'
import { LIMITS, type Limits } from '../../src/node/net/protocols.ts'
import { nodejsPlatform } from '../../src/node/platform/nodejs.ts'
import { nodejsMachine } from '../../src/node/platform/nodejs-net.ts'
import type { Platform } from '../../src/node/platform/platform.ts'
import { startNode } from '../../src/node/start.ts'
import { compare, toBase32 } from '../../src/protocol/index.ts'
import { ONE_ADDRESS } from './net/world.ts'

const LOOPBACK = '127.0.0.1'
/** A deadline that only a broken build meets. */
const DEADLINE_MS = 60_000

/** What a test changes around one node. */
export interface Around {
  readonly limits?: Partial<Limits>
  /** Wraps the network. */
  readonly net?: (make: MakeNet) => MakeNet
  readonly platform?: Partial<Platform>
  /** Whether it has a local network at all. */
  readonly mdns?: boolean
}

/** A local network: whoever is on it hears every announcement, in order and without loss. */
export class Street {
  readonly #listeners = new Set<MulticastListener>()

  /** A fresh profile on this street, open. */
  async node(name: string, around: Around = {}): Promise<Whole> {
    const folder = mkdtempSync(join(tmpdir(), 'tulnic-whole-'))
    const whole = new Whole(this, name, folder, around)
    onTestFinished(async () => {
      await whole.stop()
      rmSync(folder, { recursive: true, force: true })
    })
    await whole.start()
    await whole.node.createProfile({ name, passphrase: null })
    return whole
  }

  machine(joined: (listener: MulticastListener) => void): Machine {
    return {
      ...nodejsMachine(),
      interfaces: () => [{ address: LOOPBACK, family: 4, prefix: 8, internal: true, name: 'lo' }],
      multicast: (_service, listener) => {
        this.#listeners.add(listener)
        joined(listener)
        queueMicrotask(() => this.#ask())
        return {
          ask: () => this.#ask(),
          refresh: () => {},
          stop: async () => void this.#listeners.delete(listener),
        }
      },
    }
  }

  #ask(): void {
    for (const one of this.#listeners) one.asked()
    for (const one of this.#listeners) this.say(textsOf(one))
  }

  /** Anybody's texts, heard by all. */
  say(texts: readonly string[]): void {
    for (const one of this.#listeners) one.heard(texts)
  }
}

/** A person's node, which can be stopped and started again; `node`, `inputs` and `peer` are of the life at hand. */
export class Whole {
  readonly name: string
  readonly folder: string
  readonly #street: Street
  readonly #around: Around
  readonly events: AnyEvent[] = []
  /** What the network told the engine. */
  readonly inputs: Input[] = []
  #node: Node | undefined
  #listener: MulticastListener | undefined
  readonly #watchers = new Set<() => void>()

  constructor(street: Street, name: string, folder: string, around: Around) {
    this.#street = street
    this.name = name
    this.folder = folder
    this.#around = around
  }

  get node(): Node {
    if (this.#node === undefined) throw new Error(`${this.name} does not run`)
    return this.#node
  }

  /** The raw bytes of its PeerID in this life. */
  get peerId(): Uint8Array {
    return peerIdOf(this.#listener).toMultihash().bytes
  }

  /** How others on this network call it. */
  get peer(): string {
    const id = peerIdOf(this.#listener)
    if (id.type !== 'Ed25519') throw new Error('a PeerID of another kind')
    return toBase32(id.publicKey.raw).slice(0, 10)
  }

  /** Opens the profile, if there is one. */
  async start(): Promise<void> {
    const { limits, net = (make) => make, platform, mdns = true } = this.#around
    const machine = this.#street.machine((listener) => {
      this.#listener = listener
    })
    const make = makeNet(machine, { ...LIMITS, ...ONE_ADDRESS, againMs: 20, ...limits })
    const overheard: MakeNet = (config, acquaintances, emit) =>
      net(make)(config, acquaintances, (input) => {
        this.inputs.push(input)
        emit(input)
        this.#look()
      })
    const own = { ...(await nodejsPlatform(this.folder)), ...platform }
    const config = { net: { listenPort: 0, listen: [], mdns, lanOnly: true }, version: 'test' }
    this.#node = await startNode(own, overheard, config)
    this.#node.subscribe((event) => {
      this.events.push(event)
      this.#look()
    })
  }

  async stop(): Promise<void> {
    const node = this.#node
    this.#node = undefined
    await node?.stop()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Resolves as soon as an event (of all so far) passes. */
  async event<K extends AnyEvent['type']>(
    type: K,
    passes: (event: Extract<AnyEvent, { type: K }>) => boolean = () => true,
  ): Promise<Extract<AnyEvent, { type: K }>> {
    type Of = Extract<AnyEvent, { type: K }>
    return this.until(`event ${type}`, () =>
      this.events.find((one): one is Of => one.type === type && passes(one as Of)),
    )
  }

  /** Resolves with what is found, as soon as it is; looks whenever something is told. */
  until<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(deadline)
        this.#watchers.delete(look)
      }
      const look = (): void => {
        const found = find()
        if (found === undefined) return
        done()
        resolve(found)
      }
      const deadline = setTimeout(() => {
        done()
        reject(new Error(`${this.name}: no ${what}; told: ${this.events.map(({ type }) => type).join(' ')}`))
      }, DEADLINE_MS)
      this.#watchers.add(look)
      look()
    })
  }

  #look(): void {
    for (const look of [...this.#watchers]) look()
  }
}

/** The two by their parts in a pairing: the lower PeerID is A, which begins. */
export function lowerFirst(one: Whole, other: Whole): [Whole, Whole] {
  return compare(one.peerId, other.peerId) < 0 ? [one, other] : [other, one]
}

const textsOf = (listener: MulticastListener): readonly string[] => listener.announcement(LOOPBACK)?.texts ?? []

function peerIdOf(listener: MulticastListener | undefined): ReturnType<typeof peerIdFromString> {
  const id = listener && textsOf(listener)[0]?.split('/p2p/')[1]
  if (id === undefined) throw new Error('not on the network')
  return peerIdFromString(id)
}
