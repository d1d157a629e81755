/**
 * How much work others may give this node, so that nobody takes the processor away from everybody else.
 *
 *     connection · stream · frame · INIT · … ─▶ a charge, in units ─▶ whose account? ─┬ a contact's: its own
 *                                                                                     └ anybody else's: of the address prefix
 *     an account in the red: none of its connections is read, and no new one is let in, until it is in the black again
 *
 * A unit is about 20 µs of one processor, what the smallest frame takes that can be sent. Charges are counted, not measured: a
 * busy machine changes nothing about what is allowed.
 *
 * Holds: who is in the red loses nothing: what it sent waits in its own socket, and it feels it; bytes are taken in
 * pieces, so that little happens between two looks at its account; of inbound connections that have not shown that they are a
 * contact's, one prefix has so many and no more, and more are turned away before anything is made for them.
 */
import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import { concat } from '../../protocol/index.ts'
import { hostOf, isNear, parseAddress } from './addresses.ts'
import { tried } from './failures.ts'
import type { Link } from './link.ts'
import type { InterfaceAddress, Machine } from './machine.ts'
import type { Limits } from './protocols.ts'
import { prefixOf } from './reach/told.ts'
import { Rates } from './waiting.ts'

/** Units. */
export const COST = {
  /** TCP, Noise and yamux: two key agreements and two signatures. */
  connection: 100,
  /** Opening a stream, with the choice of its protocol. */
  stream: 25,
  /** An INIT is opened with every prekey that there is. */
  init: 100,
  /** A question for a bundle, a visit to a box, a frame that nothing opens: each looks things up, or signs. */
  question: 20,
  /** An id that nobody waited for, a ping. */
  trifle: 0.1,
} as const

/** Bytes that cost another unit, and those that came for nothing: they were copied, hashed, and are garbage. */
const BYTES_EACH = 8192
const VAIN_BYTES_EACH = 256
/** Bytes that are read before the account is looked at. */
const PIECE_BYTES = 4096
/** A pause is no shorter, in milliseconds: below, its timer would cost more than it saves. */
const LEAST_MS = 5
/** After so long the account is looked at again, whatever is owed: the clock may have been set. */
const MOST_MS = 1000

export class Work {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #prefixes: Rates
  readonly #contacts: Rates
  readonly #arrivals: Rates
  /** Addresses of inbound connections that are not known to be a contact's, by prefix. */
  readonly #unknown = new Map<string, Set<string>>()
  /** Of links, for as long as they are: looked up once, for it is asked at each message. */
  readonly #prefixOfLink = new WeakMap<Link, string>()
  #interfaces: { readonly at: number; readonly are: readonly InterfaceAddress[] } | undefined

  constructor(machine: Machine, limits: Limits) {
    const { workOfPrefix, workOfContact, inboundPerSecond } = limits
    this.#machine = machine
    this.#limits = limits
    this.#prefixes = new Rates(workOfPrefix, workOfPrefix * GATHERED_S.prefix, machine.now)
    this.#contacts = new Rates(workOfContact, workOfContact * GATHERED_S.contact, machine.now)
    this.#arrivals = new Rates(inboundPerSecond, inboundPerSecond, machine.now)
  }

  /** Whether a connection from this IP address is turned away before it is one: {@link admits} would not let it in, or they come too fast. */
  refuses(ip: string): boolean {
    const prefix = this.#prefixOf(`/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}`)
    return prefix !== undefined && (this.#isFull(prefix) || !this.#arrivals.of(prefix).take(1))
  }

  /** Whether an inbound connection may be made; it is counted until it ends, or shows that it is a contact's. */
  admits(connection: MultiaddrConnection): boolean {
    const text = connection.remoteAddr.toString()
    const prefix = this.#prefixOf(text)
    // What comes through a relay is bounded by the relay's own connection.
    if (prefix === undefined) return true
    const address = addressIn(text)
    if (this.#isFull(prefix)) return false
    this.#prefixes.of(prefix).charge(COST.connection)
    this.#unknown.set(prefix, (this.#unknown.get(prefix) ?? new Set()).add(address))
    connection.addEventListener('close', () => this.#forget(prefix, address), { once: true })
    return true
  }

  /** A connection turned out to be a contact's. */
  known({ address }: Link): void {
    const prefix = this.#prefixOf(address)
    if (prefix !== undefined) this.#forget(prefix, address)
  }

  /** Something was done for the other end of a link. */
  charge(link: Link, units: number): void {
    this.#accountOf(link).charge(units)
  }

  /** So many frames, of so many bytes together, were read, and nothing opens them. */
  inVain(link: Link, frames: number, bytes: number): void {
    this.charge(link, frames * COST.question + bytes / VAIN_BYTES_EACH)
  }

  /** From now on the link pays for what it sends, and is not read while it cannot. */
  watch(link: Link): void {
    const { muxer, maConn } = insideOf(link.connection)
    muxer.addEventListener('stream', () => this.charge(link, COST.stream))
    muxer.maConn.addEventListener('message', ({ data }) => this.charge(link, 1 + data.byteLength / BYTES_EACH))
    new Valve(maConn, this.#machine.nextTurn, () => this.#accountOf(link))
  }

  #accountOf(link: Link): Account {
    if (link.standing.phase === 'known') return this.#contacts.of(link.standing.contact)
    const prefix = this.#prefixOfLink.get(link) ?? this.#prefixOf(link.address) ?? link.relay ?? 'elsewhere'
    this.#prefixOfLink.set(link, prefix)
    return this.#prefixes.of(prefix)
  }

  #isFull(prefix: string): boolean {
    const unknown = this.#unknown.get(prefix)?.size ?? 0
    return unknown >= this.#limits.unknownOfPrefix || this.#prefixes.of(prefix).waitMs > 0
  }

  #prefixOf(text: string): string | undefined {
    const host = text.includes('/p2p-circuit') ? undefined : hostOf(text)
    return host && prefixOf(host, isNear(host, this.#interfacesLately()))
  }

  /** As they were a second ago, at most: asking the system at each connection of a flood would be work, too. */
  #interfacesLately(): readonly InterfaceAddress[] {
    const now = this.#machine.now()
    if (this.#interfaces === undefined || Math.abs(now - this.#interfaces.at) > LATELY_MS) {
      this.#interfaces = { at: now, are: this.#machine.interfaces() }
    }
    return this.#interfaces.are
  }

  #forget(prefix: string, address: string): void {
    const unknown = this.#unknown.get(prefix)
    unknown?.delete(address)
    if (unknown?.size === 0) this.#unknown.delete(prefix)
  }
}

/** What was not used gathers for so long: what a contact may is so much more that a burst of it would be felt. */
const GATHERED_S = { prefix: 3, contact: 0.5 } as const
const LATELY_MS = 1000

const addressIn = (text: string): string => parseAddress(text)?.text ?? text

type Account = ReturnType<Rates['of']>

/** Reads a connection in pieces, not at all while its account is in the red, and one in a turn of the loop while it is low. */
class Valve {
  readonly #connection: Readable
  readonly #deliver: (data: Uint8Array) => void
  readonly #nextTurn: Machine['nextTurn']
  readonly #account: () => Account
  #held: Uint8Array = new Uint8Array()
  #stop: (() => void) | undefined

  constructor(connection: Readable, nextTurn: Machine['nextTurn'], account: () => Account) {
    this.#connection = connection
    this.#deliver = connection.onData.bind(connection)
    this.#nextTurn = nextTurn
    this.#account = account
    connection.onData = (data) => this.#take(data.subarray())
    connection.addEventListener('close', () => this.#close(), { once: true })
  }

  #take(data: Uint8Array): void {
    this.#held = this.#held.length === 0 ? data : concat(this.#held, data)
    this.#run()
  }

  #run(): void {
    while (this.#held.length > 0 && this.#stop === undefined) {
      const { waitMs, isLow } = this.#account()
      if (waitMs > 0) return this.#wait(waitMs)
      const piece = this.#held.subarray(0, PIECE_BYTES)
      this.#held = this.#held.subarray(piece.length)
      this.#deliver(piece)
      if (isLow && this.#held.length > 0) this.#wait(0)
    }
  }

  /** Not longer than until others had their turn, where nothing is owed. */
  #wait(ms: number): void {
    if (!tried(() => this.#connection.pause())) return this.#close()
    const again = (): void => {
      this.#stop = undefined
      // First: a piece that is delivered to a paused connection lies in its buffer, and goes on with all the others at once.
      if (tried(() => this.#connection.resume())) this.#run()
    }
    if (ms === 0) this.#stop = this.#nextTurn(again)
    else {
      const timer = setTimeout(again, Math.min(Math.max(ms, LEAST_MS), MOST_MS))
      this.#stop = () => clearTimeout(timer)
    }
  }

  #close(): void {
    this.#stop?.()
    this.#held = new Uint8Array()
  }
}

/** What of libp2p's connections their own interface does not show. */
interface Readable extends MultiaddrConnection {
  onData(data: { subarray(): Uint8Array }): void
}

interface Inside {
  readonly muxer: EventTarget & { readonly maConn: Pick<MultiaddrConnection, 'addEventListener'> }
  readonly maConn: Readable
}

function insideOf(connection: Connection): Inside {
  if (!('maConn' in connection) || !('muxer' in connection)) throw new Error('this libp2p keeps its sockets elsewhere')
  return connection as unknown as Inside
}
