/**
 * One open connection, and what is known of who is at its other end.
 *
 *     greeting ──hello──▶ known ◀──hello again── stranger ◀──hello── greeting
 *         └───────────────── closed, from each ─────────────────────────┘
 *
 * Whoever takes a link for something of theirs holds it; whoever has no use for it lets it go, and it ends when nobody holds it.
 *
 * Holds: no protocol but hello is served before hello has ended; `settled` says when.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { AccountId } from '../../protocol/index.ts'
import type { ConnectionId, Ends } from '../engine/input.ts'
import type { Answer } from './bundles.ts'
import { type EnvelopeReader, EnvelopeWriter } from './envelopes.ts'
import { attempt, Broken, tried } from './failures.ts'
import type { Acquainted } from './hello.ts'
import { ENVELOPE, type Limits, PAIR } from './protocols.ts'
import { within } from './waiting.ts'

/** How long what was written may take to leave. */
const END_MS = 1000

export type Standing =
  | { readonly phase: 'greeting' }
  | ({ readonly phase: 'known' } & Acquainted)
  /** `reachedFor`: whom we hoped to reach, where we dialed on purpose. */
  | { readonly phase: 'stranger'; readonly reachedFor: AccountId | null }
  | { readonly phase: 'closed' }

/** What stands for the address of a path that WebRTC found. */
export const WEBRTC = '/webrtc'

export type Via = 'lan' | 'direct' | 'relayed'

export interface LinkFacts {
  readonly id: ConnectionId
  readonly ends: Ends
  readonly address: string
  readonly via: Via
  /** The PeerID of the relay between, where that is known. */
  readonly relay: string | null
  readonly openedAt: number
}

export class Link {
  readonly id: ConnectionId
  readonly ends: Ends
  /** The other end's address, without /p2p. */
  readonly address: string
  readonly via: Via
  readonly relay: string | null
  readonly openedAt: number
  readonly connection: Connection
  readonly dialed: boolean
  /** The other end's PeerID. */
  readonly peer: string
  readonly writer: EnvelopeWriter
  reader: EnvelopeReader | undefined
  standing: Standing = { phase: 'greeting' }
  /** Whether the engine was told of it: then it is told of the end, too. */
  announced = false
  /** Hellos that were begun on it. */
  hellos = 0
  /** When anything last came from the other end. */
  heardAt: number
  /** When it was asked whether it is there, and has not answered. */
  askedAt: number | undefined
  /** Questions for a bundle that the engine has not answered. */
  readonly questions = new Map<number, (answer: Answer | undefined) => void>()
  /** Resolves when hello has ended, or the connection. */
  readonly settled: Promise<void>
  readonly settle: () => void
  readonly #streamMs: number
  #holders = 0
  /** Why it was let go of, while somebody still holds it. */
  #parting: string | undefined

  constructor(connection: Connection, facts: LinkFacts, limits: Limits) {
    this.id = facts.id
    this.ends = facts.ends
    this.address = facts.address
    this.via = facts.via
    this.relay = facts.relay
    this.openedAt = facts.openedAt
    this.heardAt = facts.openedAt
    this.connection = connection
    this.dialed = connection.direction === 'outbound'
    this.peer = connection.remotePeer.toString()
    this.#streamMs = limits.streamMs
    const settled = Promise.withResolvers<void>()
    this.settled = settled.promise
    this.settle = settled.resolve
    const open = (): Promise<Stream | undefined> => this.openStream(ENVELOPE, AbortSignal.timeout(limits.streamMs))
    this.writer = new EnvelopeWriter(limits, open, () => this.abort('the envelope stream ended'))
  }

  /** Whether the path was made with the help of a relay: behind it may be somebody whom nobody else reaches. */
  get isNegotiated(): boolean {
    return this.address === WEBRTC
  }

  get isOpen(): boolean {
    return this.standing.phase !== 'closed'
  }

  /** Whether anything but frames runs on it, in either direction. */
  get isBusy(): boolean {
    return this.connection.streams.some(({ protocol }) => protocol !== ENVELOPE)
  }

  /** Whether somebody pairs over it, or asks for a name. */
  get isPairing(): boolean {
    return this.connection.streams.some(({ protocol }) => protocol === PAIR)
  }

  get isHeld(): boolean {
    return this.#holders > 0
  }

  /** Keeps it from being let go of. Returns how to give it back. */
  hold(): () => void {
    this.#holders++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holders--
      if (this.#parting !== undefined) this.letGo(this.#parting)
    }
  }

  /** Ends the connection as soon as nobody holds it, unless a contact turns out to be there. */
  letGo(reason: string): void {
    if (this.standing.phase === 'known') return
    this.#parting = reason
    if (!this.isHeld) this.abort(reason)
  }

  /** Something came from the other end. */
  hear(now: number): void {
    this.heardAt = now
    this.askedAt = undefined
  }

  /** A new stream, or `undefined`. */
  async openStream(protocol: string, signal: AbortSignal): Promise<Stream | undefined> {
    const bounded = within(this.#streamMs, signal)
    return attempt(this.connection.newStream(protocol, { signal: bounded, runOnLimitedConnection: true }))
  }

  /** The same, and the link is held until the stream closes. */
  async openHeld(protocol: string, signal: AbortSignal): Promise<Stream | undefined> {
    const release = this.hold()
    const stream = await this.openStream(protocol, signal)
    if (stream === undefined) release()
    else this.holdFor(stream, release)
    return stream
  }

  /** Holds the link until a stream on it closes. */
  holdFor(stream: Stream, release = this.hold()): void {
    if (stream.status === 'open') stream.addEventListener('close', release, { once: true })
    else release()
  }

  /** Ends the connection when what was written has left, or soon after. */
  async end(): Promise<void> {
    if (!this.isOpen) return
    // A connection that breaks meanwhile leaves close() waiting until its signal.
    const broken = new Promise((resolve) => this.connection.addEventListener('close', resolve, { once: true }))
    await Promise.race([attempt(this.connection.close({ signal: AbortSignal.timeout(END_MS) })), broken])
    this.abort('closed')
  }

  /** Ends the connection at once; libp2p's `close` event follows. */
  abort(reason: string): void {
    if (!this.isOpen) return
    // Where the transport is closing already, yamux throws at the first call, before libp2p has ended the transport.
    const abort = (): void => this.connection.abort(new Broken(reason))
    if (!tried(abort)) tried(abort)
  }
}
