/**
 * All that has to do with relays, put together: where we have places, what we relay, how a relayed link becomes a direct one.
 *
 *     reservations ─┬─ circuit ─── libp2p's relay, both sides        stun ── answers who looks for a path
 *     relaying ─────┘                                                webRtc ── finds one
 *     upgrading ──── direct addresses, webRtc
 *
 * Holds: nothing is answered before hello has ended on the connection that it came on.
 */
import type { Connection } from '@libp2p/interface'
import type { AccountId } from '../../../protocol/index.ts'
import { type Address, hostText, isLoopback, isNear, kindOf, parseAddress } from '../addresses.ts'
import type { Circuit } from './circuit.ts'
import type { Parts } from '../host.ts'
import type { Link } from '../link.ts'
import type { Links } from '../links.ts'
import type { Machine } from '../machine.ts'
import type { ReachStatus, RelayedPath, RelayStatus } from '../net.ts'
import type { Limits } from '../protocols.ts'
import { MovedRelays } from './moved-relays.ts'
import { Relaying } from './relaying.ts'
import { type ReservationNeeds, Reservations } from './reservations.ts'
import { NatMapping } from '../reach/nat-mapping.ts'
import { isAmong, Stun } from './stun.ts'
import { type UpgradeNeeds, Upgrading } from './upgrading.ts'
import { Rate } from '../waiting.ts'
import type { WebRtc } from './webrtc.ts'

/** Offers of one contact that are answered: libp2p loses memory with each negotiation (js-libp2p #3567). */
const OFFERS_A_SECOND = 1 / 30
const OFFERS_AT_ONCE = 8
/** STUN servers that one negotiation asks. */
const STUN_SERVERS = 3

export interface RelayNeeds
  extends Pick<ReservationNeeds, 'self' | 'reachable' | 'changed' | 'random'>,
    Pick<UpgradeNeeds, 'directly' | 'reachDirectly' | 'reachThrough'> {
  readonly machine: Machine
  readonly limits: Limits
  readonly links: Links
  /** Whether strangers get places here, too. */
  readonly forStrangers: boolean
  /** Where others reach us without a relay. */
  addresses(): readonly string[]
  /** Whether there is a contact that must not learn that. */
  hides(): boolean
}

export class RelayedPaths {
  readonly #needs: RelayNeeds
  readonly #circuit: Circuit
  readonly #webRtc: WebRtc
  readonly #reservations: Reservations
  readonly #relaying: Relaying
  readonly #upgrading: Upgrading
  /** Offers of WebRTC that each contact may make. */
  readonly #offers = new Map<AccountId, Rate>()
  readonly #natMapping: NatMapping
  readonly #moved: MovedRelays
  #stun: Stun | undefined

  constructor({ circuit, webRtc }: Parts, needs: RelayNeeds) {
    const { machine, limits, links } = needs
    const now = machine.now
    this.#needs = needs
    this.#circuit = circuit
    this.#webRtc = webRtc
    this.#reservations = new Reservations(circuit, limits, {
      ...needs,
      now,
      candidates: () => links.neighbours(),
      // Who must not learn where we are reaches us through a relay, or not at all.
      reachable: () => (needs.hides() ? undefined : needs.reachable()),
    })
    const reservedAt = (peer: { toString(): string }): boolean => this.#reservations.holds(peer.toString())
    this.#relaying = new Relaying(machine, limits, links, circuit, { ...needs, reservedAt })
    this.#upgrading = new Upgrading(limits, { ...needs, now })
    this.#moved = new MovedRelays(() => links.neighbours())
    this.#natMapping = new NatMapping({
      links: () => links.all(),
      ask: async (server) => this.#stun?.ask(server, AbortSignal.timeout(limits.reachMs)),
      own: () => machine.interfaces().map(({ address }) => address),
      now,
      lifeMs: limits.reachableMs,
    })
  }

  /** Before libp2p listens. */
  open(): void {
    this.#circuit.open(this.#relaying, (relay) => this.#reservations.lost(relay))
    this.#webRtc.open({
      admitsOffer: (connection) => this.#admitsOffer(connection),
      stunServers: () => this.#stunServers(),
    })
  }

  /** Asks and answers STUN on the UDP port of that number. */
  listen(port: number): void {
    const { machine, random } = this.#needs
    this.#stun = new Stun(machine, port, (ip) => isAmong(ip, this.#remotes()), random)
  }

  async stop(): Promise<void> {
    this.#upgrading.stop()
    this.#reservations.stop()
    await this.#stun?.stop()
  }

  /** Where others reach us through relays. */
  addresses(): readonly string[] {
    return this.#reservations.addresses()
  }

  status(): RelayStatus {
    const at = this.#reservations.states()
    return { at, fromOutside: this.#fromOutside(), ...this.#relaying.status(), paths: this.#paths() }
  }

  /** A neighbour with a public address may be as closed to the outside as we are. */
  #fromOutside(): boolean {
    const interfaces = this.#needs.machine.interfaces()
    const addresses = [...this.#reservations.held().values()].flatMap((place) => place.addresses)
    return addresses
      .flatMap((text) => parseAddress(text) ?? [])
      .some((one) => kindOf(one) === 'public' && !isNear(one, interfaces))
  }

  /** Whether contacts are relayed for, from now on. */
  relay(forContacts: boolean): void {
    this.#relaying.relay(forContacts)
  }

  /** Whether the other end of a link may have a place here. */
  relaysTo(link: Link): boolean {
    return this.#relaying.relaysTo(link)
  }

  /** The other end of a link said whether it relays. */
  told(link: Link, isRelay: boolean): void {
    this.#reservations.told(link, isRelay)
  }

  natMapping(): ReachStatus['natMapping'] {
    return this.#natMapping.kind()
  }

  #paths(): readonly RelayedPath[] {
    const { links, directly } = this.#needs
    return links.all().flatMap((link) => {
      if (link.via !== 'relayed' || link.standing.phase !== 'known') return []
      const { contact } = link.standing
      return [{ contact, tries: directly(contact) === undefined ? null : this.#upgrading.failedBeside(link) }]
    })
  }

  /** Where whoever was behind a contact's node may be reached, now that the node goes by another PeerID. */
  moved(told: readonly Address[]): readonly Address[] {
    return this.#moved.now(told)
  }

  /** PeerIDs by which a contact's node that relays goes or went. */
  namesOf(relay: string): readonly string[] {
    return this.#moved.namesOf(relay)
  }

  /** A link to a contact is known. */
  reached(contact: AccountId, link: Link): void {
    if (link.via !== 'relayed' && !link.isNegotiated) this.#moved.met(contact, link)
    this.#upgrading.reached(contact, link)
    this.#natMapping.look()
    this.#reservations.review()
  }

  /** A link ended. */
  closed(link: Link): void {
    this.#upgrading.closed(link)
    this.#reservations.review()
  }

  /** A connection ended: who has no other gives up the place here. */
  left({ remotePeer }: Connection): void {
    if (this.#needs.links.directTo(remotePeer.toString()) === undefined) this.#circuit.vacate(remotePeer)
  }

  /** Time passed. */
  tick(): void {
    this.#natMapping.look()
  }

  /** Whether others reach us is known, or otherwise than before. */
  review(): void {
    this.#reservations.review()
  }

  /** The network changed. */
  again(): void {
    this.#natMapping.clear()
    this.#upgrading.again()
    this.#reservations.again()
  }

  /** An offer of WebRTC is for contacts that we want, and that may know where we are. */
  async #admitsOffer(connection: Connection): Promise<boolean> {
    const link = this.#needs.links.of(connection)
    if (link?.via !== 'relayed') return false
    await link.settled
    if (link.standing.phase !== 'known') return false
    const { contact } = link.standing
    if (this.#needs.directly(contact) === undefined) return false
    const rate = this.#offers.get(contact) ?? new Rate(OFFERS_A_SECOND, OFFERS_AT_ONCE, this.#needs.machine.now)
    this.#offers.set(contact, rate)
    return rate.take(1)
  }

  /** Where connected peers are whose hello has ended. */
  #remotes(): readonly string[] {
    const settled = this.#needs.links
      .all()
      .filter(({ via, standing }) => via !== 'relayed' && standing.phase !== 'greeting')
    return settled.map(({ connection }) => connection.remoteAddr.toString())
  }

  /** Relays at which we hold a place, and those through which we are connected. */
  #stunServers(): readonly string[] {
    const places = [...this.#reservations.held().values()].flatMap(({ addresses }) => addresses)
    const between = this.#needs.links.all().flatMap(({ via, address }) => (via === 'relayed' ? [address] : []))
    const servers = [...between, ...places].flatMap((text) => {
      const address = parseAddress(text)
      return address === undefined || isLoopback(address) ? [] : [`stun:${hostText(address)}:${address.port}`]
    })
    return [...new Set(servers)].slice(0, STUN_SERVERS)
  }
}
