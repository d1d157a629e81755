/**
 * What people ask of the engine: the calls of NodeApi that change something, as inputs.
 *
 * Holds: already checked by `calls.ts` for form (types, lengths); what depends on state is checked in `step`.
 */
import type { AccountId } from '../../protocol/index.ts'

export type Command = { readonly type: 'command'; readonly id: number } & Asked

export type Asked =
  | { readonly name: 'rename'; readonly to: string }
  /** `file`: also the text of an invite file. */
  | { readonly name: 'create-invite'; readonly uses: number; readonly expiresAt: number; readonly file?: boolean }
  /** `ticket`: an invite made inside a pairing, whose bundle is already in hand. */
  | { readonly name: 'add-contact'; readonly link: string; readonly givenName: string | null }
  | { readonly name: 'add-paired'; readonly ticket: PairingTicket; readonly verified: boolean }
  | { readonly name: 'expect-paired'; readonly ticket: PairingTicket; readonly verified: boolean }
  /** The encoded bundle that is handed out now. */
  | { readonly name: 'current-bundle' }
  | { readonly name: 'rename-contact'; readonly contact: AccountId; readonly givenName: string }
  | { readonly name: 'block'; readonly contact: AccountId }
  | { readonly name: 'unblock'; readonly contact: AccountId }
  | { readonly name: 'remove'; readonly contact: AccountId }
  | { readonly name: 'verify'; readonly contact: AccountId; readonly verified: boolean }
  | { readonly name: 'relay-only'; readonly contact: AccountId; readonly on: boolean }
  /** Their node shall carry mail for us, or shall no longer. */
  | { readonly name: 'carrier'; readonly contact: AccountId; readonly on: boolean }
  /** Envelopes for a file; `after`: where the answer before ended. Answers a {@link MailPortion}. */
  | { readonly name: 'export-mail'; readonly contact: AccountId | null; readonly after: number }
  /** Envelopes out of a file. Answers `{ delivered, kept }`. */
  | { readonly name: 'import-mail'; readonly envelopes: readonly Uint8Array[] }
  /** One of mine that counts as not collected is left with carriers once more. */
  | { readonly name: 'send-again'; readonly contact: AccountId; readonly counter: number }
  | { readonly name: 'send'; readonly contact: AccountId; readonly text: string; readonly replyTo: Uint8Array | null }
  | { readonly name: 'mark-read'; readonly contact: AccountId; readonly upTo: number }
  | { readonly name: 'set-draft'; readonly contact: AccountId; readonly text: string }
  /** Whether this node gives contacts places to be reached through. */
  | { readonly name: 'set-relaying'; readonly forContacts: boolean }
  | { readonly name: 'reach-now'; readonly contact: AccountId | null }

/** At most 256 KiB of envelopes; `after: null`: there are no more. */
export interface MailPortion {
  readonly envelopes: readonly Uint8Array[]
  readonly after: number | null
}

/** What both sides of a confirmed pairing know; the lower PeerID adds, the other expects. */
export interface PairingTicket {
  readonly account: AccountId
  readonly claimedName: string
  /** 32 bytes out of the exchange. */
  readonly secret: Uint8Array
  /** The expecting side's encoded bundle. */
  readonly bundle: Uint8Array
  readonly addresses: readonly string[]
}
