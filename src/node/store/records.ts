/**
 * What a profile remembers: one type for each kind of record, and the writes that a commit is made of.
 *
 * Holds: rows are plain data (numbers, strings, byte strings, nested plain objects and arrays; `null` for nothing, never
 * `undefined`). Times are milliseconds since 1970. A row is replaced as a whole.
 */
import type { AccountId, AudienceGrant, DeviceId, KnownSlot, Ranges, RecordPosition } from '../../protocol/index.ts'

export interface ProfileRow {
  readonly name: string
  /** Rises with every rename. */
  readonly nameVersion: number
  readonly accountKey: Uint8Array
  /** 32 bytes from which the account key is derived; the recovery phrase is its other writing. */
  readonly accountEntropy: Uint8Array
  readonly deviceSigningSeed: Uint8Array
  readonly deviceDhSeed: Uint8Array
  readonly deviceLog: Uint8Array
  /** The libp2p TCP port, drawn once. */
  readonly listenPort: number
  /** Where this device was last reachable (multiaddresses without /p2p), and a version that rises with every change. */
  readonly addresses: readonly string[]
  readonly addressVersion: number
  /** Multiaddresses of DHT servers to begin with at the next start, at most DHT_SERVERS (engine/limits.ts). */
  readonly dhtServers: readonly string[]
  /** Whether this node relays for contacts. */
  readonly relaysForContacts: boolean
  readonly createdAt: number
}

/** Private halves of one prekey bundle. */
export interface PrekeyRow {
  /** The encoded bundle as it was handed out. */
  readonly bundle: Uint8Array
  readonly signedPrekeySeed: Uint8Array
  readonly kemSeed: Uint8Array
  readonly sealSeed: Uint8Array
  readonly createdAt: number
}

export interface InviteRow {
  readonly secret: Uint8Array
  /** Private half of the one-time key; `null` for invites of several uses and when used. */
  readonly oneTimeSeed: Uint8Array | null
  /** Key of the {@link PrekeyRow} whose bundle this invite promises. */
  readonly prekey: string
  /** Link and expiry as they were handed out; empty for a pairing's ticket. */
  readonly link: string
  readonly expiresAt: number
  readonly usesLeft: number
  /** Of the last record of this invite in the DHT; 0: there was none. */
  readonly seq: number
  /** For a pairing: only this account may use it, and whether a person compared the digits. */
  readonly onlyFor: AccountId | null
  readonly verified: boolean
  /** Keys of our boxes where its guests may leave their first words, and the devices that came by it. */
  readonly boxes: readonly string[]
  readonly guests: readonly DeviceId[]
}

/** What two people share apart from all ratchets (PROTOCOL §2). */
export interface ContactSecret {
  readonly generation: number
  /** 32 bytes. */
  readonly secret: Uint8Array
  readonly since: number
  /** The other side is known to have it: until then we show ourselves by the one before. */
  readonly confirmed: boolean
}

/** Where the DHT says that somebody is. */
export interface FoundAt {
  /** Raw bytes of the PeerID; `null` where it stands in the addresses. */
  readonly peerId: Uint8Array | null
  /** Bytes of multiaddresses, as their owner ordered them. */
  readonly addresses: readonly Uint8Array[]
}

export interface ContactRow {
  readonly accountKey: Uint8Array
  readonly state: 'invited' | 'active' | 'blocked'
  /** What the state was before a block. */
  readonly stateBeforeBlock: 'invited' | 'active' | null
  readonly givenName: string | null
  readonly ownName: string | null
  readonly ownNameVersion: number
  readonly deviceLog: Uint8Array | null
  readonly verified: boolean
  /** Newest first, at most SECRETS_KNOWN (engine/limits.ts). */
  readonly secrets: readonly ContactSecret[]
  /** Multiaddresses without a /p2p part, best first. */
  readonly addresses: readonly string[]
  readonly addressVersion: number
  readonly addedAt: number
  readonly lastSeenAt: number | null
  /** While `invited`: what the link said. */
  readonly invite: {
    readonly secret: Uint8Array
    readonly oneTimeKey: Uint8Array | null
    readonly bundleHash: Uint8Array
    readonly expiresAt: number
  } | null
  readonly problem: 'invite-used' | 'invite-expired' | null
  /** Times (ms) of the re-handshakes begun or accepted on "cannot decrypt" in the last 24 h. */
  readonly repairs: readonly number[]
  /** They are told relayed addresses alone, and are dialed at such alone: they do not learn our IP address. */
  readonly relayOnly: boolean
  /** Key of the {@link AudienceRow} that they belong to. */
  readonly audience: string | null
  /** Rises with each grant that they are to have; and the epoch in which it became due. */
  readonly grantVersion: number
  readonly grantEpoch: number
  /** Where the DHT said that they are, until they tell it themselves. */
  readonly found: FoundAt | null
}

/** An audience of this device: whoever is in it finds the same records (protocol/rendezvous.ts). */
export interface AudienceRow {
  readonly secret: Uint8Array
  readonly phase: number
  /** For one contact alone, who learns relayed addresses only. */
  readonly relayOnly: boolean
  /** Key of the {@link CarriedRow} whose senders are its members; `null`: contacts are. */
  readonly box: string | null
  /** The last `seq` of each slot, of the newest SLOTS_COUNTED (engine/limits.ts). */
  readonly seqs: readonly { readonly epoch: number; readonly seq: number }[]
}

/** What a device of a contact granted: where its records are, and what was taken of them. */
export interface GrantRow {
  readonly contact: AccountId
  readonly version: number
  readonly readKey: Uint8Array
  readonly phase: number
  readonly slots: readonly KnownSlot[]
  /** The newest record that was taken: none from before it is. */
  readonly seen: RecordPosition | null
}

export interface ConversationRow {
  /** Small number that message rows carry. Drawn by the engine, from 1. */
  readonly number: number
  readonly lamport: number
  /** My own counter here. The row outlives a removed contact, so that a counter never stands for two messages. */
  readonly counter: number
  /** Counters of theirs that are stored here, that a person has read, and the highest they are known to have. */
  readonly received: Ranges
  readonly shown: Ranges
  readonly known: number
  /** Counters of theirs that came with one text first and with another later: they go on from an older copy of themselves. */
  readonly differing: Ranges
  /** Rises with every change of `received` or `shown`: which receipt a device has is a version. */
  readonly receiptVersion: number
  /** Order of the newest message, for the list. */
  readonly lastSeq: number
  readonly lastAt: number
  readonly draft: string
}

/** What a device is told besides texts (engine/facts.ts). */
export type FactName = 'name' | 'addresses' | 'secret' | 'grant' | 'carry' | 'carrying' | 'boxes' | 'receipt'
/** Versions of facts; one that is not named is 0: none. */
export type Facts = { readonly [F in FactName]?: number }

/** What one device of a contact holds of what this device wrote. */
export interface DeliveryRow {
  readonly contact: AccountId
  /** All my counters up to this one have been framed in the current session. */
  readonly cursor: number
  readonly sent: Ranges
  readonly delivered: Ranges
  readonly read: Ranges
  /** Those that the device is known to have. */
  readonly facts: Facts
  /** A session was begun anew, and the device has not said yet what it holds: until then it is sent no texts. */
  readonly awaitsReceipt: boolean
  /**
   * My counters that it claims to hold and never acknowledged: it is asked what stands there, and sent no texts until it said so.
   * `asked`: a frame with the question was made in this session. `told`: a person was warned already.
   */
  readonly comparing: {
    readonly from: number
    readonly to: number
    readonly asked: boolean
    readonly told: boolean
  } | null
  /** Its own counters of which it asked what stands here: the answer that is owed. */
  readonly asked: { readonly from: number; readonly to: number } | null
  /** Version of what the device is to be told of our boxes; 0: it was never told of any. */
  readonly boxes: number
  /** Ids of its frames that came by mail, and no frame has told it so yet: at most STORED_IDS. */
  readonly stored: readonly Uint8Array[]
}

export interface SessionRow {
  readonly device: DeviceId
  readonly contact: AccountId
  /** Opaque to all but the protocol. */
  readonly state: Uint8Array
  readonly createdAt: number
  /** Rises each time something is opened: the greatest is the active session. */
  readonly usedAt: number
}

/** A frame that was made and not yet acknowledged: resent with the same bytes. */
export interface FrameRow {
  readonly device: DeviceId
  readonly contact: AccountId
  readonly session: string
  readonly bytes: Uint8Array
  /** The first 16 bytes of its hash. */
  readonly id: Uint8Array
  /** My counters that it carries; 0, 0 for none. */
  readonly from: number
  readonly to: number
  /** Those that it brings. */
  readonly facts: Facts
  /** When it was made, by our running time (ms, {@link RunningRow}). */
  readonly made: number
  /** It was made because the device was away: to be left for it. */
  readonly away: boolean
}

/** A place at a carrier for mail to this device. */
export interface BoxRow {
  readonly carrier: AccountId
  /** Rises with each box that is made: senders try them in this order. */
  readonly order: number
  /** 32 bytes of which its keys and tokens come, and the Ed25519 seed of its owner. */
  readonly secret: Uint8Array
  readonly ownerSeed: Uint8Array
  /** Of the request to the carrier: rises when other tokens are good. */
  readonly version: number
  /** Numbers of the tokens that are good, of those that the carrier is known to have, and the next one, from 1. */
  readonly good: Ranges
  readonly known: Ranges
  readonly next: number
  /** What the carrier said last, and the version of that. `ended`: a person took the request back. */
  readonly state: 'asked' | 'kept' | 'full' | 'off' | 'ended'
  readonly answered: number
  /** Ed25519 key by which the carrier shows itself, and where it is found; `null` until it keeps the box. */
  readonly carrierKey: Uint8Array | null
  readonly grant: AudienceGrant | null
}

/** Numbers of the tokens of a box that one device has, and that no letter has spent, in the order in which they were given. */
export interface GivenRow {
  readonly tokens: readonly number[]
  /** When the oldest of them were given, by our running time (ms). */
  readonly at: number
}

/** A box that is kept here for a device of a contact. */
export interface CarriedRow {
  readonly owner: AccountId
  readonly device: DeviceId
  readonly ownerKey: Uint8Array
  /** Ed25519 seed by which we show ourselves in this box. */
  readonly carrierSeed: Uint8Array
  /** Key of the {@link AudienceRow} of its senders; `null` where it is not kept. */
  readonly audience: string | null
  /** Of the owner's last request. */
  readonly version: number
  /** `ended`: nothing more is taken; what is here waits for its owner, or its end. */
  readonly state: 'kept' | 'full' | 'off' | 'ended'
  /** Version of our answer, and the epoch in which it was given. */
  readonly answer: number
  readonly epoch: number
  /** Letters that lie here, and their bytes. */
  readonly count: number
  readonly bytes: number
}

/** A token of a box that is kept here, by its hash. One that was spent is remembered as long as the owner counts it as good. */
export interface TokenRow {
  readonly spent: boolean
}

/** An envelope that is kept here for a box. */
export interface LetterRow {
  /** Key of its {@link CarriedRow}. */
  readonly box: string
  readonly id: Uint8Array
  readonly bytes: Uint8Array
  /** By our running time (ms): it is kept until then. */
  readonly until: number
}

/** One box where mail for a device may be left. */
export interface RouteBox {
  readonly box: Uint8Array
  readonly key: Uint8Array
  readonly carrierKey: Uint8Array
  readonly tag: Uint8Array
  /** Where the carrier's records lie, and what was taken of them. */
  readonly readKey: Uint8Array
  readonly phase: number
  readonly slots: readonly KnownSlot[]
  readonly seen: RecordPosition | null
  readonly found: FoundAt | null
  /** Tokens that are left, and those that were used and may be told again. */
  readonly tokens: readonly Uint8Array[]
  readonly spent: readonly Uint8Array[]
}

/** Where mail for a device of a contact may be left: as it said last, in its order. */
export interface RouteRow {
  readonly contact: AccountId
  readonly version: number
  readonly boxes: readonly RouteBox[]
}

/** An envelope that is to be left in a box, or lies there. */
export interface MailRow {
  readonly device: DeviceId
  readonly contact: AccountId
  readonly box: Uint8Array
  readonly tag: Uint8Array
  readonly id: Uint8Array
  /** As it was made; `null` once the carrier has it. */
  readonly bytes: Uint8Array | null
  /** Numbers of the frames in it, and my counters that these carry. */
  readonly frames: readonly number[]
  readonly counters: Ranges
  /** The carrier said that it keeps it: when, and by our running time until when. `null`: not yet. */
  readonly accepted: { readonly at: number; readonly until: number } | null
}

/** How long this profile has run in all: time that no wrong clock can shorten. */
export interface RunningRow {
  readonly ms: number
}

/** 0: the one of the two whose account id is lower; 1: the other. So both sides order a conversation alike. */
export type Author = 0 | 1

export interface MessageRow {
  /** Rises with arrival: the row id. Drawn by the engine. */
  readonly seq: number
  readonly id: Uint8Array
  readonly conversation: number
  readonly author: Author
  readonly counter: number
  readonly lamport: number
  readonly sentAt: number
  readonly receivedAt: number
  readonly replyTo: Uint8Array | null
  /** The Reason in words of the API for a failed one of mine, else `null`. */
  readonly failed: string | null
  readonly text: string
}

export interface EventRow {
  readonly at: number
  /** JSON that `queries.ts` reads: ids, never text. */
  readonly body: string
}

/** `at`: until when it is remembered, so that one `forget` serves frames (days) and INITs (as long as their prekeys). */
export interface SeenRow {
  readonly at: number
}

/** A skipped message key: `chain` names the EC chain or PQ epoch inside the session. */
export interface SkippedRow {
  readonly key: Uint8Array
  readonly at: number
}

/** Every table, and what its rows are. Keys are strings; those with several parts are joined by `/`. */
export interface Tables {
  /** key: `self` */
  profile: ProfileRow
  /** key: base32 of the first 16 bytes of the bundle's hash */
  prekey: PrekeyRow
  /** key: base32 of the first 16 bytes of H(secret) */
  invite: InviteRow
  /** key: AccountId */
  contact: ContactRow
  /** key: AccountId */
  conversation: ConversationRow
  /** key: DeviceId */
  delivery: DeliveryRow
  /** key: base32 of 10 random bytes */
  audience: AudienceRow
  /** key: DeviceId */
  grant: GrantRow
  /** key: base32 of the session id */
  session: SessionRow
  /** key: session key `/` kind and chain `/` number */
  skipped: SkippedRow
  /** key: base32 of a frame id; INIT hashes too */
  seen: SeenRow
  /** key: decimal number, ascending in the order of making */
  frame: FrameRow
  /** key: base32 of the box, 16 bytes */
  box: BoxRow
  /** key: box `/` DeviceId */
  given: GivenRow
  /** key: base32 of the box */
  carried: CarriedRow
  /** key: box `/` base32 of the token's hash */
  token: TokenRow
  /** key: box `/` base32 of the envelope's id */
  letter: LetterRow
  /** key: DeviceId */
  route: RouteRow
  /** key: decimal number, ascending in the order of making */
  mail: MailRow
  /** key: `self` */
  running: RunningRow
  /** key: base32 of the message id */
  message: MessageRow
  /** key: decimal number, ascending */
  event: EventRow
}

export type TableName = keyof Tables
export type Key = { [T in TableName]: { readonly table: T; readonly key: string } }[TableName]

export type Write =
  | {
      [T in TableName]: { readonly op: 'put'; readonly table: T; readonly key: string; readonly row: Tables[T] }
    }[TableName]
  | { readonly op: 'delete'; readonly table: TableName; readonly key: string }
  /** Removes the oldest skipped keys of a session (by time, then by number) until `keep` are left; `keep: 0` with the session itself. */
  | { readonly op: 'trim-skipped'; readonly session: string; readonly keep: number }
  /** Removes all skipped keys of one chain of a session: `kind and chain` as in the key. */
  | { readonly op: 'drop-chain'; readonly session: string; readonly chain: string }
  /** Removes rows of `skipped` older than `before`; those of `seen` by and by, in housekeeping. */
  | { readonly op: 'forget'; readonly table: 'seen' | 'skipped'; readonly before: number }
  /**
   * Removes events, by their number, up to the first that is from `before` or later. One from after `now`, which a wrong
   * clock made, is as old as its neighbours.
   */
  | { readonly op: 'forget-events'; readonly before: number; readonly now: number }
  /** Makes these (16 bytes each) the good tokens of a box: others go, new ones are not spent. */
  | { readonly op: 'set-tokens'; readonly box: string; readonly hashes: readonly Uint8Array[] }
  /** Removes all messages of a conversation: at once from every answer, by and by from the disk, in housekeeping. */
  | { readonly op: 'erase-conversation'; readonly conversation: number }
