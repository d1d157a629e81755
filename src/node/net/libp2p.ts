/**
 * The net on libp2p, under one PeerID: the engine's effects on their way to connections, and what happens there on its way to the engine.
 *
 *     effects ─▶ perform ─┬▶ dialing ─▶ reaching ─▶ hello ─┐
 *                         └▶ links ◀────────────────────────┴─ streams that peers open
 *     inputs  ◀─ emit ◀────┘
 *
 * Holds: the PeerID is made for each run and kept nowhere; nothing is contacted but what the engine wants, and peers of the
 * local network.
 */
import type { Connection } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import type { AccountId } from '../../protocol/index.ts'
import type { NetEffect } from '../engine/effect.ts'
import type { ConnectionId, Input } from '../engine/input.ts'
import { type Address, isLoopback, ownAddresses, parseAddress } from './addresses.ts'
import { askBundle } from './bundles.ts'
import { Circuit } from './relay/circuit.ts'
import { Dht } from './dht/dht.ts'
import { DhtRecords } from './dht/records.ts'
import { Dialing } from './dialing.ts'
import { attempt } from './failures.ts'
import { hiding } from './hiding.ts'
import { Host, type Parts } from './host.ts'
import { Lan } from './lan/lan.ts'
import { LanGreeting } from './lan/lan-greeting.ts'
import type { Link } from './link.ts'
import { Links } from './links.ts'
import type { Machine } from './machine.ts'
import { Mail, type MailEffect } from './mail/mail.ts'
import { Nearby } from './lan/nearby.ts'
import type { Acquaintances, DhtStatus, MakeNet, NetConfig, ReachStatus, RelayStatus } from './net.ts'
import { BUNDLE, LIMITS, type Limits } from './protocols.ts'
import { Reach } from './reach/reach.ts'
import { Router } from './reach/router.ts'
import { Reaching } from './reaching.ts'
import { RelayedPaths } from './relay/relayed-paths.ts'
import { WebRtc } from './relay/webrtc.ts'
import { type MakeRun, renewable, type Run, type RunEffect } from './renewing.ts'
import { Serving } from './serving.ts'
import { whereaboutsOf } from './whereabouts.ts'
import { Work } from './work.ts'

/** The net of a machine. `limits` differ from the table in tests alone. */
export const makeNet =
  (machine: Machine, limits: Limits = LIMITS): MakeNet =>
  (config, acquaintances, emit) => {
    const records = new DhtRecords(machine.primitives, limits, machine.now)
    const work = new Work(machine, limits)
    let connections = 0
    const lasting = { machine, limits, acquaintances, records, number: () => ++connections }
    const makeRun: MakeRun = async (config, emit) => {
      const parts = { circuit: new Circuit(limits), webRtc: new WebRtc(), work }
      const host = await Host.make(machine, limits, config, parts)
      return new Libp2pNet(host, parts, { ...lasting, config, emit })
    }
    return renewable(makeRun, config, emit, { ...limits, random: acquaintances.random })
  }

interface Surroundings {
  readonly machine: Machine
  readonly limits: Limits
  readonly config: NetConfig
  readonly acquaintances: Acquaintances
  /** What is kept for others in the DHT: it outlives a PeerID. */
  readonly records: DhtRecords
  /** A number that no connection had before. */
  readonly number: () => ConnectionId
  readonly emit: (input: Input) => void
}

class Libp2pNet implements Run {
  readonly pairing: Nearby
  readonly #host: Host
  readonly #around: Surroundings
  readonly #links: Links
  readonly #dialing: Dialing
  readonly #reaching: Reaching
  readonly #relayed: RelayedPaths
  readonly #lan: Lan
  readonly #greeting: LanGreeting
  readonly #reach: Reach
  /** `undefined`: no router is asked. */
  readonly #router: Router | undefined
  /** `undefined`: switched off. */
  readonly #dht: Dht | undefined
  readonly #serving: Serving
  readonly #mail: Mail
  readonly #work: Work
  #ticking: ReturnType<typeof setInterval> | undefined
  #tickedAt = 0
  /** Where we listen, as the engine was told: looked at again when something changes, and with each tick. */
  #told: readonly string[] = []
  #stopped = false
  /** Whether others reach us directly; nobody knows yet. */
  #reachable: boolean | undefined

  constructor(host: Host, parts: Parts, around: Surroundings) {
    const { machine, limits, config, acquaintances, records, number, emit } = around
    this.#host = host
    this.#around = around
    const local = host.libp2p.peerId.toMultihash().bytes
    this.#work = parts.work
    this.#links = new Links(machine, limits, local, number, emit, {
      reached: (contact, link) => this.#reached(contact, link),
      lost: (contact, link, was) => this.#lost(contact, link, was),
      closed: (link) => this.#relayed.closed(link),
    })
    const unhidden = hiding(acquaintances, () => this.#dialing.hidden())
    this.#reaching = new Reaching(host, this.#links, acquaintances, limits, {
      relayed: (address, signal) => parts.circuit.dial(address, signal),
      upgraded: (relayed, signal) => parts.webRtc.negotiate(relayed, signal),
      hidden: () => this.#dialing.hidden(),
      networkKey: config.networkKey,
    })
    this.#relayed = new RelayedPaths(parts, {
      machine,
      limits,
      links: this.#links,
      forStrangers: config.relay,
      self: host.libp2p.peerId.toString(),
      reachable: () => this.#reachable,
      addresses: () => this.#directAddresses(),
      hides: () => this.#dialing.hidden().size > 0,
      changed: () => this.#tellAddresses(),
      directly: (contact) => this.#dialing.directly(contact),
      reachDirectly: (address, want, signal) => this.#reaching.reachDirectly(address, want, signal),
      reachThrough: (link, want, signal) => this.#reaching.reachThrough(link, want, signal),
      random: acquaintances.random,
    })
    this.#dialing = new Dialing(machine, limits, config.lanOnly, {
      reach: (address, want, signal) => this.#reaching.reach(address, want, signal),
      reaches: (contact) => this.#links.reaches(contact),
      alsoAt: (contact, told) => [...this.#greeting.addressesOf(contact), ...this.#relayed.moved(told)],
      namesOf: (relay) => this.#relayed.namesOf(relay),
      notReached: (contact) => emit({ type: 'not-reached', contact }),
      random: acquaintances.random,
    })
    const { networkKey } = config
    const self = { id: host.libp2p.peerId.toString(), port: () => host.port, networkKey, random: acquaintances.random }
    this.#lan = new Lan(machine, limits, self, (peer) => this.#greeting.heard(peer))
    this.#greeting = new LanGreeting(machine, limits, local, this.#lan, this.#links, this.#reaching, (link) =>
      this.#isServer(link),
    )
    this.pairing = new Nearby(this.#lan, this.#reaching, limits)
    const { random } = acquaintances
    const { reaching, links } = { reaching: this.#reaching, links: this.#links }
    this.#dht = config.dht
      ? new Dht({ libp2p: host.libp2p, machine, limits, config, links, reaching, records, random, emit })
      : undefined
    this.#reach = new Reach(machine, limits, links, reaching, {
      servesTo: (link) => config.dht && (link.via === 'lan' || this.#isPublic()),
      relaysTo: (link) => this.#relayed.relaysTo(link),
      mapped: () => this.#router?.mapped(),
      listening: () => host.libp2p.getMultiaddrs().flatMap((address) => parseAddress(address.toString()) ?? []),
      told: (link, meeting) => {
        this.#dht?.told(link, meeting)
        this.#relayed.told(link, meeting.isRelay)
      },
      changed: () => this.#reachChanged(),
    })
    this.#mail = new Mail({
      machine,
      limits,
      links,
      reaching,
      acquaintances,
      mayDial: (address) => this.#dialing.mayDial(address),
      emit,
    })
    // Who neither looks for others on this network nor leaves it says nothing to its router.
    const asksRouter = config.mdns && !config.lanOnly
    const routed = { port: () => host.port, changed: () => this.#reach.forget(), random }
    this.#router = asksRouter ? new Router(machine, limits, routed) : undefined
    this.#serving = new Serving({
      machine,
      limits,
      links,
      work: this.#work,
      acquaintances,
      unhidden,
      networkKey,
      pairing: this.pairing,
      reach: this.#reach,
      dht: this.#dht,
      mail: this.#mail,
      emit,
    })
  }

  async start(): Promise<void> {
    const { machine, limits, config } = this.#around
    this.#relayed.open()
    await this.#host.listen((libp2p) => this.#prepare(libp2p))
    await this.#dht?.start()
    this.#relayed.listen(this.#host.port)
    this.#tickedAt = machine.now()
    this.#ticking = setInterval(() => this.#tick(), limits.tickMs)
    if (config.mdns) this.#lan.start()
    this.#router?.start()
    this.#tellAddresses()
  }

  async #prepare(libp2p: Libp2p): Promise<void> {
    libp2p.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    libp2p.addEventListener('connection:close', ({ detail }) => this.#closed(detail))
    await this.#serving.serve(libp2p)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#ticking)
    this.#dialing.stop()
    this.#greeting.stop()
    this.#mail.stop()
    await this.#router?.stop()
    await this.#relayed.stop()
    await this.#dht?.stop()
    await this.#lan.stop()
    const ending = this.#links.all().map((link) => link.end())
    await Promise.all(ending)
    await this.#host.libp2p.stop()
    for (const link of this.#links.all()) this.#links.closed(link.connection)
  }

  get port(): number {
    return this.#host.port
  }

  get isPairing(): boolean {
    return this.#links.all().some(({ isPairing }) => isPairing)
  }

  addresses(): readonly string[] {
    return this.#told
  }

  #directAddresses(): readonly string[] {
    const { machine, config } = this.#around
    const asked = this.#host.libp2p.getMultiaddrs().flatMap((address) => parseAddress(address.toString()) ?? [])
    // What listens on webrtc-direct adds the hash of its certificate.
    const spot = (text: string): string | undefined => parseAddress(text)?.text.split('/certhash/')[0]
    const named = new Set(config.listen.map(spot))
    // Of what was asked for beside the port: all but the loopback addresses that a wildcard stands for.
    const isOurs = ({ transport, port }: Address): boolean => transport === 'tcp' && port === this.#host.port
    const more = asked.filter((one) => named.has(spot(one.text)) || (!isOurs(one) && !isLoopback(one)))
    const reached = this.#reach.publicAddresses().map(({ text }) => text)
    return [
      ...new Set([...reached, ...more.map(({ text }) => text), ...ownAddresses(machine.interfaces(), this.#host.port)]),
    ]
  }

  lanPeers(): number {
    return this.#lan.peers().length
  }

  dht(): DhtStatus {
    return this.#dht?.status(this.#isPublic()) ?? { on: false, mode: 'off', servers: 0, stored: 0, published: 0 }
  }

  reach(): ReachStatus {
    const router = this.#router?.status()
    const natMapping = this.#relayed.natMapping()
    return { ...this.#reach.status(), natMapping, ...(router === undefined ? {} : { router }) }
  }

  relays(): RelayStatus {
    return this.#relayed.status()
  }

  perform(effect: RunEffect): void {
    if (this.#stopped) return
    if (effect.type === 'want') return this.#want(effect)
    if (effect.type === 'unwant') return this.#dialing.unwant(effect.contact)
    if (effect.type === 'publish') return this.#dht?.publish(effect.records)
    if (effect.type === 'look-up') return this.#lookUp(effect)
    if (isMail(effect)) return this.#mail.perform(effect)
    if (effect.type === 'relay') return this.#relay(effect.forContacts)
    const link = this.#links.byId(effect.connection)
    if (effect.type === 'ask-bundle') return void this.#ask(effect, link)
    // A connection that ended meanwhile: its `disconnected` is on the way.
    if (link === undefined) return
    if (effect.type === 'send') link.writer.send(effect.frames)
    else if (effect.type === 'acknowledge') this.#answer(link, effect.ids, 'acknowledge')
    else if (effect.type === 'no-session') this.#answer(link, effect.ids, 'noSession')
    else if (effect.type === 'answer-bundle') link.questions.get(effect.request)?.(effect)
    else if (effect.type === 'close') void link.end()
    else if (link.dialed) void this.#reaching.greetAgain(link, effect.contact)
  }

  #want(effect: Extract<NetEffect, { type: 'want' }>): void {
    const isNew = !this.#dialing.wants(effect.contact)
    if (effect.relayOnly) for (const link of this.#links.directlyTo(effect.contact)) link.abort('only through relays')
    const wasHidden = this.#dialing.isHidden(effect.contact)
    this.#dialing.want(effect)
    if (effect.relayOnly !== wasHidden) this.#relayed.review()
    if (isNew) this.#greeting.newContact()
  }

  #relay(forContacts: boolean): void {
    if (this.#relayed.status().forContacts === forContacts) return
    this.#relayed.relay(forContacts)
    this.#reach.tellAll()
  }

  #lookUp(effect: Extract<NetEffect, { type: 'look-up' }>): void {
    if (this.#dht !== undefined) void this.#dht.lookUp(effect)
    else this.#around.emit({ type: 'looked-up', sought: effect.sought, found: [], asked: 0 })
  }

  #answer(link: Link, ids: readonly Uint8Array[], how: 'acknowledge' | 'noSession'): void {
    const bytes = link.reader?.answered(ids.length) ?? 0
    if (how === 'noSession') this.#work.inVain(link, ids.length, bytes)
    link.writer[how](ids)
  }

  async #ask(effect: Extract<NetEffect, { type: 'ask-bundle' }>, link: Link | undefined): Promise<void> {
    const { acquaintances, limits, emit } = this.#around
    const { connection, contact, inviteSecret } = effect
    const signal = AbortSignal.timeout(limits.bundleMs)
    const stream = await link?.openStream(BUNDLE, signal)
    const proof =
      link === undefined || inviteSecret === null ? null : acquaintances.inviteProof(inviteSecret, link.ends)
    const answer = stream && (await askBundle(stream, proof, limits, signal))
    const given =
      link === undefined || answer === undefined ? { status: 'unreachable' as const } : { ...answer, ends: link.ends }
    emit({ type: 'bundle-answered', connection, contact, answer: given })
  }

  #opened(connection: Connection): void {
    const link = this.#links.open(connection)
    this.#work.watch(link)
    // Through a relay nothing is said of addresses: who is there may not be told any.
    if (link.dialed && link.via !== 'relayed')
      void link.settled.then(() => (link.isOpen ? this.#reach.met(link) : undefined))
  }

  #isPublic(): boolean {
    return this.#reach.status().publiclyReachable === 'yes'
  }

  #reachChanged(): void {
    const { publiclyReachable } = this.#reach.status()
    this.#reachable = publiclyReachable === 'unknown' ? undefined : publiclyReachable === 'yes'
    this.#relayed.review()
    this.#tellAddresses()
  }

  /** Whether an unknown peer of the local network serves the DHT, so that its connection may stay a while. */
  async #isServer(link: Link): Promise<boolean> {
    return this.#dht !== undefined && (await this.#reach.met(link))?.isServer === true
  }

  #closed(connection: Connection): void {
    this.#links.closed(connection)
    const peer = connection.remotePeer
    // libp2p remembers every PeerID it ever saw, and ephemeral ones never come again.
    if (this.#host.libp2p.getConnections(peer).length === 0) void attempt(this.#host.libp2p.peerStore.delete(peer))
    this.#relayed.left(connection)
  }

  #reached(contact: AccountId, link: Link): void {
    const isKnown = link.standing.phase === 'known'
    this.#dialing.reached(contact, isKnown)
    if (!isKnown) return
    this.#work.known(link)
    this.#relayed.reached(contact, link)
    if (link.via === 'relayed') return
    this.#greeting.met(contact, link)
    this.#reach.known(link)
    this.#dialing.relayCame(link.peer)
  }

  #lost(contact: AccountId, link: Link, was: Link['standing']): void {
    const { machine, limits } = this.#around
    const lasted = was.phase === 'known' && machine.now() - link.openedAt >= limits.againMs
    this.#dialing.lost(contact, was.phase === 'stranger' ? link.address : undefined, link.via === 'relayed' && lasted)
  }

  /** The machine slept, or its addresses changed: what was connected may not be, and what could not be reached may be now. */
  #tick(): void {
    const { machine, limits } = this.#around
    const now = machine.now()
    const slept = now - this.#tickedAt > limits.tickMs + limits.sleptMs
    this.#tickedAt = now
    const moved = this.#tellAddresses()
    if (moved) this.#lan.refresh()
    this.#links.tick(now, slept || moved)
    this.#reach.tick()
    this.#relayed.tick()
    this.#dht?.tick()
    if (!slept && !moved) return
    if (moved) this.#reach.forget()
    if (moved) this.#router?.again()
    this.#dht?.again()
    this.#lan.ask()
    this.#dialing.again()
    this.#relayed.again()
  }

  /** Says where we listen, if that is new. */
  #tellAddresses(): boolean {
    const addresses = [...this.#directAddresses(), ...this.#relayed.addresses()]
    if (addresses.join(' ') === this.#told.join(' ')) return false
    this.#told = addresses
    const whereabouts = whereaboutsOf(this.#host.libp2p.peerId.toMultihash().bytes, addresses)
    this.#around.emit({ type: 'addresses', addresses, whereabouts })
    return true
  }
}

const MAIL: ReadonlySet<NetEffect['type']> = new Set<MailEffect['type']>([
  'deposit',
  'mail-answer',
  'open-box',
  'hand-over',
  'take-letters',
])

const isMail = (effect: NetEffect): effect is MailEffect => MAIL.has(effect.type)
