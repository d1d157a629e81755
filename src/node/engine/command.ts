/**
 * What people ask of the engine: the calls of NodeApi that change something, as inputs.
 *
 * Holds: already checked by `calls.ts` for form (types, lengths); what depends on state is checked in `step`.
 */
import type { AccountId } from '../../protocol/index.ts'

export type Command = { readonly type: 'command'; readonly id: number } & Asked

export type Asked =
  | { readonly name: 'rename'; readonly to: string }
  | { readonly name: 'create-invite'; readonly uses: number; readonly expiresAt: number }
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
  | { readonly name: 'send'; readonly contact: AccountId; readonly text: string; readonly replyTo: Uint8Array | null }
  | { readonly name: 'mark-read'; readonly contact: AccountId; readonly upTo: number }
  | { readonly name: 'set-draft'; readonly contact: AccountId; readonly text: string }
  /** Whether this node gives contacts places to be reached through. */
  | { readonly name: 'set-relaying'; readonly forContacts: boolean }
  | { readonly name: 'reach-now'; readonly contact: AccountId | null }

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
