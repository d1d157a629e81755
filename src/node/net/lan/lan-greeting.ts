/**
 * Peers heard on the local network are greeted once each: is one of them a contact?
 *
 * The peer with the lower PeerID dials; the other waits a moment and dials only if nothing came. An unknown peer is greeted
 * again when there is a new contact, or after a quarter of an hour.
 *
 * Holds: a few at a time, of each IP address one; whose turn it is, is drawn, first among the addresses, then among the
 * peers of one, so that whoever announces many or silent peers holds up few others; so many wait at most; a peer that stays
 * unknown and is of no use is let go at once.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import type { AccountId } from '../../../protocol/index.ts'
import { compare } from '../../../protocol/index.ts'
import type { Address } from '../addresses.ts'
import { hostText, type Lan, type LanPeer } from './lan.ts'
import type { Link } from '../link.ts'
import type { Links } from '../links.ts'
import type { Machine } from '../machine.ts'
import type { Limits } from '../protocols.ts'
import type { Reaching } from '../reaching.ts'
import { elapsed } from '../waiting.ts'

const AT_ONCE = 4

export class LanGreeting {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #self: Uint8Array
  readonly #lan: Lan
  readonly #links: Links
  readonly #reaching: Reaching
  readonly #keeps: (link: Link) => Promise<boolean>
  readonly #stopped = new AbortController()
  /** By PeerID; `ready`: the moment in which they might have come is over. */
  readonly #waiting = new Map<string, { readonly peer: LanPeer; readonly again: boolean; ready: boolean }>()
  /** The PeerID that is greeted at each IP address. */
  readonly #greeted = new Map<string, string>()
  /** When an unknown peer was last greeted. */
  readonly #greetedAt = new Map<string, number>()
  /** Under which PeerID a contact was met on this network. */
  readonly #metAs = new Map<AccountId, string>()

  /** `keeps`: whether an unknown peer is of use all the same. */
  constructor(
    machine: Machine,
    limits: Limits,
    self: Uint8Array,
    lan: Lan,
    links: Links,
    reaching: Reaching,
    keeps: (link: Link) => Promise<boolean>,
  ) {
    this.#machine = machine
    this.#limits = limits
    this.#self = self
    this.#lan = lan
    this.#links = links
    this.#reaching = reaching
    this.#keeps = keeps
  }

  /** A peer made itself heard. */
  heard(peer: LanPeer): void {
    if (this.#links.directTo(peer.id) === undefined) this.#wait(peer, false)
  }

  /** `again`: although there is a link to it, if it is a stranger's. */
  #wait(peer: LanPeer, again: boolean): void {
    const greetedAt = this.#greetedAt.get(peer.id)
    const lately = greetedAt !== undefined && this.#machine.now() - greetedAt < this.#limits.lanAgainMs
    if (lately || this.#waiting.has(peer.id) || !this.#isUnmet(peer, again)) return
    if ([...this.#greeted.values()].includes(peer.id)) return
    if (this.#waiting.size >= this.#limits.lanPeers) this.#waiting.delete(this.#lan.anyOf([...this.#waiting.keys()]))
    const waits = compare(this.#self, peerIdFromString(peer.id).toMultihash().bytes) > 0
    const place = { peer, again, ready: !waits }
    this.#waiting.set(peer.id, place)
    if (!waits) return this.#next()
    void elapsed(this.#limits.lanWaitMs, this.#stopped.signal).then(() => {
      place.ready = true
      this.#next()
    })
  }

  /** There is a contact that there was not: unknown peers may be known now. */
  newContact(): void {
    this.#greetedAt.clear()
    for (const peer of this.#lan.peers()) this.#wait(peer, true)
  }

  /** A contact proved itself at the end of this link. */
  met(contact: AccountId, link: Link): void {
    this.#metAs.set(contact, link.peer)
  }

  /** Where a contact that was met before is heard on this network. */
  addressesOf(contact: AccountId): readonly Address[] {
    const id = this.#metAs.get(contact)
    return (id !== undefined && this.#lan.byId(id)?.addresses) || []
  }

  stop(): void {
    this.#stopped.abort()
  }

  #next(): void {
    while (this.#greeted.size < AT_ONCE && !this.#stopped.signal.aborted) {
      const free = [...this.#waiting.values()].filter(({ peer, ready }) => ready && !this.#greeted.has(ipOf(peer)))
      if (free.length === 0) return
      const ip = this.#lan.anyOf([...new Set(free.map(({ peer }) => ipOf(peer)))])
      const { peer, again } = this.#lan.anyOf(free.filter((place) => ipOf(place.peer) === ip))
      this.#waiting.delete(peer.id)
      this.#greeted.set(ip, peer.id)
      void this.#greet(peer, again).finally(() => {
        this.#greeted.delete(ip)
        this.#next()
      })
    }
  }

  async #greet(peer: LanPeer, again: boolean): Promise<void> {
    if (!this.#isUnmet(peer, again)) return
    this.#remember(peer.id)
    const link = await this.#reaching.greetPeer(peer, this.#stopped.signal)
    if (link?.standing.phase !== 'stranger' || (await this.#keeps(link))) return
    link.letGo('nobody we know')
  }

  /** Whether there is no link to a peer; or, once more, none to a contact there. */
  #isUnmet({ id }: LanPeer, again: boolean): boolean {
    const link = this.#links.directTo(id)
    return link === undefined || (again && link.standing.phase === 'stranger')
  }

  #remember(id: string): void {
    if (this.#greetedAt.size >= this.#limits.lanPeers) this.#greetedAt.clear()
    this.#greetedAt.set(id, this.#machine.now())
  }
}

function ipOf({ addresses: [first] }: LanPeer): string {
  return first === undefined ? '' : hostText(first)
}
