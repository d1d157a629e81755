/**
 * What this node relays, and for whom.
 *
 * | who                | may reserve a place here             | may be relayed to who reserved                    |
 * |--------------------|--------------------------------------|---------------------------------------------------|
 * | a contact          | yes, unless it is switched off       | yes                                               |
 * | somebody unknown   | if `relay` is set, 48 of the 64      | yes, once hello has ended: 4 at once, 64 together |
 * | who is relayed     | no                                   | no                                                |
 *
 * Switched off, a contact is somebody unknown here, and where those get none all places end, with what they carry.
 *
 * Nobody reserves while we know that nobody reaches us. A relayed connection ends after its time or its bytes; all together
 * are bounded in an hour: above that no more begin.
 *
 * Holds: nothing is relayed over a connection whose hello has not ended; who leaves gives up the place.
 */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Circuit, CircuitGate } from './circuit.ts'
import { Broken } from '../failures.ts'
import type { Link } from '../link.ts'
import type { Links } from '../links.ts'
import type { Machine } from '../machine.ts'
import type { RelayStatus } from '../net.ts'
import type { Limits } from '../protocols.ts'

/** What somebody may send on a HOP stream before it is relayed. */
const ASK_BYTES = 4096
const HOUR_MS = 3_600_000

export interface RelayingNeeds {
  /** Whether strangers may reserve, too. */
  readonly forStrangers: boolean
  /** Whether others reach us: `undefined` while nobody knows. */
  reachable(): boolean | undefined
  /** Where others reach us directly. */
  addresses(): readonly string[]
  /** Whether we hold a reservation at that peer. */
  reservedAt(peer: PeerId): boolean
}

interface Asking {
  readonly link: Link
  readonly stranger: boolean
  /** Whether that peer was let through since: from then on, what it sends is relayed. */
  through: boolean
}

export class Relaying implements CircuitGate {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #links: Links
  readonly #circuit: Circuit
  readonly #needs: RelayingNeeds
  /** Open HOP streams. */
  readonly #asking = new Map<Stream, Asking>()
  #hourBegan: number
  #forContacts = true
  #bytesThisHour = 0
  #bytes = 0

  constructor(machine: Machine, limits: Limits, links: Links, circuit: Circuit, needs: RelayingNeeds) {
    this.#machine = machine
    this.#limits = limits
    this.#links = links
    this.#circuit = circuit
    this.#needs = needs
    this.#hourBegan = machine.now()
  }

  status(): Omit<RelayStatus, 'at' | 'fromOutside' | 'paths'> {
    const reserved = this.#circuit.reserved()
    const contacts = reserved.flatMap((peer) => {
      const standing = this.#links.directTo(peer.toString())?.standing
      return standing?.phase === 'known' ? [standing.contact] : []
    })
    return {
      forContacts: this.#forContacts,
      places: reserved.length,
      for: [...new Set(contacts)],
      relayed: this.#asking.size,
      bytes: this.#bytes,
    }
  }

  async admitsHop(stream: Stream, connection: Connection): Promise<boolean> {
    const link = this.#links.of(connection)
    if (link === undefined || link.via === 'relayed') return false
    await link.settled
    if (!link.isOpen || stream.status !== 'open') return false
    const stranger = link.standing.phase !== 'known'
    const alike = [...this.#asking.values()].filter((one) => one.stranger === stranger)
    const ofLink = alike.filter((one) => one.link === link).length
    const { relayedByStranger, relayedByStrangers, relayedEach, relayed } = this.#limits
    if (ofLink >= (stranger ? relayedByStranger : relayedEach)) return false
    if (alike.length >= (stranger ? relayedByStrangers : relayed)) return false
    this.#bound(stream, { link, stranger, through: false })
    return true
  }

  async admitsStop(connection: Connection): Promise<boolean> {
    const link = this.#links.of(connection)
    if (link === undefined || link.via === 'relayed') return false
    await link.settled
    return link.isOpen && this.#needs.reservedAt(connection.remotePeer)
  }

  /** From now on contacts may reserve, or not: then their places end. */
  relay(forContacts: boolean): void {
    this.#forContacts = forContacts
    if (forContacts || this.#needs.forStrangers) return
    this.#circuit.vacateAll()
    for (const stream of this.#asking.keys()) stream.abort(new Broken('relays no more'))
  }

  mayReserve(peer: PeerId): boolean {
    const link = this.#links.directTo(peer.toString())
    if (link === undefined || !this.relaysTo(link)) return false
    if (this.#isContacts(link)) return true
    return this.#circuit.holds(peer) || this.#circuit.reserved().length < this.#limits.reservationsOfStrangers
  }

  /** Whether the other end of a link may have a place here, if there is room. */
  relaysTo(link: Link): boolean {
    if (this.#needs.reachable() === false || link.via === 'relayed' || link.isNegotiated) return false
    return this.#needs.forStrangers || this.#isContacts(link)
  }

  #isContacts({ standing }: Link): boolean {
    return this.#forContacts && standing.phase === 'known'
  }

  mayConnect(from: PeerId): boolean {
    const now = this.#machine.now()
    if (now - this.#hourBegan >= HOUR_MS || now < this.#hourBegan) {
      this.#hourBegan = now
      this.#bytesThisHour = 0
    }
    if (this.#bytesThisHour >= this.#limits.relayedBytesAnHour) return false
    for (const asking of this.#asking.values()) if (asking.link.peer === from.toString()) asking.through = true
    return true
  }

  relays(stream: Stream): void {
    this.#count(stream)
  }

  connectionTo(peer: PeerId): Connection | undefined {
    return this.#links.directTo(peer.toString())?.connection
  }

  addresses(): readonly string[] {
    return this.#needs.addresses()
  }

  /** Until it is let through, a peer may send no more than a question: libp2p would keep 4 MiB for each stream. */
  #bound(stream: Stream, asking: Asking): void {
    this.#asking.set(stream, asking)
    stream.addEventListener('close', () => this.#asking.delete(stream), { once: true })
    let bytes = 0
    stream.addEventListener('message', ({ data }) => {
      bytes += data.byteLength
      if (!asking.through && bytes > ASK_BYTES) stream.abort(new Broken('more than a question'))
    })
    this.#count(stream)
  }

  #count(stream: Stream): void {
    stream.addEventListener('message', ({ data }) => {
      this.#bytesThisHour += data.byteLength
      this.#bytes += data.byteLength
    })
  }
}
