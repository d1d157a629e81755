/**
 * The slot of an invite: where whoever saw the link finds the bundle while the inviter is away.
 *
 *     invite secret ──HKDF("invite-slot")──▶ Ed25519 seed of the slot        ──HKDF("invite-slot-key")──▶ key of the record
 *     content = [bundle, [multiaddress …]]
 *
 * Everybody who has the link can also write here: a guest can spoil the slot for the other guests of an invite for several
 * uses. A false bundle they cannot put there, for the link holds its hash; false addresses lead to nobody who passes the
 * handshake.
 *
 * Holds: without the link, the slot cannot be found, told from others, read or written; a bundle from here was not checked
 * yet: by the link's hash, and by `decodeBundle`.
 */
import { derive } from './crypto/hkdf.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import { LABELS } from './labels.ts'
import { BUNDLE_BYTES } from './limits.ts'
import type { SlotKeys, SlotRecord, SlotVersion } from './slot.ts'
import { openSlot, sealSlot, slotOf, slotRoom } from './slot.ts'
import { bytes, decode, tuple } from './wire/codec.ts'
import { encodeWithAddresses, RECORD_ADDRESSES } from './wire/record-content.ts'

export interface InviteSlotContent {
  /** The encoded bundle, at most 6 KiB. */
  readonly bundle: Uint8Array
  /** Bytes of multiaddresses, best first; what has no room is left out. */
  readonly addresses: readonly Uint8Array[]
}

/** The slot of an invite's secret. */
export function inviteSlot(p: Primitives, inviteSecret: Uint8Array): SlotKeys {
  return slotOf(p, derive(p, inviteSecret, LABELS.inviteSlot, 32))
}

/** The inviter's record. Throws for a bundle that is none by its size. */
export function sealInviteRecord(
  p: Primitives,
  random: Random,
  inviteSecret: Uint8Array,
  version: SlotVersion,
  { bundle, addresses }: InviteSlotContent,
): SlotRecord {
  if (bundle.length < 1 || bundle.length > BUNDLE_BYTES) throw new RangeError(`no bundle has ${bundle.length} bytes`)
  const content = encodeWithAddresses(slotRoom('iv1'), addresses, (kept) => [bundle, kept])
  return sealSlot(p, random, 'iv1', inviteSlot(p, inviteSecret), recordKey(p, inviteSecret), version, content)
}

/** What stands in the slot of an invite. */
export function openInviteRecord(
  p: Primitives,
  inviteSecret: Uint8Array,
  record: Uint8Array,
): (InviteSlotContent & { readonly seq: number }) | undefined {
  const { name } = inviteSlot(p, inviteSecret)
  const opened = openSlot(p, 'iv1', recordKey(p, inviteSecret), name, record)
  const content = opened && decode(opened.content, slotRoom('iv1'), CONTENT)
  return opened && content && { seq: opened.seq, bundle: content[0], addresses: content[1] }
}

function recordKey(p: Primitives, inviteSecret: Uint8Array): Uint8Array {
  return derive(p, inviteSecret, LABELS.inviteSlotKey, 32)
}

const CONTENT = tuple(bytes(1, BUNDLE_BYTES), RECORD_ADDRESSES)
