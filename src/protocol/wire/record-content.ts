/**
 * What records of the DHT hold as far as there is room: addresses, as bytes of multiaddresses, and more of that kind.
 *
 * Holds: at most ten, of 1 to 128 bytes each; what they may be is for the net to judge, before it dials.
 */
import { ADDRESS_COUNT, RECORD_ADDRESS_BYTES } from '../limits.ts'
import type { Plain } from './codec.ts'
import { bytes, type Decoder, encode, list } from './codec.ts'

export const RECORD_ADDRESSES = list(bytes(1, RECORD_ADDRESS_BYTES), 0, ADDRESS_COUNT)

/** As many of the items, in order, as `decoder` takes together and let the content stay within `room` bytes; others are left out. */
export function fitting<T>(
  room: number,
  items: readonly T[],
  decoder: Decoder<unknown>,
  content: (kept: readonly T[]) => Plain,
): readonly T[] {
  let kept: readonly T[] = []
  for (const item of items) {
    const more = [...kept, item]
    if (decoder(more) !== undefined && encode(content(more)).length <= room) kept = more
  }
  return kept
}

/** The content with as many of the addresses, in order, as have room. */
export function encodeWithAddresses(
  room: number,
  addresses: readonly Uint8Array[],
  content: (kept: readonly Uint8Array[]) => Plain,
): Uint8Array {
  return encode(content(fitting(room, addresses, RECORD_ADDRESSES, content)))
}
