/**
 * Every protocol this node speaks over libp2p, with every bound, in one table.
 *
 *     TCP ─ Noise ─ yamux ─┬─ hello     who is there; first on every connection, begun by the dialer
 *                          ├─ envelope  one long-lived stream each way: frames, acknowledgements, pings
 *                          ├─ bundle    one question, one answer
 *                          ├─ pair      nearby: a name, or a short exchange
 *                          ├─ reach     how one end sees the other, and what it serves; a dial back
 *                          ├─ kad       the distributed hash table: one question, one answer
 *                          └─ box       mail is left at its carrier, or handed over to its owner
 *
 * Holds: nothing a remote sends is buffered beyond a number that stands here.
 */

import { BUNDLE_BYTES, PADDED_FRAME_BYTES, PAIRING_MESSAGE_BYTES } from '../../protocol/index.ts'

export const HELLO = '/tulnic/hello/1'
export const ENVELOPE = '/tulnic/envelope/1'
export const BUNDLE = '/tulnic/bundle/1'
export const PAIR = '/tulnic/pair/1'
export const REACH = '/tulnic/reach/1'
export const KAD = '/tulnic/kad/1'
export const BOX = '/tulnic/box/1'

/** Inbound streams of one protocol that may be open at once on one connection (outbound: the same). */
export const STREAMS = {
  [HELLO]: 1,
  [ENVELOPE]: 1,
  [BUNDLE]: 2,
  [PAIR]: 4,
  [REACH]: 2,
  [KAD]: 8,
  [BOX]: 4,
} as const

const KIB = 1024
const MIB = 1024 * KIB
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

export interface Limits {
  /** Connections of any kind, both directions. */
  readonly connections: number
  /** Inbound connections that are still doing TCP, Noise and yamux. */
  readonly upgrades: number
  /** Inbound connections a second: over TCP from one address prefix (work.ts), by any transport from one IP address (libp2p). */
  readonly inboundPerSecond: number
  /** Inbound connections of one address prefix that have not shown that they are a contact's. */
  readonly unknownOfPrefix: number
  /** Units of work a second (work.ts) that one address prefix may give us, but for its contacts, and that one contact may. */
  readonly workOfPrefix: number
  readonly workOfContact: number
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
  /** Bytes of them that may wait unread: neither side ever has more than two to say before the other must answer. */
  readonly pairUnread: number
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
  /** Relays at which we hold a place. */
  readonly relays: number
  /** First and longest pause before a relay that had no place is asked again. */
  readonly relayAgainMs: number
  readonly relayAgainMaxMs: number
  /** Places here, and how many of them strangers may have. */
  readonly reservations: number
  readonly reservationsOfStrangers: number
  /** How long a place is kept; whoever has it renews it before. */
  readonly reservationMs: number
  /** Connections relayed at once: for one peer, for one stranger, for all contacts, for all strangers. */
  readonly relayedEach: number
  readonly relayedByStranger: number
  readonly relayed: number
  readonly relayedByStrangers: number
  /** Bytes (both ways) and time after which a relayed connection ends. */
  readonly relayedBytes: number
  readonly relayedMs: number
  /** Bytes relayed in an hour after which no more connections are. */
  readonly relayedBytesAnHour: number
  /** First and longest pause before a direct path is tried again beside a relayed one. */
  readonly upgradeAgainMs: number
  readonly upgradeAgainMaxMs: number
  /** How long the side with the higher PeerID leaves that to the other. */
  readonly upgradeWaitMs: number
  /** One try by WebRTC, with all its candidates. Some fail by themselves (docs/decisions/0018), and libp2p does not notice. */
  readonly webrtcMs: number
  /** One exchange on how the other end sees us. */
  readonly reachMs: number
  /** Exchanges that one connection may begin here at once, and then in a quarter of `reachableMs`. */
  readonly reachEach: number
  /** Dials back for others: on one connection at once (then one in a quarter of `reachableMs`), for all at once, and in a minute. */
  readonly dialBacksEach: number
  readonly dialBacks: number
  readonly dialBacksAMinute: number
  /** Searching for routers, one question to one, the bytes of its answer. */
  readonly routerSearchMs: number
  readonly routerMs: number
  readonly routerBytes: number
  /** How long a router is asked to let others in (renewed at half), and the pause before one is asked again that did not. */
  readonly routerLeaseMs: number
  readonly routerAgainMs: number
  /** How long it is believed that others get through to us. */
  readonly reachableMs: number
  /** Connections that the DHT dialed, and how many it dials at once. */
  readonly dhtConnections: number
  readonly dhtDials: number
  /** One dial for the DHT with both hellos, and one question on an open connection: what does not answer costs no more. */
  readonly dhtMs: number
  /** The least that kad-dht waits for an answer. */
  readonly dhtLeastMs: number
  /** One look-up, or one look at a neighbourhood. */
  readonly dhtQueryMs: number
  /** One put, for which nobody waits: it sends nothing before it knows who is nearest. */
  readonly dhtPutMs: number
  /** Records after which a look-up is left, and how long it goes on after the first one. */
  readonly dhtQuorum: number
  readonly dhtGraceMs: number
  /** Look-ups at once, and those that may wait. */
  readonly dhtLookUps: number
  readonly dhtLookUpsWaiting: number
  /** How long a look-up waits for the first server. */
  readonly dhtWaitMs: number
  /** Peers remembered for the DHT. */
  readonly dhtPeers: number
  /** Peers of one address prefix in the routing table. */
  readonly dhtPeersOfPrefix: number
  /** Dials at once to one host far away, and how many may fail one after another before it rests as long as a peer. */
  readonly hostDials: number
  readonly hostFailures: number
  /** A peer that did not answer is not asked for this long: twice as long each time. */
  readonly dhtRestMs: number
  readonly dhtRestMaxMs: number
  /** Between two looks at who was not heard for longest. */
  readonly dhtCheckMs: number
  /** First and longest pause between two refreshes of the routing table; each is four times the one before. */
  readonly dhtRefreshMs: number
  readonly dhtRefreshMaxMs: number
  /** After this, our own records are put again. */
  readonly dhtPutAgainMs: number
  /** First and longest pause before DHT servers are looked for again; with a few of them, twelve times as long. */
  readonly dhtBeginMs: number
  readonly dhtBeginMaxMs: number
  /** Servers told to remember, and how often. */
  readonly dhtServers: number
  readonly dhtServersMs: number
  /** Questions a second that one address prefix may ask, and how many at once; a put counts for four. */
  readonly dhtQuestions: number
  readonly dhtQuestionsAtOnce: number
  /** Records of others kept here, their bytes, those of one prefix, and how long (libp2p: 48 hours). */
  readonly records: number
  readonly recordBytes: number
  readonly recordsOfPrefix: number
  readonly recordLifeMs: number
  /** Finding a carrier at its addresses; and one step of a conversation with it, or between two envelopes. */
  readonly mailReachMs: number
  readonly mailMs: number
  /** Bytes of mail that one stream may send ahead, and letters handed over that the engine has not taken. */
  readonly mailUnread: number
  readonly mailUntaken: number
  /** Envelopes that wait for the engine's answer, of all streams together. */
  readonly mailPuts: number
}

export const LIMITS: Limits = {
  connections: 300,
  upgrades: 64,
  inboundPerSecond: 20,
  unknownOfPrefix: 24,
  workOfPrefix: 2000,
  workOfContact: 10_000,
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
  envelope: 1 + PADDED_FRAME_BYTES,
  bundle: BUNDLE_BYTES,
  bundleMs: 10 * SECOND,
  pairMessage: PAIRING_MESSAGE_BYTES,
  pairMessages: 16,
  pairUnread: 2 * (2 + PAIRING_MESSAGE_BYTES),
  pairMs: 5 * MINUTE,
  whoMs: 3 * SECOND,
  name: 256,
  tickMs: 5 * SECOND,
  sleptMs: 10 * SECOND,
  silentMs: 45 * SECOND,
  silentBusyMs: 5 * SECOND,
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
  relays: 3,
  relayAgainMs: 15 * SECOND,
  relayAgainMaxMs: 30 * MINUTE,
  reservations: 64,
  reservationsOfStrangers: 48,
  reservationMs: 30 * MINUTE,
  relayedEach: 32,
  relayedByStranger: 4,
  relayed: 192,
  relayedByStrangers: 64,
  relayedBytes: 16 * MIB,
  relayedMs: 60 * MINUTE,
  relayedBytesAnHour: 2048 * MIB,
  upgradeAgainMs: 2 * SECOND,
  upgradeAgainMaxMs: 30 * MINUTE,
  upgradeWaitMs: SECOND,
  webrtcMs: 6 * SECOND,
  reachMs: 5 * SECOND,
  reachEach: 8,
  dialBacksEach: 2,
  dialBacks: 4,
  dialBacksAMinute: 20,
  routerSearchMs: 2 * SECOND,
  routerMs: 3 * SECOND,
  routerBytes: 64 * KIB,
  routerLeaseMs: HOUR,
  routerAgainMs: 30 * MINUTE,
  reachableMs: 2 * HOUR,
  dhtConnections: 64,
  dhtDials: 32,
  dhtMs: 2 * SECOND,
  dhtLeastMs: 800,
  dhtQueryMs: 10 * SECOND,
  dhtPutMs: 60 * SECOND,
  dhtQuorum: 3,
  dhtGraceMs: SECOND,
  dhtLookUps: 4,
  dhtLookUpsWaiting: 256,
  dhtWaitMs: 5 * SECOND,
  dhtPeers: 2048,
  dhtPeersOfPrefix: 10,
  hostDials: 2,
  hostFailures: 4,
  dhtRestMs: 5 * SECOND,
  dhtRestMaxMs: 10 * MINUTE,
  dhtCheckMs: 30 * MINUTE,
  dhtRefreshMs: 30 * SECOND,
  dhtRefreshMaxMs: 6 * HOUR,
  dhtPutAgainMs: 12 * HOUR,
  dhtBeginMs: 5 * SECOND,
  dhtBeginMaxMs: 5 * MINUTE,
  dhtServers: 64,
  dhtServersMs: 10 * MINUTE,
  dhtQuestions: 25,
  dhtQuestionsAtOnce: 200,
  records: 20_000,
  recordBytes: 48 * MIB,
  recordsOfPrefix: 1000,
  recordLifeMs: 48 * HOUR,
  mailReachMs: 15 * SECOND,
  mailMs: 15 * SECOND,
  mailUnread: 512 * KIB,
  mailUntaken: 256 * KIB,
  mailPuts: 64,
}
