/**
 * A world of simulated nodes: who can reach whom, and what goes wrong.
 *
 * Links drop (everything after, until the connection ends), double, reorder and split; nodes die at any effect and come back;
 * clocks are wrong and jump. Hello is the real one: the tags and proofs of both engines.
 *
 * Holds: everything follows from the seed; nothing waits for real time.
 */
import type { NetEffect } from '../../src/node/engine/effect.ts'
import type { BundleAnswer, DepositStatus, Ends, Input } from '../../src/node/engine/input.ts'
import type { FoundAt } from '../../src/node/store/records.ts'
import { nodejs } from '../../src/node/platform/nodejs-primitives.ts'
import {
  type AccountId,
  type BoxPeers,
  type BoxVisit,
  type DeviceId,
  envelopeId,
  equal,
  noble,
  type Primitives,
  readEnvelope,
  type SlotRecord,
  toBase32,
} from '../../src/protocol/index.ts'
import { MAIL_LIMITS, type MailLimits } from '../../src/node/engine/limits.ts'
import { Board } from './board.ts'
import { Clock } from './clock.ts'
import { Chance } from './random.ts'
import { type Faults, SimNode, type Surroundings } from './sim-node.ts'

/** What was asked once has the same answer again: simulated nodes start often, and then ask the same. */
function remembering<A extends readonly Uint8Array[], R>(ask: (...args: A) => R): (...args: A) => R {
  const known = new Map<string, R>()
  return (...args) => {
    const key = args.map((part) => Buffer.from(part.buffer, part.byteOffset, part.length).toString('latin1')).join('|')
    const before = known.get(key)
    if (before !== undefined) return before instanceof Uint8Array ? (before.slice() as R) : before
    const answer = ask(...args)
    if (known.size > 100_000) known.clear()
    known.set(key, answer)
    return answer
  }
}

const x25519PublicKey = remembering((key: Uint8Array) => nodejs.x25519PublicKey(key))

/** Native where it is deterministic; encapsulation and new key pairs draw their own randomness there. */
const primitives: Primitives = {
  ...nodejs,
  name: 'simulated',
  kemEncapsulate: noble.kemEncapsulate,
  x25519KeyPair: (randomness) => ({ privateKey: randomness, publicKey: x25519PublicKey(randomness) }),
  x25519PublicKey,
  ed25519PublicKey: remembering((seed: Uint8Array) => nodejs.ed25519PublicKey(seed)),
  verify: remembering((key: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    nodejs.verify(key, message, signature),
  ),
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
  /** When the last dial that was planned is to be. */
  dialAt: number
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
  /** First and longest wait before somebody who was not reached is dialed again, ms. */
  dialFirst = 250
  dialMost = 8000
  /** Whether one dial of a contact is planned at a time, as by the net; else they pile up, and more happens at once. */
  dialsOnce = false
  /** Few tokens, so that they run out and are made anew, and simulations are quick. */
  limits: MailLimits = { ...MAIL_LIMITS, tokens: 48, tokensEach: 8 }
  /** Records in the DHT. */
  readonly board: Board
  /** Whether somebody is only reached at an address that was told or found. */
  byAddress = false
  /** Pairs of names that cannot reach each other until the time. */
  readonly #splits = new Map<string, number>()
  /** Nodes that reach nobody until the time. */
  readonly #cuts = new Map<SimNode, number>()
  readonly #wants = new Map<SimNode, Map<AccountId, Wanted>>()
  readonly #believed = new Map<string, number>()
  readonly #connections = new Map<number, Connection>()
  readonly #requests = new Map<number, { connection: number; asker: SimNode; contact: AccountId }>()
  /** Who waits for a carrier's answer, and what was to be left. */
  readonly #deposits = new Map<number, (status: DepositStatus | 'unreachable') => void>()
  readonly #wanted = new Map<number, Uint8Array>()
  /** Which letter each token was taken for. */
  readonly #tokens = new Map<string, string>()
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

  /** Everybody and everything as it is in another world now, from disks alone. */
  async continue(other: World): Promise<void> {
    this.clock.now = other.clock.now
    this.board.take(other.board)
    for (const before of other.nodes) {
      const node = new SimNode(before.name, this)
      this.nodes.push(node)
      await node.become(before)
    }
    await settled()
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

  /** Leaves a node without any network for a while. */
  cut(node: SimNode, ms: number): void {
    this.#cuts.set(node, this.now() + ms)
    this.parted(node)
  }

  isCut(node: SimNode): boolean {
    return (this.#cuts.get(node) ?? 0) > this.now()
  }

  /** Good weather, nobody apart, everybody awake and trying. */
  heal(): void {
    this.weather = CALM
    this.#splits.clear()
    this.#cuts.clear()
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
      case 'deposit':
        return this.#deposit(node, effect)
      case 'mail-answer':
        if (effect.status === 'ok') this.#checkKept(node, effect.request)
        return this.#deposits.get(effect.request)?.(effect.status ?? 'unreachable')
      case 'open-box':
        return this.#openBox(node, effect)
      case 'hand-over': {
        const { connection, box, letters } = effect
        const bytes = letters.map((letter) => letter.bytes)
        return this.#deliver(node, connection, () => ({ type: 'letters', connection, box, letters: bytes }))
      }
      case 'take-letters': {
        if (node.disk.unsynced > 0) this.reported.push(`${node.name}: took letters before it was on the disk`)
        const { connection, box, ids } = effect
        return this.#deliver(node, connection, () => ({ type: 'letters-taken', connection, box, ids }))
      }
      case 'renew':
        return node.renew()
    }
  }

  #publish(node: SimNode, records: readonly SlotRecord[]): void {
    const wrong = this.board.publish(node.name, records)
    if (!node.isCopy) this.reported.push(...wrong.map((one) => `${node.name}: ${one}`))
  }

  #lookUp(node: SimNode, { sought, kind, names }: Extract<NetEffect, { type: 'look-up' }>): void {
    const { life } = node
    this.later(this.#delay(), () => {
      if (node.life !== life) return
      const found = this.isCut(node) ? undefined : this.board.find(kind, names, node.now())
      node.take({ type: 'looked-up', sought, found: found ?? [], asked: found === undefined ? 0 : 3 })
    })
  }

  // mail

  /** Like the net: over the link of a contact, else to whoever is where it was found; who is there proves to be the carrier. */
  #deposit(node: SimNode, effect: Extract<NetEffect, { type: 'deposit' }>): void {
    const { number, box, carrierKey, connection, envelope } = effect
    const { life } = node
    const answer = (status: DepositStatus | 'unreachable'): void => {
      if (node.life === life && node.phase === 'up') node.take({ type: 'deposited', number, status })
    }
    const carrier = connection === null ? this.#foundAt(effect.found) : this.#otherEnd(node, connection)
    const isThere =
      carrier?.phase === 'up' && !this.#apart(node, carrier) && this.#provesCarrier(carrier, box, carrierKey)
    // What is lost on the way, or on the way back, is told as not reached.
    if (carrier === undefined || !isThere || this.chance.happens(this.weather.drop))
      return this.later(this.#delay(), () => answer('unreachable'))
    const request = ++this.#numbers
    const carrierLife = carrier.life
    let left = true
    const once = (status: DepositStatus | 'unreachable'): void => {
      if (!left) return
      left = false
      this.#deposits.delete(request)
      this.later(this.#delay(), () => answer(status))
    }
    this.#deposits.set(request, (status) => once(this.chance.happens(this.weather.drop) ? 'unreachable' : status))
    this.#wanted.set(request, envelope)
    this.later(this.#delay(), () => {
      if (carrier.life === carrierLife) carrier.take({ type: 'mail-put', request, envelope })
    })
    this.later(20_000, () => once('unreachable'))
  }

  /** What a carrier says that it keeps is on its disk. */
  #checkKept(node: SimNode, request: number): void {
    if (node.disk.unsynced > 0) this.reported.push(`${node.name}: answered a deposit before it was on the disk`)
    const envelope = this.#wanted.get(request)
    const box = envelope && readEnvelope(envelope)?.box
    if (envelope === undefined || box === undefined) return
    const key = `${toBase32(box)}/${toBase32(envelopeId(this.primitives, envelope))}`
    const token = `${toBase32(box)}/${toBase32(readEnvelope(envelope)?.token ?? box)}`
    if ((this.#tokens.get(token) ?? key) !== key) this.reported.push(`${node.name}: took two letters for one token`)
    this.#tokens.set(token, key)
    if (node.disk.read([{ table: 'letter', key }])[0] === undefined)
      this.reported.push(`${node.name}: said that it keeps a letter that it does not have`)
  }

  #foundAt(found: FoundAt | null): SimNode | undefined {
    const [first] = found?.addresses ?? []
    if (first === undefined) return undefined
    return this.nodes.find(({ places }) => places.some(({ bytes }) => equal(bytes, first)))
  }

  #otherEnd(node: SimNode, id: number): SimNode | undefined {
    const connection = this.#connections.get(id)
    if (connection === undefined || !connection.open) return undefined
    return connection.dialer.node === node ? connection.listener.node : connection.dialer.node
  }

  /** The real proofs, at one moment. */
  #provesCarrier(carrier: SimNode, box: Uint8Array, key: Uint8Array): boolean {
    const [visit, peers] = this.#visit(box)
    const proof = carrier.hello?.boxes.carrierProof('leave', visit, peers)
    return proof !== undefined && carrier.hello?.boxes.isCarrier(key, 'leave', visit, peers, proof) === true
  }

  #visit(box: Uint8Array): [BoxVisit, BoxPeers] {
    const nonces = { visitor: this.chance.bytes(32), carrier: this.chance.bytes(32) }
    return [
      { box, nonces },
      { visitor: this.chance.bytes(38), carrier: this.chance.bytes(38) },
    ]
  }

  #openBox(node: SimNode, { connection, box, carrierKey }: Extract<NetEffect, { type: 'open-box' }>): void {
    this.#deliver(node, connection, ({ node: carrier }) => {
      const [visit, peers] = this.#visit(box)
      const proof = carrier.hello?.boxes.carrierProof('fetch', visit, peers)
      const isCarrier = proof && node.hello?.boxes.isCarrier(carrierKey, 'fetch', visit, peers, proof)
      const mine = node.hello?.boxes.ownerProof(visit, peers)
      const isOwner = mine && carrier.hello?.boxes.isOwner(visit, peers, mine)
      return isCarrier && isOwner
        ? { type: 'box-opened', connection, box }
        : { type: 'letters-taken', connection, box, ids: [] }
    })
  }

  // connections

  #want(node: SimNode, want: Extract<NetEffect, { type: 'want' }>): void {
    const { contact, now } = want
    this.#checkFound(node, want)
    const wants = this.#wants.get(node) ?? new Map()
    this.#wants.set(node, wants)
    wants.set(contact, { want, tries: 0, dialAt: Number.POSITIVE_INFINITY })
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
    const at = this.now() + ms
    const wanted = this.#wants.get(node)?.get(contact)
    if (wanted !== undefined) wanted.dialAt = at
    this.later(ms, () => {
      const isOld = this.dialsOnce && this.#wants.get(node)?.get(contact)?.dialAt !== at
      if (!isOld && node.life === life && node.phase === 'up') this.#dial(node, contact)
    })
  }

  #dial(node: SimNode, contact: AccountId): void {
    const want = this.#wants.get(node)?.get(contact)
    const other = this.nodes.find((candidate) => candidate.id === contact)
    if (want === undefined || other === undefined || this.#connected(node, other)) return
    if (other.phase === 'down' || this.#apart(node, other) || (this.byAddress && !leadsTo(want.want, other))) {
      want.tries++
      node.take({ type: 'not-reached', contact })
      return this.#dialSoon(node, contact, this.chance.below(Math.min(this.dialMost, this.dialFirst * 2 ** want.tries)))
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
        const lost = side === connection.dialer ? connection.listener : connection.dialer
        for (const contact of this.#wants.get(side.node)?.keys() ?? [])
          if (!this.dialsOnce || contact === lost.node.id) this.#dialSoon(side.node, contact, this.chance.below(1500))
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
    return this.isCut(a) || this.isCut(b) || (this.#splits.get(pair(a, b)) ?? 0) > this.now()
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
