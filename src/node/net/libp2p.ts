/**
 * The net on libp2p: the engine's effects on their way to connections, and what happens there on its way to the engine.
 *
 *     effects ─▶ perform ─┬▶ dialing ─▶ reaching ─▶ hello ─┐
 *                         └▶ links ◀────────────────────────┴─ streams that peers open
 *     inputs  ◀─ emit ◀────┘
 *
 * Holds: the PeerID is made at each start and kept nowhere; nothing is contacted but what the engine wants, and peers of the
 * local network.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { frameKind } from '../../protocol/index.ts'
import type { AccountId, DeviceId } from '../../protocol/index.ts'
import type { NetEffect } from '../engine/effect.ts'
import type { Input } from '../engine/input.ts'
import { isLoopback, ownAddresses, parseAddress } from './addresses.ts'
import { type Answer, answerBundle, askBundle } from './bundles.ts'
import { Dialing } from './dialing.ts'
import { EnvelopeReader } from './envelopes.ts'
import { attempt, Broken, tried } from './failures.ts'
import { answerGreeting } from './hello.ts'
import { Host } from './host.ts'
import { Lan } from './lan.ts'
import { LanGreeting } from './lan-greeting.ts'
import type { Link } from './link.ts'
import { Links } from './links.ts'
import type { Machine } from './machine.ts'
import { Nearby } from './nearby.ts'
import type { Acquaintances, MakeNet, Net, NetConfig } from './net.ts'
import { BUNDLE, ENVELOPE, HELLO, LIMITS, type Limits, PAIR, STREAMS } from './protocols.ts'
import { Reaching } from './reaching.ts'

/** The net of a machine. `limits` differ from the table in tests alone. */
export const makeNet =
  (machine: Machine, limits: Limits = LIMITS): MakeNet =>
  async (config, acquaintances, emit) => {
    const host = await Host.make(machine, limits, config)
    return new Libp2pNet(host, { machine, limits, config, acquaintances, emit })
  }

interface Surroundings {
  readonly machine: Machine
  readonly limits: Limits
  readonly config: NetConfig
  readonly acquaintances: Acquaintances
  readonly emit: (input: Input) => void
}

class Libp2pNet implements Net {
  readonly pairing: Nearby
  readonly #host: Host
  readonly #around: Surroundings
  readonly #links: Links
  readonly #dialing: Dialing
  readonly #reaching: Reaching
  readonly #lan: Lan
  readonly #greeting: LanGreeting
  #ticking: ReturnType<typeof setInterval> | undefined
  #tickedAt = 0
  #told = ''
  #stopped = false
  #nextRequest = 1

  constructor(host: Host, around: Surroundings) {
    const { machine, limits, config, acquaintances, emit } = around
    this.#host = host
    this.#around = around
    const local = host.libp2p.peerId.toMultihash().bytes
    this.#links = new Links(machine, limits, local, emit, {
      reached: (contact, link) => {
        if (link.standing.phase === 'known') this.#greeting.met(contact, link)
        this.#dialing.reached(contact, link.standing.phase === 'known')
      },
      lost: (contact, elsewhere) => this.#dialing.lost(contact, elsewhere),
    })
    this.#reaching = new Reaching(host, this.#links, acquaintances, limits)
    this.#dialing = new Dialing(machine, limits, config.lanOnly, {
      reach: (address, want, signal) => this.#reaching.reach(address, want, signal),
      reaches: (contact) => this.#links.reaches(contact),
      alsoAt: (contact) => this.#greeting.addressesOf(contact),
      notReached: (contact) => emit({ type: 'not-reached', contact }),
      random: acquaintances.random,
    })
    const self = { id: host.libp2p.peerId.toString(), port: () => host.port, random: acquaintances.random }
    this.#lan = new Lan(machine, limits, self, (peer) => this.#greeting.heard(peer))
    this.#greeting = new LanGreeting(machine, limits, local, this.#lan, this.#links, this.#reaching)
    this.pairing = new Nearby(this.#lan, this.#reaching, limits)
  }

  async start(): Promise<void> {
    const { machine, limits, config } = this.#around
    await this.#host.listen((libp2p) => this.#prepare(libp2p))
    this.#tickedAt = machine.now()
    this.#ticking = setInterval(() => this.#tick(), limits.tickMs)
    if (config.mdns) this.#lan.start()
    this.#tellAddresses()
  }

  async #prepare(libp2p: Libp2p): Promise<void> {
    libp2p.addEventListener('connection:open', ({ detail }) => this.#links.open(detail))
    libp2p.addEventListener('connection:close', ({ detail }) => this.#closed(detail))
    await this.#serve(libp2p, HELLO, (stream, link) => this.#hello(stream, link))
    await this.#serve(libp2p, ENVELOPE, (stream, link) => this.#envelopes(stream, link))
    await this.#serve(libp2p, BUNDLE, (stream, link) => this.#bundle(stream, link))
    await this.#serve(libp2p, PAIR, (stream, link) => this.#pair(stream, link))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#ticking)
    this.#dialing.stop()
    this.#greeting.stop()
    await this.#lan.stop()
    const ending = this.#links.all().map((link) => link.end())
    await Promise.all(ending)
    await this.#host.libp2p.stop()
    for (const link of this.#links.all()) this.#links.closed(link.connection)
  }

  addresses(): readonly string[] {
    const { machine, config } = this.#around
    const asked = this.#host.libp2p.getMultiaddrs().flatMap((address) => parseAddress(address.toString()) ?? [])
    const named = new Set(config.listen.map((text) => parseAddress(text)?.text))
    // Of what was asked for beside the port: all but the loopback addresses that a wildcard stands for.
    const more = asked.filter((one) => named.has(one.text) || (one.port !== this.#host.port && !isLoopback(one)))
    return [...new Set([...more.map(({ text }) => text), ...ownAddresses(machine.interfaces(), this.#host.port)])]
  }

  lanPeers(): number {
    return this.#lan.peers().length
  }

  perform(effect: NetEffect): void {
    if (this.#stopped) return
    if (effect.type === 'want') return this.#want(effect)
    if (effect.type === 'unwant') return this.#dialing.unwant(effect.contact)
    if (effect.type === 'publish' || effect.type === 'look-up') return
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
    this.#dialing.want(effect)
    if (isNew) this.#greeting.newContact()
  }

  #answer(link: Link, ids: readonly Uint8Array[], how: 'acknowledge' | 'noSession'): void {
    link.reader?.answered(ids.length)
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

  #serve(
    libp2p: Libp2p,
    protocol: keyof typeof STREAMS,
    serve: (stream: Stream, link: Link) => Promise<void> | void,
  ): Promise<void> {
    const most = STREAMS[protocol]
    const handler = async (stream: Stream, connection: Connection): Promise<void> => {
      const link = this.#links.of(connection)
      if (link === undefined) return stream.abort(new Broken('closed'))
      await serve(stream, link)
    }
    return libp2p.handle(protocol, handler, { maxInboundStreams: most, maxOutboundStreams: most })
  }

  async #hello(stream: Stream, link: Link): Promise<void> {
    const { acquaintances, limits } = this.#around
    if (link.dialed) return stream.abort(new Broken('the dialer begins'))
    if (++link.hellos > limits.hellos) return link.abort('too many hellos')
    const found = await answerGreeting(stream, acquaintances, link.ends, AbortSignal.timeout(limits.helloMs))
    this.#links.settle(link, found ?? 'stranger', null)
  }

  async #envelopes(stream: Stream, link: Link): Promise<void> {
    if (!(await this.#isServed(stream, link))) return
    const { machine, limits, emit } = this.#around
    const { id: connection, writer } = link
    link.reader = new EnvelopeReader(stream, limits, {
      frames: (frames) => link.isOpen && emit({ type: 'frames', connection, ...who(link), frames }),
      acknowledged: (ids) => this.#answered(link, 'acknowledged', ids),
      noSession: (ids) => this.#answered(link, 'no-session', ids),
      ping: () => writer.pong(),
      heard: () => link.hear(machine.now()),
      accepts: (frame) => link.standing.phase === 'known' || frameKind(frame) === 'init',
      now: machine.now,
      maxUnanswered: () => (link.standing.phase === 'known' ? limits.unanswered : limits.strangerUnanswered),
    })
  }

  #answered(link: Link, type: 'acknowledged' | 'no-session', ids: readonly Uint8Array[]): void {
    const inFlight = link.writer.answered(ids)
    if (inFlight.length > 0 && link.isOpen) this.#around.emit({ type, connection: link.id, ids: inFlight })
  }

  async #bundle(stream: Stream, link: Link): Promise<void> {
    if (!(await this.#isServed(stream, link))) return
    const { limits, emit } = this.#around
    const request = this.#nextRequest++
    const signal = AbortSignal.timeout(limits.bundleMs)
    await answerBundle(stream, signal, (proof) => {
      const { contact, device } = who(link)
      if (!link.isOpen || (proof === null && contact === null)) return Promise.resolve(undefined)
      const { promise, resolve } = Promise.withResolvers<Answer | undefined>()
      link.questions.set(request, resolve)
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
      emit({ type: 'bundle-asked', connection: link.id, request, ends: link.ends, proof, contact, device })
      return promise.finally(() => link.questions.delete(request))
    })
  }

  async #pair(stream: Stream, link: Link): Promise<void> {
    if (!(await this.#isServed(stream, link))) return
    if (link.via === 'lan') await this.pairing.answer(stream, link)
    else stream.abort(new Broken('not of this network'))
  }

  /** Whether a stream may be served: hello comes first. What the peer sends meanwhile stays within one window of yamux. */
  async #isServed(stream: Stream, link: Link): Promise<boolean> {
    if (link.standing.phase === 'greeting') {
      stream.pause()
      await link.settled
    }
    if (link.isOpen && stream.status === 'open') {
      if (stream.readStatus === 'paused') tried(() => stream.resume())
      return true
    }
    stream.abort(new Broken('closed'))
    return false
  }

  #closed(connection: Connection): void {
    this.#links.closed(connection)
    const peer = connection.remotePeer
    // libp2p remembers every PeerID it ever saw, and ephemeral ones never come again.
    if (this.#host.libp2p.getConnections(peer).length === 0) void attempt(this.#host.libp2p.peerStore.delete(peer))
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
    if (!slept && !moved) return
    this.#lan.ask()
    this.#dialing.again()
  }

  /** Says where we listen, if that is new. */
  #tellAddresses(): boolean {
    const addresses = this.addresses()
    const told = addresses.join(' ')
    if (told === this.#told) return false
    this.#told = told
    this.#around.emit({ type: 'addresses', addresses })
    return true
  }
}

function who({ standing }: Link): { contact: AccountId; device: DeviceId } | { contact: null; device: null } {
  return standing.phase === 'known'
    ? { contact: standing.contact, device: standing.device }
    : { contact: null, device: null }
}
