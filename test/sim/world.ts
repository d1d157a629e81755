/**
 * A world of simulated nodes: who can reach whom, and what goes wrong.
 *
 * Links drop (everything after, until the connection ends), double, reorder and split; nodes die at any effect and come back;
 * clocks are wrong and jump. Hello is the real one: the tags and proofs of both engines.
 *
 * Holds: everything follows from the seed; nothing waits for real time.
 */
import type { NetEffect } from '../../src/node/engine/effect.ts'
import type { BundleAnswer, Ends, Input } from '../../src/node/engine/input.ts'
import { nodejs } from '../../src/node/platform/nodejs-primitives.ts'
import {
  type AccountId,
  type DeviceId,
  equal,
  noble,
  type Primitives,
  type SlotRecord,
} from '../../src/protocol/index.ts'
import { Board } from './board.ts'
import { Clock } from './clock.ts'
import { Chance } from './random.ts'
import { type Faults, SimNode, type Surroundings } from './sim-node.ts'

/** Native where it is deterministic; encapsulation and new key pairs draw their own randomness there. */
const primitives: Primitives = {
  ...nodejs,
  name: 'simulated',
  kemEncapsulate: noble.kemEncapsulate,
  x25519KeyPair: (randomness) => ({ privateKey: randomness, publicKey: nodejs.x25519PublicKey(randomness) }),
}

export interface Weather {
  /** Likelihoods for each message on a link. */
  readonly drop: number
  readonly double: number
  readonly reorder: number
  /** Longest delay, ms. */
  readonly delay: number
}

export const CALM: Weather = { drop: 0, double: 0, reorder: 0, delay: 20 }

interface Wanted {
  readonly want: Extract<NetEffect, { type: 'want' }>
  tries: number
}

interface Side {
  readonly node: SimNode
  readonly life: number
  readonly peer: Uint8Array
  /** Nothing that this side sends arrives any more. */
  mute: boolean
  /** When what this side sent last arrives. */
  lastAt: number
}

interface Connection {
  readonly id: number
  readonly dialer: Side
  readonly listener: Side
  /** Whom the dialer wanted. */
  readonly wanted: AccountId
  open: boolean
}

export class World implements Surroundings {
  readonly clock = new Clock()
  readonly chance: Chance
  readonly primitives = primitives
  readonly faults: Faults
  readonly nodes: SimNode[] = []
  weather: Weather = CALM
  /** Records in the DHT. */
  readonly board: Board
  /** Whether somebody is only reached at an address that was told or found. */
  byAddress = false
  /** Pairs of names that cannot reach each other until the time. */
  readonly #splits = new Map<string, number>()
  readonly #wants = new Map<SimNode, Map<AccountId, Wanted>>()
  readonly #believed = new Map<string, number>()
  readonly #connections = new Map<number, Connection>()
  readonly #requests = new Map<number, { connection: number; asker: SimNode; contact: AccountId }>()
  #numbers = 0

  constructor(seed: number, faults: Faults = {}) {
    this.chance = new Chance(seed)
    this.faults = faults
    this.board = new Board(primitives, this.chance)
    this.clock.now = 1_700_000_000_000
  }

  now(): number {
    return this.clock.now
  }

  later(ms: number, run: () => void | Promise<void>): void {
    this.clock.after(ms, async () => {
      await run()
      await settled()
    })
  }

  readonly reported: string[] = []

  report(node: SimNode, error: unknown): void {
    this.reported.push(`${node.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }

  async add(name: string): Promise<SimNode> {
    const node = new SimNode(name, this)
    this.nodes.push(node)
    await node.create()
    await settled()
    return node
  }

  /** Cuts two nodes apart for a while. */
  split(a: SimNode, b: SimNode, ms: number): void {
    this.#splits.set(pair(a, b), this.now() + ms)
    for (const connection of this.#connections.values()) {
      if (joins(connection, a, b)) this.#end(connection, this.chance.below(5000))
    }
  }

  /** Good weather, nobody apart, everybody awake and trying. */
  heal(): void {
    this.weather = CALM
    this.#splits.clear()
    for (const node of this.nodes) node.fuse = Number.POSITIVE_INFINITY
    for (const connection of this.#connections.values()) {
      if (connection.dialer.mute || connection.listener.mute) this.#end(connection, 0)
    }
    for (const node of this.nodes) if (node.phase === 'up') node.command({ name: 'reach-now', contact: null })
  }

  died(node: SimNode): void {
    this.#wants.delete(node)
    this.parted(node)
  }

  parted(node: SimNode): void {
    for (const connection of this.#connections.values()) {
      if (connection.dialer.node === node || connection.listener.node === node)
        this.#end(connection, this.chance.below(3000))
    }
  }

  perform(node: SimNode, effect: NetEffect): void {
    switch (effect.type) {
      case 'want':
        return this.#want(node, effect)
      case 'unwant':
        this.#wants.get(node)?.delete(effect.contact)
        return
      case 'close':
        return this.#withSides(node, effect.connection, (connection) => this.#end(connection, 0))
      case 'send':
        for (const { bytes } of effect.frames) {
          const sent = this.faults.frame === undefined ? bytes : this.faults.frame(bytes, this.chance)
          this.#deliver(node, effect.connection, (to) => this.#frames(to, effect.connection, sent))
        }
        return
      case 'acknowledge':
        // Seen here, because what is lost by it heals: whoever starts says anew what it holds.
        if (node.disk.unsynced > 0) this.reported.push(`${node.name}: acknowledged before it was on the disk`)
        for (const id of effect.ids) {
          if (!node.holds(id)) this.reported.push(`${node.name}: acknowledged a frame that is not stored`)
        }
        return this.#deliver(node, effect.connection, () => ({
          type: 'acknowledged',
          connection: effect.connection,
          ids: effect.ids,
        }))
      case 'no-session':
        return this.#deliver(node, effect.connection, () => ({
          type: 'no-session',
          connection: effect.connection,
          ids: effect.ids,
        }))
      case 'ask-bundle':
        return this.#ask(node, effect)
      case 'answer-bundle':
        return this.#answer(node, effect)
      case 'hello-again':
        return this.#withSides(node, effect.connection, (connection) => {
          this.later(this.#delay(), () => this.#hello(connection))
        })
      case 'publish':
        return this.#publish(node, effect.records)
      case 'look-up':
        return this.#lookUp(node, effect)
      case 'renew':
        return node.renew()
    }
  }

  #publish(node: SimNode, records: readonly SlotRecord[]): void {
    const wrong = this.board.publish(node.name, records)
    if (!node.isCopy) this.reported.push(...wrong.map((one) => `${node.name}: ${one}`))
  }

  #lookUp(node: SimNode, { contact, kind, names }: Extract<NetEffect, { type: 'look-up' }>): void {
    const { life } = node
    this.later(this.#delay(), () => {
      if (node.life !== life) return
      const found = this.board.find(kind, names, node.now())
      node.take({ type: 'looked-up', contact, found: found ?? [], asked: found === undefined ? 0 : 3 })
    })
  }

  // connections

  #want(node: SimNode, want: Extract<NetEffect, { type: 'want' }>): void {
    const { contact, now } = want
    this.#checkFound(node, want)
    const wants = this.#wants.get(node) ?? new Map()
    this.#wants.set(node, wants)
    wants.set(contact, { want, tries: 0 })
    this.#dialSoon(node, contact, now ? 1 : this.chance.below(400))
  }

  /** Nobody is ever sought where somebody was before the place that was believed last. */
  #checkFound(node: SimNode, { contact, found }: Extract<NetEffect, { type: 'want' }>): void {
    const other = this.nodes.find((candidate) => candidate.id === contact)
    const [first] = found?.addresses ?? []
    if (other === undefined || first === undefined) return
    const at = other.pastPlaces.findLastIndex(({ bytes }) => equal(bytes, first))
    const pair = `${node.name}>${other.name}`
    if (at < (this.#believed.get(pair) ?? 0)) this.reported.push(`${pair}: led back to where they were`)
    this.#believed.set(pair, Math.max(at, this.#believed.get(pair) ?? 0))
  }

  #dialSoon(node: SimNode, contact: AccountId, ms: number): void {
    const life = node.life
    this.later(ms, () => {
      if (node.life === life && node.phase === 'up') this.#dial(node, contact)
    })
  }

  #dial(node: SimNode, contact: AccountId): void {
    const want = this.#wants.get(node)?.get(contact)
    const other = this.nodes.find((candidate) => candidate.id === contact)
    if (want === undefined || other === undefined || this.#connected(node, other)) return
    if (other.phase === 'down' || this.#apart(node, other) || (this.byAddress && !leadsTo(want.want, other))) {
      want.tries++
      node.take({ type: 'not-reached', contact })
      return this.#dialSoon(node, contact, this.chance.below(Math.min(8000, 250 * 2 ** want.tries)))
    }
    const id = ++this.#numbers
    const connection = { id, dialer: this.#side(node), listener: this.#side(other), wanted: contact, open: true }
    this.#connections.set(id, connection)
    this.later(this.#delay(), () => this.#hello(connection))
  }

  #side(node: SimNode): Side {
    return { node, life: node.life, peer: primitives.sha256(node.peerId), mute: false, lastAt: 0 }
  }

  /** The real hello of both engines, at one moment. */
  #hello(connection: Connection): void {
    const { dialer, listener, wanted, id } = connection
    if (!connection.open || !alive(dialer) || !alive(listener)) return
    const there: Ends = { local: dialer.peer, remote: listener.peer }
    const here: Ends = { local: listener.peer, remote: dialer.peer }
    const from = dialer.node.hello
    const to = listener.node.hello
    if (from === undefined || to === undefined) return
    const day = from.day()
    const tags = [0, 1, 2].flatMap((nth) => from.tag(wanted, day, 'dialer', there, nth) ?? [])
    const contact = to.recognise(tags, day, 'dialer', here)
    if (contact === undefined) {
      const stranger = this.#wants.get(dialer.node)?.get(wanted)?.want.stranger === true
      if (stranger) return dialer.node.take({ type: 'reached-stranger', connection: id, contact: wanted })
      return this.#end(connection, 0)
    }
    const nonces = this.chance.bytes(64)
    const answer = to.prove(contact, 'listener', here, nonces)
    const tag = to.tag(contact, day, 'listener', here)
    const known = tag !== undefined && from.recognise([tag], day, 'listener', there) === wanted
    const theirs = known ? from.check(wanted, 'listener', there, nonces, answer) : undefined
    if (theirs === undefined) return this.#end(connection, 0)
    const device = to.check(contact, 'dialer', here, nonces, from.prove(wanted, 'dialer', there, nonces))
    if (device === undefined) return this.#end(connection, 0)
    const facts = { type: 'connected', connection: id, via: 'direct', address: '' } as const
    dialer.node.take({ ...facts, contact: wanted, device: theirs, dialed: true })
    listener.node.take({ ...facts, contact, device, dialed: false })
  }

  #end(connection: Connection, ms: number): void {
    connection.dialer.mute = true
    connection.listener.mute = true
    this.later(ms, () => {
      if (!connection.open) return
      connection.open = false
      this.#connections.delete(connection.id)
      for (const side of [connection.dialer, connection.listener]) {
        if (!alive(side)) continue
        side.node.take({ type: 'disconnected', connection: connection.id })
        for (const contact of this.#wants.get(side.node)?.keys() ?? [])
          this.#dialSoon(side.node, contact, this.chance.below(1500))
      }
    })
  }

  #connected(a: SimNode, b: SimNode): boolean {
    // Now and then both dial at once, and there are two connections.
    if (this.chance.happens(0.05)) return false
    // What an earlier life was connected to does not keep this one from dialing.
    return [...this.#connections.values()].some(
      (connection) =>
        joins(connection, a, b) &&
        [connection.dialer, connection.listener].some((side) => side.node === a && alive(side)),
    )
  }

  #apart(a: SimNode, b: SimNode): boolean {
    return (this.#splits.get(pair(a, b)) ?? 0) > this.now()
  }

  // messages

  #deliver(from: SimNode, id: number, message: (to: Side) => Input): void {
    this.#withSides(from, id, (connection, sender, receiver) => {
      if (sender.mute) return
      if (this.chance.happens(this.weather.drop)) {
        sender.mute = true
        return this.#end(connection, this.chance.below(5000))
      }
      const copies = this.chance.happens(this.weather.double) ? 2 : 1
      for (let copy = 0; copy < copies; copy++) this.#arrive(connection, sender, receiver, message(receiver))
    })
  }

  #arrive(connection: Connection, sender: Side, receiver: Side, input: Input): void {
    const soon = this.now() + this.#delay()
    const at = this.chance.happens(this.weather.reorder) ? soon : Math.max(sender.lastAt, soon)
    sender.lastAt = Math.max(sender.lastAt, at)
    this.later(at - this.now(), () => {
      if (connection.open && alive(receiver)) receiver.node.take(input)
    })
  }

  #frames(to: Side, connection: number, bytes: Uint8Array): Input {
    return whoAsks(to, {
      type: 'frames' as const,
      connection,
      frames: [bytes],
    })
  }

  #ask(node: SimNode, { connection: id, contact, inviteSecret }: Extract<NetEffect, { type: 'ask-bundle' }>): void {
    const request = ++this.#numbers
    this.#requests.set(request, { connection: id, asker: node, contact })
    this.#withSides(node, id, (_, sender, receiver) => {
      const proof =
        inviteSecret === null
          ? null
          : node.hello?.inviteProof(inviteSecret, { local: sender.peer, remote: receiver.peer })
      if (proof === undefined) return
      const ends = { local: receiver.peer, remote: sender.peer }
      this.#deliver(node, id, (to) =>
        whoAsks(to, { type: 'bundle-asked' as const, connection: id, request, ends, proof }),
      )
    })
  }

  #answer(node: SimNode, { request, status, bundle, mac }: Extract<NetEffect, { type: 'answer-bundle' }>): void {
    const asked = this.#requests.get(request)
    if (asked === undefined) return
    const { connection, contact } = asked
    this.#withSides(node, connection, (_, sender, receiver) => {
      const answer: BundleAnswer = { status, bundle, mac, ends: { local: receiver.peer, remote: sender.peer } }
      this.#deliver(node, connection, () => ({ type: 'bundle-answered', connection, contact, answer }))
    })
  }

  #withSides(node: SimNode, id: number, use: (connection: Connection, own: Side, other: Side) => void): void {
    const connection = this.#connections.get(id)
    if (connection === undefined || !connection.open) return
    const { dialer, listener } = connection
    if (dialer.node === node && alive(dialer)) use(connection, dialer, listener)
    else if (listener.node === node && alive(listener)) use(connection, listener, dialer)
  }

  #delay(): number {
    return 1 + this.chance.below(this.weather.delay)
  }
}

/** Frames and questions carry what the receiver's end knows of the sender, at the moment of arrival. */
function whoAsks<T extends { readonly connection: number }>(
  { node }: Side,
  message: T,
): T & { readonly contact: AccountId | null; readonly device: DeviceId | null } {
  const known = () => node.engine?.resident.maps.connections.get(message.connection)
  return {
    ...message,
    get contact() {
      return known()?.contact ?? null
    },
    get device() {
      return known()?.device ?? null
    },
  }
}

/** Whether an address that is known leads to where the node is. */
function leadsTo({ addresses, found, relayOnly }: Wanted['want'], { places }: SimNode): boolean {
  return places.some(
    ({ text, bytes, relayed }) =>
      (relayed || !relayOnly) &&
      (addresses.some((one) => one.startsWith(text)) || found?.addresses.some((one) => equal(one, bytes)) === true),
  )
}

const alive = (side: Side): boolean => side.node.phase === 'up' && side.node.life === side.life
const pair = (a: SimNode, b: SimNode): string => [a.name, b.name].sort().join('|')
const joins = ({ dialer, listener, open }: Connection, a: SimNode, b: SimNode): boolean =>
  open && ((dialer.node === a && listener.node === b) || (dialer.node === b && listener.node === a))

/** Everything that was set going by what happened has come to rest: the stores here answer without real waiting. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
