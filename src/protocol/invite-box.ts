/**
 * The form in which it is told where a guest may leave mail for the maker of an invite: in the record in the DHT (`invite-slot.ts`) and in the file (`invite-file.ts`).
 *
 *     box = [box 16, carrier key 32, tag 16, grant]        the grant with 1 to 30 names (`encodeShortGrant`)
 *
 * Key and tokens are not told: whoever has the link makes them (`inviteBoxKey`, `inviteToken`).
 *
 * Holds: keys are good points, no box stands twice.
 */
import type { InviteBox } from './box.ts'
import { equal } from './bytes.ts'
import { isSigningKey } from './crypto/points.ts'
import { INVITE_BOXES } from './limits.ts'
import { decodeShortGrant, encodeShortGrant, GRANT_BYTES } from './rendezvous.ts'
import type { Decoder, Plain } from './wire/codec.ts'
import { bytes, list, mapped, tuple } from './wire/codec.ts'

const BOX = mapped(
  tuple(
    bytes(16),
    mapped(bytes(32), (key) => (isSigningKey(key) ? key : undefined)),
    bytes(16),
    mapped(bytes(1, GRANT_BYTES), decodeShortGrant),
  ),
  ([box, carrierKey, tag, grant]): InviteBox => ({ box, carrierKey, tag, grant }),
)

/** One or two boxes: a list of none is left out where it would stand. */
export const INVITE_BOX_LIST: Decoder<readonly InviteBox[]> = mapped(list(BOX, 1, INVITE_BOXES), (boxes) => {
  const [first, second] = boxes
  return first !== undefined && second !== undefined && equal(first.box, second.box) ? undefined : boxes
})

/** The plain forms of at most two boxes. Throws for what the other side would refuse. */
export function plainInviteBoxes(boxes: readonly InviteBox[]): readonly Plain[] {
  const plain = boxes.map(({ box, carrierKey, tag, grant }) => [box, carrierKey, tag, encodeShortGrant(grant)])
  if (plain.length > 0 && INVITE_BOX_LIST(plain) === undefined) throw new RangeError('no such boxes of an invite')
  return plain
}
