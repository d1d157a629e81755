/**
 * Dials one address and finds out, by hello, who answers there.
 *
 * Through a relay that takes two connections: one to the relay, to whom we are a stranger unless we are linked already, and
 * through it the one that counts.
 *
 * Holds: a connection that does not lead where it should is closed at once, and nobody learns more of us than a random tag;
 * who must not learn where we are is only reached through contacts' nodes to which we are linked.
 */
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { HELLO_TAGS } from '../../protocol/index.ts'
import type { AccountId } from '../../protocol/index.ts'
import type { Address } from './addresses.ts'
import type { Want } from './dialing.ts'
import { attempt, Broken } from './failures.ts'
import { type Acquainted, greet } from './hello.ts'
import { hiding } from './hiding.ts'
import type { Host } from './host.ts'
import type { LanPeer } from './lan/lan.ts'
import type { Link } from './link.ts'
import type { Links } from './links.ts'
import type { Acquaintances } from './net.ts'
import { HELLO, type Limits } from './protocols.ts'
import { within } from './waiting.ts'

/** Ways to somebody besides an address that libp2p dials. */
export interface Paths {
  /** A connection through a relay to which there is one; the address ends in the PeerID that it leads to. */
  relayed(address: string, signal: AbortSignal): Promise<Connection | undefined>
  /** A direct connection, negotiated over a relayed one. */
  upgraded(relayed: Connection, signal: AbortSignal): Promise<Connection | undefined>
  /** Contacts that must not learn where we are. */
  hidden(): ReadonlySet<AccountId>
  /** What closes this network, or `null`. */
  readonly networkKey: Uint8Array | null
}

export class Reaching {
  readonly #host: Host
  readonly #links: Links
  readonly #acquaintances: Acquaintances
  readonly #limits: Limits
  readonly #paths: Paths
  readonly #unhidden: Acquaintances
  /** Connections to relays that are being made, by the relay's PeerID. */
  readonly #toRelays = new Map<string, Promise<Link | undefined>>()

  constructor(host: Host, links: Links, acquaintances: Acquaintances, limits: Limits, paths: Paths) {
    this.#host = host
    this.#links = links
    this.#acquaintances = acquaintances
    this.#limits = limits
    this.#paths = paths
    this.#unhidden = hiding(acquaintances, () => paths.hidden())
  }

  /** Whether the wanted contact, or the stranger we take for it, is connected afterwards. */
  async reach(address: Address, want: Want, signal: AbortSignal): Promise<boolean> {
    const link =
      address.relay === null ? await this.#connect(address.text, signal) : await this.#connectBy(address, want, signal)
    if (link !== undefined) await this.#meet(link, want, signal)
    return this.#links.reaches(want.contact)
  }

  /** Whether there is a direct link to the wanted contact afterwards, made at that address. */
  async reachDirectly(address: Address, want: Want, signal: AbortSignal): Promise<boolean> {
    const link = await this.#connect(address.text, signal)
    return link !== undefined && (await this.#meet(link, want, signal))
  }

  /** Whether there is a direct link to the wanted contact afterwards, made by WebRTC with the help of a relayed one. */
  async reachThrough(relayed: Link, want: Want, signal: AbortSignal): Promise<boolean> {
    const bounded = within(this.#limits.webrtcMs, signal)
    const link = await this.#opened(this.#paths.upgraded(relayed.connection, bounded), bounded)
    return link !== undefined && (await this.#meet(link, want, signal))
  }

  async #meet(link: Link, want: Want, signal: AbortSignal): Promise<boolean> {
    const found = await this.#greet(link, this.#tagOf(want.contact, link), signal)
    const wanted = found === 'stranger' ? want.stranger : found?.contact === want.contact
    if (found === undefined || !wanted || signal.aborted) {
      link.abort('not whom we want')
      return false
    }
    return this.#links.settle(link, found, want.contact)
  }

  async #connectBy(address: Address, want: Want, signal: AbortSignal): Promise<Link | undefined> {
    // Somebody had a place here, before we started again or now.
    if (address.relay === this.#host.libp2p.peerId.toString()) return undefined
    const relay = want.relayOnly
      ? this.#links.neighbours().find(({ peer, standing }) => peer === address.relay && !isOf(standing, want.contact))
      : await this.#relay(address, signal)
    return this.#connectThrough(relay, address, signal)
  }

  async #connectThrough(relay: Link | undefined, address: Address, signal: AbortSignal): Promise<Link | undefined> {
    if (relay === undefined || address.peer === null || signal.aborted) return undefined
    const bounded = within(this.#limits.addressMs, signal)
    const link = await this.#opened(this.#paths.relayed(address.text, bounded), bounded)
    if (link === undefined && bounded.aborted && !signal.aborted) this.#doubtRelay(relay)
    return link
  }

  /** It let somebody wait in vain, or whoever is behind it did. An unknown relay cannot be asked which. */
  #doubtRelay(relay: Link): void {
    if (relay.standing.phase === 'stranger') relay.abort('a relay that is silent')
    else this.#links.doubt(relay)
  }

  /** A link to a relay, made at its address where there is none. It ends by itself when nothing runs on it. */
  async #relay(address: Address, signal: AbortSignal): Promise<Link | undefined> {
    const { relay } = address
    if (relay === null) return undefined
    const open = this.#links.directTo(relay)
    if (open !== undefined) return open
    const begun = this.#toRelays.get(relay) ?? this.#connectRelay(address, relay)
    this.#toRelays.set(relay, begun)
    void begun.finally(() => this.#toRelays.delete(relay))
    return Promise.race([begun, aborted(signal)])
  }

  async #connectRelay(address: Address, relay: string): Promise<Link | undefined> {
    const signal = AbortSignal.timeout(this.#limits.addressMs + this.#limits.helloMs)
    const at = address.text.slice(0, address.text.indexOf('/p2p-circuit'))
    const link = await this.#connect(at, signal)
    if (link === undefined) return this.#links.directTo(relay)
    const found = await this.#greet(link, () => [], signal)
    if (found !== undefined && this.#links.settle(link, found, null)) return link
    link.abort('no relay')
    return undefined
  }

  /** A link to a peer of the local network, known if it is a contact. Shows every contact's tag, 32 at a time. */
  async reachPeer(peer: LanPeer, signal: AbortSignal): Promise<Link | undefined> {
    return this.#links.directTo(peer.id) ?? this.greetPeer(peer, signal)
  }

  /** The same, with hello in any case: on a link that we dialed to this stranger, or on a fresh one, for the dialer begins. */
  async greetPeer(peer: LanPeer, signal: AbortSignal): Promise<Link | undefined> {
    const link = this.#links.strangerDialed(peer.id) ?? (await this.#connectPeer(peer, signal))
    if (link === undefined) return undefined
    const acquaintances = this.#unhidden
    for (let round = 0; round < this.#limits.helloRounds; round++) {
      const show = (day: number): readonly Uint8Array[] =>
        acquaintances.tags(day, 'dialer', link.ends).slice(round * HELLO_TAGS, (round + 1) * HELLO_TAGS)
      if (round > 0 && show(acquaintances.day()).length === 0) break
      const found = await this.#greet(link, show, signal)
      if (found === undefined) link.abort('no hello')
      if (found !== 'stranger')
        return found && this.#links.settle(link, found, null) ? link : this.#links.directTo(peer.id)
    }
    return this.#links.settle(link, 'stranger', null) ? link : undefined
  }

  /** A link to whoever is at an address, a stranger's unless there was one already to that PeerID. Shows nothing. */
  async reachStranger(address: string, signal: AbortSignal): Promise<Link | undefined> {
    return this.#greetStranger(await this.#connect(address, signal), signal)
  }

  /** The same, at an address that may lead through a relay. */
  async reachCarrier(address: Address, signal: AbortSignal): Promise<Link | undefined> {
    if (address.relay === null) return this.reachStranger(address.text, signal)
    if (address.relay === this.#host.libp2p.peerId.toString()) return undefined
    return this.#greetStranger(await this.#connectThrough(await this.#relay(address, signal), address, signal), signal)
  }

  async #greetStranger(link: Link | undefined, signal: AbortSignal): Promise<Link | undefined> {
    if (link === undefined) return undefined
    const found = await this.#greet(link, () => [], signal)
    if (found === undefined) link.abort('no hello')
    return found !== undefined && this.#links.settle(link, found, null) ? link : undefined
  }

  /** Whether a fresh connection to this address ends at that peer; it is closed at once. */
  async getsThrough(address: Address, peer: string): Promise<boolean> {
    const link = await this.#connect(`${address.text}/p2p/${peer}`, AbortSignal.timeout(this.#limits.addressMs))
    link?.abort('tried out')
    return link !== undefined
  }

  /** Hello once more on a link that we dialed: both sides now share a secret. A link that still knows nobody is of no use. */
  async greetAgain(link: Link, contact: AccountId): Promise<void> {
    const found = await this.#greet(link, this.#tagOf(contact, link), AbortSignal.timeout(this.#limits.helloMs))
    if (found === undefined || found === 'stranger') link.abort('still a stranger')
    else this.#links.settle(link, found, null)
  }

  #tagOf(contact: AccountId, link: Link): (day: number) => readonly Uint8Array[] {
    return (day) => {
      const tags: Uint8Array[] = []
      while (tags.length < HELLO_TAGS) {
        const tag = this.#acquaintances.tag(contact, day, 'dialer', link.ends, tags.length)
        if (tag === undefined) break
        tags.push(tag)
      }
      return tags
    }
  }

  async #greet(
    link: Link,
    show: (day: number) => readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<Acquainted | 'stranger' | undefined> {
    const bounded = within(this.#limits.helloMs, signal)
    const stream = await link.openStream(HELLO, bounded)
    if (stream === undefined) return undefined
    const proceed = (found: Acquainted): boolean => !signal.aborted && !this.#links.isDialed(found, link)
    const known = link.via === 'relayed' ? this.#acquaintances : this.#unhidden
    return greet(stream, known, link.ends, this.#paths.networkKey, show, proceed, bounded)
  }

  async #connectPeer(peer: LanPeer, signal: AbortSignal): Promise<Link | undefined> {
    for (const address of peer.addresses) {
      const link = await this.#connect(`${address.text}/p2p/${peer.id}`, signal)
      if (link !== undefined) return link
    }
    return undefined
  }

  /** A fresh connection, or `undefined` in time, whatever libp2p does. */
  async #connect(address: string, signal: AbortSignal): Promise<Link | undefined> {
    const bounded = within(this.#limits.addressMs, signal)
    return this.#opened(attempt(this.#host.libp2p.dial(multiaddr(address), { signal: bounded, force: true })), bounded)
  }

  async #opened(dialed: Promise<Connection | undefined>, bounded: AbortSignal): Promise<Link | undefined> {
    const connection = await Promise.race([dialed, aborted(bounded)])
    if (connection === undefined) {
      void dialed.then((late) => late?.abort(new Broken('too late')))
      return undefined
    }
    return this.#unused(connection)
  }

  #unused(connection: Connection): Link | undefined {
    const link = this.#links.of(connection)
    return link !== undefined && link.hellos++ === 0 ? link : undefined
  }
}

const isOf = (standing: Link['standing'], contact: AccountId): boolean =>
  standing.phase === 'known' && standing.contact === contact

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
