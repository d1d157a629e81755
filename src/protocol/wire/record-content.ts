/**
 * What all records of the DHT hold: addresses, as bytes of multiaddresses, as many as the record has room for.
 *
 * Holds: at most ten, of 1 to 128 bytes each; what they may be is for the net to judge, before it dials.
 */
import { ADDRESS_COUNT, RECORD_ADDRESS_BYTES } from '../limits.ts'
import type { Plain } from './codec.ts'
import { bytes, encode, list } from './codec.ts'

export const RECORD_ADDRESSES = list(bytes(1, RECORD_ADDRESS_BYTES), 0, ADDRESS_COUNT)

/** The content with as many of the addresses, in order, as let it stay within `room` bytes; others are left out. */
export function encodeWithAddresses(
  room: number,
  addresses: readonly Uint8Array[],
  content: (kept: readonly Uint8Array[]) => Plain,
): Uint8Array {
  let kept: readonly Uint8Array[] = []
  for (const address of addresses) {
    const more = [...kept, address]
    if (RECORD_ADDRESSES(more) !== undefined && encode(content(more)).length <= room) kept = more
  }
  return encode(content(kept))
}
