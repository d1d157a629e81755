/**
 * Padding of frames, so that a watcher sees one of few sizes.
 *
 *     padded frame = length 4 ‖ frame ‖ zeros        of a size of `buckets.ts`
 *
 * It travels on `/tulnic/envelope/1`, which keeps that name: what is on the wire does not change because a word does. An envelope is
 * now what is left at a carrier (`envelope.ts`).
 *
 * Holds: one padded form for a frame: another size, or anything but zeros in the padding, is refused.
 */
import { FRAME_BYTES } from '../limits.ts'
import { paddedSize } from './buckets.ts'
import { uint32 } from './codec.ts'

const LENGTH_BYTES = 4

/** The largest padded frame: what a reader must be ready to take. */
export const PADDED_FRAME_BYTES = paddedSize(LENGTH_BYTES + FRAME_BYTES)

/** The frame (1 byte to 64 KiB) with its padding. */
export function padFrame(frame: Uint8Array): Uint8Array {
  if (frame.length < 1 || frame.length > FRAME_BYTES)
    throw new RangeError(`a frame has 1 to ${FRAME_BYTES} bytes, not ${frame.length}`)
  const padded = new Uint8Array(paddedSize(LENGTH_BYTES + frame.length))
  padded.set(uint32(frame.length))
  padded.set(frame, LENGTH_BYTES)
  return padded
}

/** The frame without its padding, as a view; `undefined` for anything that {@link padFrame} would not have made. */
export function unpadFrame(padded: Uint8Array): Uint8Array | undefined {
  if (padded.length < LENGTH_BYTES) return undefined
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0)
  const end = LENGTH_BYTES + length
  if (length < 1 || length > FRAME_BYTES || padded.length !== paddedSize(end)) return undefined
  for (let at = end; at < padded.length; at++) if (padded[at] !== 0) return undefined
  return padded.subarray(LENGTH_BYTES, end)
}
