/**
 * All that a step can want done, performed in order once its writes are committed.
 *
 * Holds: plain data; losing any of them in a crash loses nothing that matters, for each is made again from what is stored.
 */
import type { AccountId, SlotKind, SlotRecord } from '../../protocol/index.ts'
import type { AnyEvent, ApiErrorData } from '../api.ts'
import type { FoundAt } from '../store/records.ts'
import type { EventBody } from './events.ts'
import type { BundleStatus, ConnectionId, DepositStatus, Sought } from './input.ts'

/** What the net is told. */
export type NetEffect =
  /** Frames to write, in order, on one connection. */
  | {
      readonly type: 'send'
      readonly connection: ConnectionId
      readonly frames: readonly { readonly id: Uint8Array; readonly bytes: Uint8Array }[]
    }
  /** These frames (ids) are stored here. */
  | { readonly type: 'acknowledge'; readonly connection: ConnectionId; readonly ids: readonly Uint8Array[] }
  /** No session here opens these. */
  | { readonly type: 'no-session'; readonly connection: ConnectionId; readonly ids: readonly Uint8Array[] }
  /** Keep trying to be connected to this contact; replaces what was said before. `stranger`: they cannot know us yet (invited). */
  | {
      readonly type: 'want'
      readonly contact: AccountId
      readonly addresses: readonly string[]
      readonly stranger: boolean
      readonly now: boolean
      /** Only through relays: they are not told our IP address. */
      readonly relayOnly: boolean
      /**
       * Where the DHT says that they are: to be dialed before `addresses`, by the rules for addresses of records. Bytes of
       * multiaddresses; behind a relayed one belongs `peerId` (raw bytes), where that is not `null`.
       */
      readonly found?: FoundAt | null
    }
  | { readonly type: 'unwant'; readonly contact: AccountId }
  /** Ask for a bundle over this connection; with the invite's secret the net proves it to this very peer. */
  | {
      readonly type: 'ask-bundle'
      readonly connection: ConnectionId
      readonly contact: AccountId
      readonly inviteSecret: Uint8Array | null
    }
  | {
      readonly type: 'answer-bundle'
      readonly connection: ConnectionId
      readonly request: number
      readonly status: BundleStatus
      readonly bundle: Uint8Array
      readonly mac: Uint8Array
    }
  /** Both sides now share a contact secret: run hello again on this connection; the dialer begins. */
  | { readonly type: 'hello-again'; readonly connection: ConnectionId; readonly contact: AccountId }
  | { readonly type: 'close'; readonly connection: ConnectionId }
  /** Whether to relay for contacts, from now on. Until it is told, a net does. */
  | { readonly type: 'relay'; readonly forContacts: boolean }
  /** Nobody used this node for long: go by another PeerID, unless somebody depends on this one. */
  | { readonly type: 'renew' }
  /** All records that this node keeps in the DHT from now on; replaces the set before. */
  | { readonly type: 'publish'; readonly records: readonly SlotRecord[] }
  /** Look for the newest record of each name; answered by `looked-up`. */
  | {
      readonly type: 'look-up'
      readonly sought: Sought
      readonly kind: SlotKind
      /** 32 bytes each. */
      readonly names: readonly Uint8Array[]
    }
  /**
   * Leave an envelope at a carrier; answered by `deposited`. On `connection` where the carrier is a contact that is linked, else the
   * net dials `found`, where a stranger is told nothing; the carrier has to prove `carrierKey` (32 bytes).
   */
  | {
      readonly type: 'deposit'
      /** Of the row in `mail`; comes back with the answer. */
      readonly number: number
      readonly box: Uint8Array
      readonly carrierKey: Uint8Array
      readonly connection: ConnectionId | null
      readonly found: FoundAt | null
      readonly envelope: Uint8Array
    }
  /**
   * What came of an envelope that somebody wanted to leave here: said after it was stored. `null`: it cannot be stored now, and may be
   * left later, with the same bytes; nothing is said, as if we were not there.
   */
  | { readonly type: 'mail-answer'; readonly request: number; readonly status: DepositStatus | null }
  /** Ask a carrier, on its link, for what lies in a box of ours; the net proves that we own it. Replaced by the next one. */
  | {
      readonly type: 'open-box'
      readonly connection: ConnectionId
      readonly box: Uint8Array
      readonly carrierKey: Uint8Array
    }
  /** Letters for the owner who opened that box on that connection, oldest first; at most HAND_OVER_BYTES that are not taken yet. */
  | {
      readonly type: 'hand-over'
      readonly connection: ConnectionId
      readonly box: Uint8Array
      readonly letters: readonly { readonly id: Uint8Array; readonly bytes: Uint8Array }[]
    }
  /** These letters (ids of 16 bytes) are stored here: the carrier may forget them. */
  | {
      readonly type: 'take-letters'
      readonly connection: ConnectionId
      readonly box: Uint8Array
      readonly ids: readonly Uint8Array[]
    }

export type Effect =
  | NetEffect
  /** The earliest time (ms) at which a `timer` input is wanted. */
  | { readonly type: 'wake'; readonly at: number }
  /** A stored or live event for windows and listeners. */
  | { readonly type: 'event'; readonly event: AnyEvent }
  /** Something stored changed: `queries.ts` turns the ids into what windows draw. */
  | { readonly type: 'stored-event'; readonly number: number; readonly at: number; readonly body: EventBody }
  | { readonly type: 'reply'; readonly command: number; readonly value: unknown }
  | { readonly type: 'refuse'; readonly command: number; readonly error: ApiErrorData }
