/**
 * The net on libp2p: the engine's effects on their way to connections, and what happens there on its way to the engine.
 *
 *     effects ─▶ perform ─┬▶ dialing ─▶ reaching ─▶ hello ─┐
 *                         └▶ links ◀────────────────────────┴─ streams that peers open
 *     inputs  ◀─ emit ◀────┘
 *
 * Holds: the PeerID is made at each start and kept nowhere; nothing is contacted but what the engine wants, and peers of the
 * local network; `emit` is never called while `perform` or a constructor runs, except for a connection that `close` ends.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Ed25519PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Libp2p } from 'libp2p'
import { compare, frameKind } from '../../protocol/index.ts'
import type { AccountId } from '../../protocol/index.ts'
import type { NetEffect } from '../engine/effect.ts'
import type { Ends, Input } from '../engine/input.ts'
import { type Address, ownAddresses, parseAddress } from './addresses.ts'
import { type Answer, answerBundle, askBundle } from './bundles.ts'
import { Dialing } from './dialing.ts'
import { EnvelopeReader } from './envelopes.ts'
import { Broken } from './failures.ts'
import { answerGreeting } from './hello.ts'
import { type Host, startHost } from './host.ts'
import { Lan } from './lan.ts'
import { LanGreeting } from './lan-greeting.ts'
import type { Link } from './link.ts'
import { Links } from './links.ts'
import type { Machine } from './machine.ts'
import { Nearby } from './nearby.ts'
import type { Acquaintances, MakeNet, Net, NetConfig, PairingPort } from './net.ts'
import { BUNDLE, ENVELOPE, HELLO, LIMITS, type Limits, PAIR, STREAMS } from './protocols.ts'
import { Reaching } from './reaching.ts'

/** The net of a machine. `limits` differ from the table in tests alone. */
export const makeNet =
  (machine: Machine, limits: Limits = LIMITS): MakeNet =>
  async (config, acquaintances, emit) =>
    new Libp2pNet(machine, limits, config, acquaintances, emit, await generateKeyPair('Ed25519'))

class Libp2pNet implements Net {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #config: NetConfig
  readonly #acquaintances: Acquaintances
  readonly #emit: (input: Input) => void
  readonly #key: Ed25519PrivateKey
  readonly #links: Links
  readonly #dialing: Dialing
  readonly #reaching: Reaching
  readonly #lan: Lan
  readonly #greeting: LanGreeting
  readonly #nearby: Nearby
  #host: Host | undefined
  #ticking: ReturnType<typeof setInterval> | undefined
  #tickedAt = 0
  #told: readonly string[] = []
  #nextRequest = 1

  constructor(
    machine: Machine,
    limits: Limits,
    config: NetConfig,
    acquaintances: Acquaintances,
    emit: (input: Input) => void,
    key: Ed25519PrivateKey,
  ) {
    this.#machine = machine
    this.#limits = limits
    this.#config = config
    this.#acquaintances = acquaintances
    this.#emit = emit
    this.#key = key
    const { random } = acquaintances
    const self = peerIdFromPrivateKey(key)
    const local = self.toMultihash().bytes
    this.#links = new Links(machine, limits, local, emit, {
      reached: (contact, sure, link) => {
        this.#greeting.met(contact, link, sure)
        this.#dialing.reached(contact, sure)
      },
      lost: (contact, elsewhere) => this.#dialing.lost(contact, elsewhere),
    })
    this.#reaching = new Reaching(() => this.#libp2p, this.#links, acquaintances, limits)
    this.#dialing = new Dialing(machine, limits, config.lanOnly, {
      reach: (address, want, signal) => this.#reaching.reach(address, want, signal),
      reaches: (contact) => this.#links.reaches(contact),
      alsoAt: (contact) => this.#greeting.addressesOf(contact),
      notReached: (contact) => this.#emit({ type: 'not-reached', contact }),
      random,
    })
    this.#lan = new Lan(machine, limits, { id: self.toString(), port: () => this.#host?.port ?? 0, random }, (peer) => this.#greeting.heard(peer))
    this.#greeting = new LanGreeting(machine, limits, self.toString(), this.#lan, this.#links, this.#reaching)
    this.#nearby = new Nearby(this.#lan, this.#reaching, limits)
  }

  get pairing(): PairingPort {
    return this.#nearby
  }

  async start(): Promise<void> {
    this.#host = await startHost(this.#machine, this.#limits, this.#config, this.#key, (libp2p) => this.#handle(libp2p))
  }
}
