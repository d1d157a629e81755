/**
 * Dials one address and finds out, by hello, who answers there.
 *
 * Holds: a connection that does not lead where it should is closed at once, and nobody learns more of us than a random tag.
 */
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { HELLO_TAGS } from '../../protocol/index.ts'
import type { AccountId } from '../../protocol/index.ts'
import type { Address } from './addresses.ts'
import type { Want } from './dialing.ts'
import { attempt, Broken } from './failures.ts'
import { type Acquainted, greet } from './hello.ts'
import type { Host } from './host.ts'
import type { LanPeer } from './lan.ts'
import type { Link } from './link.ts'
import type { Links } from './links.ts'
import type { Acquaintances } from './net.ts'
import { HELLO, type Limits } from './protocols.ts'

export class Reaching {
  readonly #host: Host
  readonly #links: Links
  readonly #acquaintances: Acquaintances
  readonly #limits: Limits

  constructor(host: Host, links: Links, acquaintances: Acquaintances, limits: Limits) {
    this.#host = host
    this.#links = links
    this.#acquaintances = acquaintances
    this.#limits = limits
  }

  /** Whether the wanted contact, or the stranger we take for it, is connected afterwards. */
  async reach(address: Address, want: Want, signal: AbortSignal): Promise<boolean> {
    const link = await this.#connect(address.text, signal)
    if (link === undefined) return false
    const found = await this.#greet(link, this.#tagOf(want.contact, link), signal)
    const wanted = found === 'stranger' ? want.stranger : found?.contact === want.contact
    if (found === undefined || !wanted || signal.aborted) {
      link.abort('not whom we want')
      return false
    }
    this.#links.settle(link, found, want.contact)
    return this.#links.reaches(want.contact)
  }

  /** A link to a peer of the local network, known if it is a contact. Shows every contact's tag, 32 at a time. */
  async reachPeer(peer: LanPeer, signal: AbortSignal): Promise<Link | undefined> {
    const open = this.#links.toPeer(peer.id)
    if (open !== undefined) return open
    const link = await this.#connectPeer(peer, signal)
    if (link === undefined) return undefined
    const acquaintances = this.#acquaintances
    for (let round = 0; round < this.#limits.helloRounds; round++) {
      const show = (day: number): readonly Uint8Array[] =>
        acquaintances.tags(day, 'dialer', link.ends).slice(round * HELLO_TAGS, (round + 1) * HELLO_TAGS)
      if (round > 0 && show(acquaintances.day()).length === 0) break
      const found = await this.#greet(link, show, signal)
      if (found === undefined) link.abort('no hello')
      if (found !== 'stranger')
        return found && this.#links.settle(link, found, null) ? link : this.#links.toPeer(peer.id)
    }
    return this.#links.settle(link, 'stranger', null) ? link : undefined
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
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#limits.helloMs)])
    const stream = await link.openStream(HELLO, bounded)
    if (stream === undefined) return undefined
    const proceed = (found: Acquainted): boolean => !signal.aborted && !this.#links.isDialed(found, link)
    return greet(stream, this.#acquaintances, link.ends, show, proceed, bounded)
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
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#limits.addressMs)])
    const dialed = attempt(this.#host.libp2p.dial(multiaddr(address), { signal: bounded, force: true }))
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

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
