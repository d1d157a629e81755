/**
 * Padding of frames, so that a watcher sees one of few sizes.
 *
 *     envelope = length 4 ‖ frame ‖ zeros        of 1024, 2048 or 4096 bytes, above that Padmé (PURBs, §4: at most 12 % more)
 *
 * Holds: one envelope for a frame: another size, or anything but zeros in the padding, is refused.
 */
import { FRAME_BYTES } from '../limits.ts'
import { uint32 } from './codec.ts'

const LENGTH_BYTES = 4
const BUCKETS = [1024, 2048, 4096]

/** The largest envelope: what a reader must be ready to take. */
export const ENVELOPE_BYTES = paddedSize(LENGTH_BYTES + FRAME_BYTES)

/** The frame (1 byte to 64 KiB) in its envelope. */
export function padEnvelope(frame: Uint8Array): Uint8Array {
  if (frame.length < 1 || frame.length > FRAME_BYTES)
    throw new RangeError(`a frame has 1 to ${FRAME_BYTES} bytes, not ${frame.length}`)
  const envelope = new Uint8Array(paddedSize(LENGTH_BYTES + frame.length))
  envelope.set(uint32(frame.length))
  envelope.set(frame, LENGTH_BYTES)
  return envelope
}

/** The frame in an envelope, as a view of it; `undefined` for anything that {@link padEnvelope} would not have made. */
export function unpadEnvelope(envelope: Uint8Array): Uint8Array | undefined {
  if (envelope.length < LENGTH_BYTES) return undefined
  const length = new DataView(envelope.buffer, envelope.byteOffset).getUint32(0)
  const end = LENGTH_BYTES + length
  if (length < 1 || length > FRAME_BYTES || envelope.length !== paddedSize(end)) return undefined
  for (let at = end; at < envelope.length; at++) if (envelope[at] !== 0) return undefined
  return envelope.subarray(LENGTH_BYTES, end)
}

function paddedSize(size: number): number {
  const bucket = BUCKETS.find((each) => each >= size)
  if (bucket !== undefined) return bucket
  const exponent = 31 - Math.clz32(size)
  const kept = 32 - Math.clz32(exponent)
  const step = 2 ** (exponent - kept)
  return Math.ceil(size / step) * step
}
