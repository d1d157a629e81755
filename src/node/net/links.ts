/**
 * The table of open connections, and the rules among them.
 *
 * Holds:
 * 1. `connected` or `reached-stranger` before anything else of a connection, `disconnected` once and last.
 * 2. Two connections to one run of one device: a direct one stays before a relayed one; of two alike, the one that the lower
 *    PeerID dialed (both ends see it so); of two that the same end dialed, the newer.
 *    To another run of the device: the newer stays, for a profile runs once.
 *    An older one that stays has to show that it still leads there: whoever dials once more may have found it silent.
 * 3. Unknown peers that dialed us are few, and idle for a short time only.
 */
import type { Connection } from '@libp2p/interface'
import type { AccountId } from '../../protocol/index.ts'
import { compare } from '../../protocol/index.ts'
import type { ConnectionId, Input } from '../engine/input.ts'
import { isNear, parseAddress } from './addresses.ts'
import type { Acquainted } from './hello.ts'
import { Link, type Via, WEBRTC } from './link.ts'
import type { Machine } from './machine.ts'
import type { Limits } from './protocols.ts'

/** What dialing hears of links. */
export interface Notice {
  /** Somebody who is (a known link), or may be (a stranger's), the contact is connected. */
  reached(contact: AccountId, link: Link): void
  /** A contact has one connection less. */
  lost(contact: AccountId, link: Link, was: Link['standing']): void
  /** Any connection ended. */
  closed(link: Link): void
}

export class Links {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #local: Uint8Array
  readonly #emit: (input: Input) => void
  readonly #notice: Notice
  readonly #byId = new Map<ConnectionId, Link>()
  readonly #byConnection = new Map<string, Link>()
  readonly #number: () => ConnectionId

  /** `number`: one that no connection had before. */
  constructor(
    machine: Machine,
    limits: Limits,
    local: Uint8Array,
    number: () => ConnectionId,
    emit: (input: Input) => void,
    notice: Notice,
  ) {
    this.#machine = machine
    this.#limits = limits
    this.#local = local
    this.#number = number
    this.#emit = emit
    this.#notice = notice
  }

  byId(id: ConnectionId): Link | undefined {
    return this.#byId.get(id)
  }

  of(connection: Connection): Link | undefined {
    return this.#byConnection.get(connection.id)
  }

  all(): readonly Link[] {
    return [...this.#byId.values()]
  }

  /** The connection without a relay to this PeerID whose hello has ended, a known one first. */
  directTo(peer: string): Link | undefined {
    const link = this.all().filter(
      (one) => one.peer === peer && one.via !== 'relayed' && one.standing.phase !== 'greeting',
    )
    return link.find(({ standing }) => standing.phase === 'known') ?? link[0]
  }

  /** A connection that we dialed to this PeerID, whose hello has ended and found nobody. */
  strangerDialed(peer: string): Link | undefined {
    return this.all().find((one) => {
      const { phase } = one.standing
      return one.peer === peer && one.dialed && one.via !== 'relayed' && phase === 'stranger'
    })
  }

  /** Links to a contact without a relay. */
  directlyTo(contact: AccountId): readonly Link[] {
    return this.all().filter(({ via, standing }) => via !== 'relayed' && contactOf(standing) === contact)
  }

  /** Known links at addresses: those who may relay for us. */
  neighbours(): readonly Link[] {
    return this.all().filter(
      ({ via, standing, isNegotiated }) => via !== 'relayed' && standing.phase === 'known' && !isNegotiated,
    )
  }

  /** Whether somebody of this contact, or whom we took for it, is at the other end of a link. */
  reaches(contact: AccountId): boolean {
    return this.all().some(({ standing }) => contactOf(standing) === contact)
  }

  /** A connection that libp2p opened. Inbound ones must greet in time. */
  open(connection: Connection): Link {
    const facts = {
      id: this.#number(),
      ends: { local: this.#local, remote: connection.remotePeer.toMultihash().bytes },
      ...this.#path(connection),
      openedAt: this.#machine.now(),
    }
    const link = new Link(connection, facts, this.#limits)
    this.#byId.set(link.id, link)
    this.#byConnection.set(connection.id, link)
    const late = setTimeout(() => link.standing.phase === 'greeting' && link.abort('no hello'), this.#limits.helloMs)
    void link.settled.then(() => clearTimeout(late))
    return link
  }

  #path({ remoteAddr }: Connection): { address: string; via: Via; relay: string | null } {
    const text = remoteAddr.toString()
    const address = parseAddress(text)
    if (address?.transport === 'relayed') return { address: address.text, via: 'relayed', relay: address.relay }
    if (isWebRtc(text)) return { address: WEBRTC, via: 'direct', relay: null }
    if (text.includes(CIRCUIT)) {
      // Somebody came through a relay that is connected at the address before.
      const relay = this.all().find(({ connection }) => text.startsWith(connection.remoteAddr.toString() + CIRCUIT))
      return { address: text, via: 'relayed', relay: relay?.peer ?? null }
    }
    const near = address !== undefined && isNear(address, this.#machine.interfaces())
    return { address: address?.text ?? text, via: near ? 'lan' : 'direct', relay: null }
  }

  /** What hello found. Returns whether the link stays. */
  settle(link: Link, found: Acquainted | 'stranger', reachedFor: AccountId | null): boolean {
    if (link.standing.phase === 'closed') return false
    if (found !== 'stranger') return this.#settleKnown(link, found)
    if (link.standing.phase === 'greeting') {
      link.standing = { phase: 'stranger', reachedFor }
      if (reachedFor !== null) {
        link.announced = true
        this.#emit({ type: 'reached-stranger', connection: link.id, contact: reachedFor })
        this.#notice.reached(reachedFor, link)
      } else if (!link.dialed) this.#boundStrangers()
    }
    link.settle()
    return true
  }

  #settleKnown(link: Link, found: Acquainted): boolean {
    const { standing } = link
    if (standing.phase === 'known') {
      const same = standing.contact === found.contact && standing.device === found.device
      if (!same) link.abort('somebody else now')
      return same
    }
    const rivals = this.all().filter((other) => other !== link && isDevice(other, found))
    const staying = rivals.filter((rival) => !this.#outlives(link, rival))
    if (staying.length > 0) {
      link.abort('connected already')
      for (const rival of staying) this.doubt(rival)
      return false
    }
    link.standing = { phase: 'known', ...found }
    link.announced = true
    const { id: connection, via, address, dialed, isNegotiated: punched } = link
    const relay = this.all().find((one) => one.peer === link.relay && one.standing.phase === 'known')
    const relayedBy = contactOf(relay?.standing ?? { phase: 'closed' })
    this.#emit({ type: 'connected', connection, ...found, via, address, dialed, relayedBy, punched })
    link.settle()
    link.writer.prepare()
    this.#notice.reached(found.contact, link)
    for (const rival of rivals) rival.abort('replaced')
    return true
  }

  /** Rule 2. */
  #outlives(newer: Link, older: Link): boolean {
    if (newer.peer !== older.peer) return true
    if (isRelayed(newer) !== isRelayed(older)) return isRelayed(older)
    if (newer.dialed === older.dialed) return true
    const lowerIsHere = compare(newer.ends.local, newer.ends.remote) < 0
    return newer.dialed === lowerIsHere
  }

  /** Whether greeting this peer once more would only make a second connection of ours to one device. */
  isDialed(found: Acquainted, besides: Link): boolean {
    return this.all().some(
      (link) =>
        link !== besides &&
        link.dialed &&
        link.peer === besides.peer &&
        (isRelayed(besides) || !isRelayed(link)) &&
        isDevice(link, found),
    )
  }

  /** libp2p says that the connection has ended. */
  closed(connection: Connection): void {
    const link = this.of(connection)
    if (link === undefined) return
    const { standing } = link
    link.standing = { phase: 'closed' }
    this.#byId.delete(link.id)
    this.#byConnection.delete(connection.id)
    link.writer.close()
    for (const answer of link.questions.values()) answer(undefined)
    link.settle()
    if (link.announced) this.#emit({ type: 'disconnected', connection: link.id })
    const contact = contactOf(standing)
    if (contact !== null) this.#notice.lost(contact, link, standing)
    this.#notice.closed(link)
  }

  /** Asks silent peers whether they are there, and closes what does not answer. `hurry`: the network may have changed. */
  tick(now: number, hurry: boolean): void {
    for (const link of this.all()) {
      const { phase } = link.standing
      if (phase === 'known') this.#tickKnown(link, now, hurry)
      else if (link.standing.phase === 'stranger' && link.standing.reachedFor === null) this.#tickStranger(link, now)
    }
  }

  #tickKnown(link: Link, now: number, hurry: boolean): void {
    const pausedAt = link.reader?.pausedAt
    if (pausedAt !== undefined) {
      // What would show that the peer is there waits behind our own pause.
      link.heardAt = now
      if (now - pausedAt > this.#limits.pausedMs) link.abort('paused too long')
      return
    }
    if (hurry) this.doubt(link)
    if (link.askedAt !== undefined) {
      if (now - link.askedAt >= this.#limits.pongMs) link.abort('silent')
      return
    }
    const patience = link.writer.inFlight > 0 ? this.#limits.silentBusyMs : this.#limits.silentMs
    if (now - link.heardAt < patience) return
    link.askedAt = now
    link.writer.ping()
  }

  /** Something speaks against it: a known peer is asked at once whether it is there, and has little time to answer. */
  doubt(link: Link): void {
    if (link.standing.phase !== 'known') return
    const { pongMs, pongHurryMs } = this.#limits
    const hurried = this.#machine.now() - pongMs + pongHurryMs
    if (link.askedAt === undefined) link.writer.ping()
    link.askedAt = Math.min(link.askedAt ?? hurried, hurried)
  }

  #tickStranger(link: Link, now: number): void {
    if (link.isBusy || link.isHeld) link.heardAt = now
    else if (now - link.heardAt > this.#limits.strangerIdleMs) link.abort('idle')
  }

  #boundStrangers(): void {
    const strangers = this.all().filter(({ standing, dialed }) => standing.phase === 'stranger' && !dialed)
    if (strangers.length <= this.#limits.strangers) return
    // Those that nothing runs on go first.
    const idle = strangers.find(({ connection, isHeld }) => connection.streams.length === 0 && !isHeld)
    ;(idle ?? strangers[0])?.abort('too many strangers')
  }
}

const CIRCUIT = '/p2p-circuit'

/** A path that was made through a relay and does not need it any more. */
const isWebRtc = (text: string): boolean => text.includes('/webrtc/')

const isRelayed = ({ via }: Link): boolean => via === 'relayed'

function contactOf(standing: Link['standing']): AccountId | null {
  if (standing.phase === 'known') return standing.contact
  return standing.phase === 'stranger' ? standing.reachedFor : null
}

function isDevice({ standing }: Link, { contact, device }: Acquainted): boolean {
  return standing.phase === 'known' && standing.contact === contact && standing.device === device
}
