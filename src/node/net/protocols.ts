/**
 * Every protocol this node speaks over libp2p, with every bound, in one table.
 *
 *     TCP ─ Noise ─ yamux ─┬─ hello     who is there; first on every connection, begun by the dialer
 *                          ├─ envelope  one long-lived stream each way: frames, acknowledgements, pings
 *                          ├─ bundle    one question, one answer
 *                          └─ pair      nearby: a name, or a short exchange
 *
 * Holds: nothing a remote sends is buffered beyond a number that stands here.
 */

import { BUNDLE_BYTES, ENVELOPE_BYTES, PAIRING_MESSAGE_BYTES } from '../../protocol/index.ts'

export const HELLO = '/tulnic/hello/1'
export const ENVELOPE = '/tulnic/envelope/1'
export const BUNDLE = '/tulnic/bundle/1'
export const PAIR = '/tulnic/pair/1'

/** Inbound streams of one protocol that may be open at once on one connection (outbound: the same). */
export const STREAMS = {
  [HELLO]: 1,
  [ENVELOPE]: 1,
  [BUNDLE]: 2,
  [PAIR]: 4,
} as const

const KIB = 1024
const SECOND = 1000
const MINUTE = 60 * SECOND

export interface Limits {
  /** Connections of any kind, both directions. */
  readonly connections: number
  /** Inbound connections that are still doing TCP, Noise and yamux. */
  readonly upgrades: number
  /** Inbound connections a second from one IP address. */
  readonly inboundPerSecond: number
  /** Inbound connections of unknown peers; one more closes the oldest. */
  readonly strangers: number
  /** An unknown peer's connection without an open stream is closed after this. */
  readonly strangerIdleMs: number
  /** From the connection to the end of hello, and for each hello after it. */
  readonly helloMs: number
  /** Hellos on one connection: 16 rounds for peers of the local network, and a few again. */
  readonly hellos: number
  /** Rounds of 32 tags that a dialer shows to a peer of the local network (PROTOCOL §5). */
  readonly helloRounds: number
  /** Negotiating one stream. */
  readonly streamMs: number
  /** yamux's window: what a paused reader may still be sent. 256 KiB is the least that yamux allows. */
  readonly streamWindow: number
  /** Unread bytes of one stream that libp2p keeps for a protocol that does not listen yet. */
  readonly streamBuffer: number
  /** Frames written and not acknowledged, in bytes: ours to keep, the caller's to respect. */
  readonly credit: number
  /** Frames delivered and not yet answered by the engine: above it, the reader pauses. With the window: 1 MiB. */
  readonly unanswered: number
  /** The same for a stranger. */
  readonly strangerUnanswered: number
  /** A reader that stays paused this long belongs to a connection that is closed. */
  readonly pausedMs: number
  /** One message of the envelope stream: its kind, and the largest padded frame. */
  readonly envelope: number
  /** A bundle's bytes. */
  readonly bundle: number
  readonly bundleMs: number
  readonly pairMessage: number
  readonly pairMessages: number
  /** People compare digits meanwhile. */
  readonly pairMs: number
  readonly whoMs: number
  /** A claimed name: 64 code points. */
  readonly name: number
  /** Pause between two looks at the interfaces, the clock and the silent connections. */
  readonly tickMs: number
  /** A tick that comes this much late means that the machine slept. */
  readonly sleptMs: number
  /** Silence after which a peer is asked whether it is there; below the 60 s after which some NATs forget. */
  readonly silentMs: number
  /** The same while frames wait for their acknowledgement, or the network has just changed. */
  readonly silentBusyMs: number
  /** Silence after the question that ends the connection. */
  readonly pongMs: number
  /** The same when the network has just changed. */
  readonly pongHurryMs: number
  /** TCP, Noise and yamux to one address. */
  readonly addressMs: number
  /** Before the next address of a peer is tried beside the one that has not answered yet. */
  readonly staggerMs: number
  /** Addresses dialed at once, for all contacts. */
  readonly dials: number
  /** Addresses of one contact. */
  readonly addresses: number
  /** First and longest pause between two rounds; each is doubled, and drawn between half and whole. */
  readonly againMs: number
  readonly againMaxMs: number
  /** Between two questions to the local network: drawn between half and whole, put off when somebody else asks. */
  readonly lanAskMs: number
  /** A peer of the local network not heard for this long is gone. */
  readonly lanGoneMs: number
  readonly lanPeers: number
  /** How long the peer with the higher PeerID leaves dialing to the lower one. */
  readonly lanWaitMs: number
  /** Before an unknown peer of the local network is greeted once more. */
  readonly lanAgainMs: number
}

export const LIMITS: Limits = {
  connections: 300,
  upgrades: 64,
  inboundPerSecond: 20,
  strangers: 64,
  strangerIdleMs: 60 * SECOND,
  helloMs: 10 * SECOND,
  hellos: 24,
  helloRounds: 16,
  streamMs: 10 * SECOND,
  streamWindow: 256 * KIB,
  streamBuffer: 512 * KIB,
  credit: 1024 * KIB,
  unanswered: 768 * KIB,
  strangerUnanswered: 128 * KIB,
  pausedMs: 60 * SECOND,
  envelope: 1 + ENVELOPE_BYTES,
  bundle: BUNDLE_BYTES,
  bundleMs: 10 * SECOND,
  pairMessage: PAIRING_MESSAGE_BYTES,
  pairMessages: 16,
  pairMs: 5 * MINUTE,
  whoMs: 3 * SECOND,
  name: 256,
  tickMs: 5 * SECOND,
  sleptMs: 10 * SECOND,
  silentMs: 45 * SECOND,
  silentBusyMs: 10 * SECOND,
  pongMs: 10 * SECOND,
  pongHurryMs: 4 * SECOND,
  addressMs: 5 * SECOND,
  staggerMs: 200,
  dials: 128,
  addresses: 10,
  againMs: SECOND,
  againMaxMs: 2 * MINUTE,
  lanAskMs: 2 * MINUTE,
  lanGoneMs: 6 * MINUTE,
  lanPeers: 256,
  lanWaitMs: SECOND,
  lanAgainMs: 15 * MINUTE,
}
