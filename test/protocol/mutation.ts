/**
 * Damaged bytes: what a hostile or broken peer could send in the place of good ones.
 */
import type { Random } from '../../src/protocol/index.ts'
import { concat } from '../../src/protocol/index.ts'
import { below } from './seeded.ts'

/** The bytes with one to four random changes: bits, bytes, cuts, insertions, repetitions, and CBOR's favourite heads. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  let mutated: Uint8Array = bytes.slice()
  for (let left = 1 + below(random, 4); left > 0; left--) mutated = once(random, mutated)
  return mutated
}

const HEADS = [
  0x00, 0x18, 0x1b, 0x20, 0x3b, 0x40, 0x5f, 0x60, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xf4, 0xf6, 0xf7, 0xf9, 0xfb,
  0xff,
]

function once(random: Random, bytes: Uint8Array): Uint8Array {
  const at = below(random, bytes.length + 1)
  const to = at + below(random, bytes.length + 1 - at)
  const changed = bytes.slice()
  switch (below(random, 8)) {
    case 0:
      if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << below(random, 8))
      return changed
    case 1:
      if (at < changed.length) changed[at] = below(random, 256)
      return changed
    case 2:
      if (at < changed.length) changed[at] = HEADS[below(random, HEADS.length)] ?? 0
      return changed
    case 3:
      return bytes.subarray(0, at)
    case 4:
      return concat(bytes.subarray(0, at), bytes.subarray(to))
    case 5:
      return concat(bytes.subarray(0, at), random(1 + below(random, 9)), bytes.subarray(at))
    case 6:
      return concat(bytes.subarray(0, to), bytes.subarray(at))
    default:
      return concat(bytes, random(1 + below(random, 40)))
  }
}
