/**
 * What two byte strings have in common: how whoever keeps both would tell that they come from one hand.
 */
import { hex } from './seeded.ts'

/** Four random bytes agree by chance now and then among the pairs of a few thousand; five do not. */
export const WINDOW = 5

/** The byte strings of five that stand in both, wherever that is; nothing is looked for across the ends of parts. */
export function commonBytes(a: readonly Uint8Array[], b: readonly Uint8Array[]): readonly string[] {
  const others = new Set(windows(b))
  return windows(a).filter((each) => others.has(each))
}

function windows(parts: readonly Uint8Array[]): readonly string[] {
  return parts.flatMap((part) =>
    Array.from({ length: part.length - WINDOW + 1 }, (_, at) => hex(part.subarray(at, at + WINDOW))),
  )
}
