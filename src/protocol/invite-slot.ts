/**
 * The slot of an invite: where whoever saw the link finds the bundle while the inviter is away.
 *
 *     invite secret ──HKDF("invite-slot")──▶ Ed25519 seed of the slot        ──HKDF("invite-slot-key")──▶ key of the record
 *     content = [bundle, [multiaddress …]]        and where mail may be left for the inviter, as a third field: [box …] (`invite-box.ts`)
 *
 * Everybody who has the link can also write here: a guest can spoil the slot for the other guests of an invite for several
 * uses. A false bundle they cannot put there, for the link holds its hash; false addresses lead to nobody who passes the
 * handshake.
 *
 * Holds: without the link, the slot cannot be found, told from others, read or written; a bundle from here was not checked
 * yet: by the link's hash, and by `decodeBundle`.
 */
import type { InviteBox } from './box.ts'
import { derive } from './crypto/hkdf.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import { LABELS } from './labels.ts'
import { INVITE_BOX_LIST, plainInviteBoxes } from './invite-box.ts'
import { BUNDLE_BYTES } from './limits.ts'
import type { SlotKeys, SlotRecord, SlotVersion } from './slot.ts'
import { openSlot, sealSlot, slotOf, slotRoom } from './slot.ts'
import type { Decoder, Plain } from './wire/codec.ts'
import { bytes, decode, encode, tuple } from './wire/codec.ts'
import { fitting, RECORD_ADDRESSES } from './wire/record-content.ts'

export interface InviteSlotContent {
  /** The encoded bundle, at most 6 KiB. */
  readonly bundle: Uint8Array
  /** Bytes of multiaddresses, best first; what has no room is left out. */
  readonly addresses: readonly Uint8Array[]
  /** At most two; what has no room beside the addresses is left out. */
  readonly boxes: readonly InviteBox[]
}

/** The slot of an invite's secret. */
export function inviteSlot(p: Primitives, inviteSecret: Uint8Array): SlotKeys {
  return slotOf(p, derive(p, inviteSecret, LABELS.inviteSlot, 32))
}

/** The inviter's record. Throws for a bundle that is none by its size, and for boxes that are none. */
export function sealInviteRecord(
  p: Primitives,
  random: Random,
  inviteSecret: Uint8Array,
  version: SlotVersion,
  { bundle, addresses, boxes }: InviteSlotContent,
): SlotRecord {
  if (bundle.length < 1 || bundle.length > BUNDLE_BYTES) throw new RangeError(`no bundle has ${bundle.length} bytes`)
  const room = slotRoom('iv1')
  const told = fitting(room, addresses, RECORD_ADDRESSES, (kept) => [bundle, kept])
  const withBoxes = (kept: readonly Plain[]): Plain => (kept.length === 0 ? [bundle, told] : [bundle, told, kept])
  const content = encode(withBoxes(fitting(room, plainInviteBoxes(boxes), INVITE_BOX_LIST, withBoxes)))
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
  return opened && content && { seq: opened.seq, ...content }
}

function recordKey(p: Primitives, inviteSecret: Uint8Array): Uint8Array {
  return derive(p, inviteSecret, LABELS.inviteSlotKey, 32)
}

const BUNDLE = bytes(1, BUNDLE_BYTES)
const WITHOUT_BOXES = tuple(BUNDLE, RECORD_ADDRESSES)
const WITH_BOXES = tuple(BUNDLE, RECORD_ADDRESSES, INVITE_BOX_LIST)
const CONTENT: Decoder<InviteSlotContent> = (item) => {
  const fields = WITHOUT_BOXES(item) ?? WITH_BOXES(item)
  return fields && { bundle: fields[0], addresses: fields[1], boxes: fields[2] ?? [] }
}
