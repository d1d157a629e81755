/**
 * All that can happen to a node: what `step` is told.
 *
 * Holds: plain data; times, random bytes and stored rows come with the call, not in here.
 */
import type { AccountId, DeviceId, SlotRecord } from '../../protocol/index.ts'
import type { Command } from './command.ts'

/** Names one open connection of this run; drawn by the net. */
export type ConnectionId = number

/** Whose records are looked for in the DHT: a contact's, or those of the carrier of a box (base32) of a device. */
export type Sought = AccountId | BoxName
export type BoxName = `box:${DeviceId}:${string}`

/** How the net tells two ends apart inside proofs: the raw bytes of both PeerIDs. */
export interface Ends {
  readonly local: Uint8Array
  readonly remote: Uint8Array
}

/** What records in the DHT say of this node. Until the first is told, nothing is published, and nobody looked for. */
export interface Whereabouts {
  /** Raw bytes of our PeerID, 38. */
  readonly peerId: Uint8Array
  /** Best first. `bytes`: of the multiaddress; a relayed one ends with /p2p-circuit, without our PeerID. */
  readonly addresses: readonly { readonly bytes: Uint8Array; readonly relayed: boolean }[]
}

export type Input =
  | Command
  /** A connection whose hello proved a contact's device. */
  | {
      readonly type: 'connected'
      readonly connection: ConnectionId
      readonly contact: AccountId
      readonly device: DeviceId
      readonly via: 'lan' | 'direct' | 'relayed'
      readonly address: string
      readonly dialed: boolean
      /** The contact whose node relays; `null` where none does, or it is not known. */
      readonly relayedBy?: AccountId | null
      /** Whether the path was negotiated over a relayed one. */
      readonly punched?: boolean
    }
  /** A connection to somebody the hello does not know, made because `contact` (invited, or pairing) was wanted at that address. */
  | { readonly type: 'reached-stranger'; readonly connection: ConnectionId; readonly contact: AccountId }
  | { readonly type: 'disconnected'; readonly connection: ConnectionId }
  /** Nobody of theirs answered at any address in this round. */
  | { readonly type: 'not-reached'; readonly contact: AccountId }
  /** Frames that arrived, in order, on a known (`contact`, `device`) or a stranger's connection (both `null`). */
  | {
      readonly type: 'frames'
      readonly connection: ConnectionId
      readonly contact: AccountId | null
      readonly device: DeviceId | null
      readonly frames: readonly Uint8Array[]
    }
  /** The other side stored these (ids of 16 bytes). */
  | { readonly type: 'acknowledged'; readonly connection: ConnectionId; readonly ids: readonly Uint8Array[] }
  /** The other side has no session that opens these. */
  | { readonly type: 'no-session'; readonly connection: ConnectionId; readonly ids: readonly Uint8Array[] }
  /** Somebody asks for a bundle: by an invite's proof (32 bytes), or as the contact of this connection (`proof` null). */
  | {
      readonly type: 'bundle-asked'
      readonly connection: ConnectionId
      readonly request: number
      readonly ends: Ends
      readonly proof: Uint8Array | null
      readonly contact: AccountId | null
      readonly device: DeviceId | null
    }
  /** What came of a {@link Effect} `ask-bundle`. `unreachable`: the connection broke first. */
  | {
      readonly type: 'bundle-answered'
      readonly connection: ConnectionId
      readonly contact: AccountId
      readonly answer: BundleAnswer | { readonly status: 'unreachable' }
    }
  /**
   * Listening addresses or the PeerID changed. `addresses`: multiaddress texts without a /p2p part, but relayed ones, which end
   * with our own. `whereabouts`: the same for the DHT; without it, what was told before stands.
   */
  | { readonly type: 'addresses'; readonly addresses: readonly string[]; readonly whereabouts?: Whereabouts }
  /** What the DHT holds for who was looked for: the newest valid record of each name. `asked`: servers that answered; 0: the DHT was not there. */
  | {
      readonly type: 'looked-up'
      readonly sought: Sought
      readonly found: readonly SlotRecord[]
      readonly asked: number
    }
  /** DHT servers worth remembering for the next start: multiaddresses without /p2p, best first, at most 64. */
  | { readonly type: 'dht-servers'; readonly addresses: readonly string[] }
  /** What came of an envelope of ours. `unreachable`: nobody there who proved to be the carrier, or no answer in time. */
  | { readonly type: 'deposited'; readonly number: number; readonly status: DepositStatus | 'unreachable' }
  /** Somebody wants to leave an envelope in a box here; answered by `mail-answer`. Its form was not looked at. */
  | { readonly type: 'mail-put'; readonly request: number; readonly envelope: Uint8Array }
  /** The owner of a box that is carried here proved it on that connection, and waits for its letters. */
  | { readonly type: 'box-opened'; readonly connection: ConnectionId; readonly box: Uint8Array }
  /** Letters out of a box of ours, from the carrier that proved its key. */
  | {
      readonly type: 'letters'
      readonly connection: ConnectionId
      readonly box: Uint8Array
      readonly letters: readonly Uint8Array[]
    }
  /** The owner stored these letters (ids of 16 bytes). */
  | {
      readonly type: 'letters-taken'
      readonly connection: ConnectionId
      readonly box: Uint8Array
      readonly ids: readonly Uint8Array[]
    }
  /** The time that a `wake` effect asked for has come. */
  | { readonly type: 'timer' }

/** `ok`: stored, also where it was before. `full`: the box or the carrier is; `no-token`: no such box, or the token is spent. */
export type DepositStatus = 'ok' | 'full' | 'no-token'

export type BundleStatus = 'bundle' | 'used' | 'expired' | 'unknown'
/** `bundle`: the encoded bundle; else empty. `ends` and `mac` as they came: the engine checks the mac where a secret is known. */
export interface BundleAnswer {
  readonly status: BundleStatus
  readonly bundle: Uint8Array
  /** HMAC under the invite's secret over the answer and both ends, 32 bytes; zeros on a contact's connection. */
  readonly mac: Uint8Array
  readonly ends: Ends
}
