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
 * contact's, one prefix has so many and no more, and those are refused before anything is calculated for them.
 */
import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import { concat } from '../../protocol/index.ts'
import { hostOf, isNear, parseAddress } from './addresses.ts'
import { tried } from './failures.ts'
import type { Link } from './link.ts'
import type { Machine } from './machine.ts'
import type { Limits } from './protocols.ts'
import { prefixOf } from './reach/told.ts'
import { Rates } from './waiting.ts'

/** Units. */
export const COST = {
  /** TCP, Noise and yamux: two key agreements and two signatures. */
  connection: 100,
  /** Opening a stream, with the choice of its protocol. */
  stream: 10,
  /** An INIT is opened with every prekey that there is. */
  init: 100,
  /** A question for a bundle, a visit to a box, a frame that nothing opens: each looks things up, or signs. */
  question: 20,
  /** An id that nobody waited for, a ping. */
  trifle: 0.1,
} as const

/** Bytes that cost another unit. */
const BYTES_EACH = 8192
/** Bytes that are read before the account is looked at, of a contact and of a stranger. */
const PIECES = { known: 16_384, unknown: 4096 } as const
/** A pause is no shorter, in milliseconds: below, its timer would cost more than it saves. */
const LEAST_MS = 5
/** After so long the account is looked at again, whatever is owed: the clock may have been set. */
const MOST_MS = 1000

export class Work {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #prefixes: Rates
  readonly #contacts: Rates
  /** Addresses of inbound connections that are not known to be a contact's, by prefix. */
  readonly #unknown = new Map<string, Set<string>>()

  constructor(machine: Machine, limits: Limits) {
    const { workOfPrefix, workOfContact } = limits
    this.#machine = machine
    this.#limits = limits
    this.#prefixes = new Rates(workOfPrefix, workOfPrefix * GATHERED_S, machine.now)
    this.#contacts = new Rates(workOfContact, workOfContact * GATHERED_S, machine.now)
  }

  /** Whether an inbound connection may be made; it is counted until it ends, or shows that it is a contact's. */
  admits(connection: MultiaddrConnection): boolean {
    const text = connection.remoteAddr.toString()
    const prefix = this.#prefixOf(text)
    // What comes through a relay is bounded by the relay's own connection.
    if (prefix === undefined) return true
    const address = addressIn(text)
    const unknown = this.#unknown.get(prefix) ?? new Set()
    if (unknown.size >= this.#limits.unknownOfPrefix || this.#prefixes.of(prefix).waitMs > 0) return false
    this.#prefixes.of(prefix).charge(COST.connection)
    this.#unknown.set(prefix, unknown.add(address))
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

  /** From now on the link pays for what it sends, and is not read while it cannot. */
  watch(link: Link): void {
    const { muxer, maConn } = insideOf(link.connection)
    muxer.addEventListener('stream', () => this.charge(link, COST.stream))
    muxer.maConn.addEventListener('message', ({ data }) => this.charge(link, 1 + data.byteLength / BYTES_EACH))
    new Valve(
      maConn,
      () => this.#accountOf(link).waitMs,
      () => (link.standing.phase === 'known' ? PIECES.known : PIECES.unknown),
    )
  }

  #accountOf({ standing, address, relay }: Link): ReturnType<Rates['of']> {
    if (standing.phase === 'known') return this.#contacts.of(standing.contact)
    return this.#prefixes.of(this.#prefixOf(address) ?? relay ?? 'elsewhere')
  }

  #prefixOf(text: string): string | undefined {
    const host = text.includes('/p2p-circuit') ? undefined : hostOf(text)
    return host && prefixOf(host, isNear(host, this.#machine.interfaces()))
  }

  #forget(prefix: string, address: string): void {
    const unknown = this.#unknown.get(prefix)
    unknown?.delete(address)
    if (unknown?.size === 0) this.#unknown.delete(prefix)
  }
}

/** What was not used gathers for so long. */
const GATHERED_S = 3

const addressIn = (text: string): string => parseAddress(text)?.text ?? text

/** Reads a connection in pieces, and not at all while there is something to wait for. */
class Valve {
  readonly #connection: Readable
  readonly #deliver: (data: Uint8Array) => void
  readonly #waitMs: () => number
  readonly #piece: () => number
  #held: Uint8Array = new Uint8Array()
  #waiting: ReturnType<typeof setTimeout> | undefined

  constructor(connection: Readable, waitMs: () => number, piece: () => number) {
    this.#connection = connection
    this.#deliver = connection.onData.bind(connection)
    this.#waitMs = waitMs
    this.#piece = piece
    connection.onData = (data) => this.#take(data.subarray())
    connection.addEventListener('close', () => this.#close(), { once: true })
  }

  #take(data: Uint8Array): void {
    this.#held = this.#held.length === 0 ? data : concat(this.#held, data)
    this.#run()
  }

  #run(): void {
    while (this.#held.length > 0 && this.#waiting === undefined) {
      const waitMs = this.#waitMs()
      if (waitMs > 0) return this.#wait(waitMs)
      const piece = this.#held.subarray(0, this.#piece())
      this.#held = this.#held.subarray(piece.length)
      this.#deliver(piece)
    }
  }

  #wait(ms: number): void {
    if (!tried(() => this.#connection.pause())) return this.#close()
    const again = (): void => {
      this.#waiting = undefined
      if (tried(() => this.#connection.resume())) this.#run()
    }
    this.#waiting = setTimeout(again, Math.min(Math.max(ms, LEAST_MS), MOST_MS))
  }

  #close(): void {
    clearTimeout(this.#waiting)
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
